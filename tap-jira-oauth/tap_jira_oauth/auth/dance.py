"""The three legs of OAuth 1.0a at Jira: a request token, a person's consent, an access token.

Paths and answers as Jira's own servlets have them, below the base URL with its context path.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

from tap_jira_oauth.advice import SIGN_IN
from tap_jira_oauth.answer import Wait
from tap_jira_oauth.auth.anonymous import Anonymous
from tap_jira_oauth.auth.oauth1 import RSASignature
from tap_jira_oauth.auth.refusal import no_servlet, refuse_sign_in
from tap_jira_oauth.errors import AuthenticationError, UnavailableError
from tap_jira_oauth.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    from tap_jira_oauth.settings import Settings

    Clock = Callable[[], datetime]

SERVLETS = "/plugins/servlet/oauth"
OUT_OF_BAND = "oob"
"""The callback that makes Jira show the verification code on its page."""

DENIED = "denied"
"""The verifier that Jira sends when the person clicked Deny."""


@dataclass(frozen=True)
class RequestToken:
    """The pending sign-in: good for ten minutes and one use."""

    token: str
    secret: str


@dataclass(frozen=True)
class AccessToken:
    """The lasting result. Lifetimes in seconds, None where Jira does not tell."""

    token: str
    secret: str
    session_handle: str | None
    expires_in: int | None
    session_expires_in: int | None


class Dance:
    """One sign-in at one Jira, leg by leg. No leg is ever sent twice by itself."""

    def __init__(
        self, settings: Settings, consumer_key: str, key: RSAPrivateKey, clock: Clock
    ) -> None:
        """Prepare; nothing is sent yet. `clock` returns the time with its zone."""
        self._base = f"{settings.api_url}{SERVLETS}"
        self._consumer_key = consumer_key
        self._key = key
        self._clock = clock
        self._transport = Transport(settings, Anonymous())

    def request_token(self, callback: str = OUT_OF_BAND) -> RequestToken:
        """First leg: ask for a request token.

        Raises:
            TapError: Jira refused, with the reason and what to do.
        """
        signer = RSASignature(self._consumer_key, self._key, callback=callback)
        pairs = self._post("request-token", signer)
        return RequestToken(pairs["oauth_token"], pairs["oauth_token_secret"])

    def authorize_url(self, request: RequestToken) -> str:
        """Second leg: the page on which the person allows the access."""
        return f"{self._base}/authorize?{urlencode({'oauth_token': request.token})}"

    def access_token(self, request: RequestToken, verifier: str) -> AccessToken:
        """Third leg: exchange the request token and the person's code. Jira allows it only once.

        Raises:
            AuthenticationError: the person denied, or the code is wrong or too old.
            UnavailableError: no answer, so that nobody knows whether Jira issued a token.
        """
        if verifier == DENIED:
            raise AuthenticationError(str(SIGN_IN["permission_denied"]))
        signer = RSASignature(
            self._consumer_key, self._key, request.token, request.secret, verifier=verifier
        )
        try:
            pairs = self._post("access-token", signer)
        except UnavailableError as error:
            raise UnavailableError(
                f"{error} It was the last step, which Jira takes only once, so it is not repeated. "
                "Start `jira-oauth login` again."
            ) from error
        return AccessToken(
            pairs["oauth_token"],
            pairs["oauth_token_secret"],
            pairs.get("oauth_session_handle"),
            _seconds(pairs.get("oauth_expires_in")),
            _seconds(pairs.get("oauth_authorization_expires_in")),
        )

    def _post(self, servlet: str, signer: RSASignature) -> dict[str, str]:
        address = f"{self._base}/{servlet}"
        answer = self._transport.send("POST", address, auth=signer)
        if isinstance(answer, Wait):
            raise UnavailableError(f"{answer.reason}. Is 'api_url' right, and Jira running?")
        if answer.status != HTTPStatus.OK:
            refuse_sign_in(answer, address, f"{SERVLETS}/{servlet}", self._clock())
        pairs = dict(parse_qsl(answer.body.decode("utf-8", "replace")))
        if not {"oauth_token", "oauth_token_secret"} <= pairs.keys():
            raise no_servlet(address)
        return pairs


def _seconds(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() else None
