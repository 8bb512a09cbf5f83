"""The three legs of OAuth 1.0a at Jira: a request token, a person's consent, an access token.

Paths and answers as Jira's own servlets have them, below the base URL with its context path.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

import requests

from tap_jira_oauth.answer import Answer, refuse
from tap_jira_oauth.auth.oauth1 import RSASignature
from tap_jira_oauth.errors import AnswerError, AuthenticationError, UnavailableError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

SERVLETS = "/plugins/servlet/oauth"
OUT_OF_BAND = "oob"
"""The callback that makes Jira show the verification code on its page."""

DENIED = "denied"
"""The verifier that Jira sends when the person clicked Deny."""

_TIMEOUT = 60


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

    def __init__(self, api_url: str, consumer_key: str, private_key: RSAPrivateKey) -> None:
        """Prepare; nothing is sent yet."""
        self._base = f"{api_url}{SERVLETS}"
        self._consumer_key = consumer_key
        self._key = private_key

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
        """
        if verifier == DENIED:
            raise AuthenticationError("The access was denied on Jira's page.")
        signer = RSASignature(
            self._consumer_key, self._key, request.token, request.secret, verifier=verifier
        )
        pairs = self._post("access-token", signer)
        return AccessToken(
            pairs["oauth_token"],
            pairs["oauth_token_secret"],
            pairs.get("oauth_session_handle"),
            _seconds(pairs.get("oauth_expires_in")),
            _seconds(pairs.get("oauth_authorization_expires_in")),
        )

    def _post(self, servlet: str, signer: RSASignature) -> dict[str, str]:
        address = f"{self._base}/{servlet}"
        try:
            response = requests.post(address, auth=signer, timeout=_TIMEOUT, allow_redirects=False)
        except requests.exceptions.RequestException as error:
            raise UnavailableError(
                f"{address} does not answer ({type(error).__name__}). Is 'api_url' right?"
            ) from error
        answer = Answer(response.status_code, response.headers, response.content)
        if answer.status != requests.codes.ok:
            refuse(answer)
        pairs = dict(parse_qsl(response.text))
        if not {"oauth_token", "oauth_token_secret"} <= pairs.keys():
            raise AnswerError(
                f"{address} did not answer with a token. Is 'api_url' Jira's own base URL, with "
                "its context path?"
            )
        return pairs


def _seconds(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() else None
