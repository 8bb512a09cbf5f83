"""OAuth 2.0 of Jira Data Center (8.22 and newer) and of Cloud ("3LO"): bearer tokens that are refreshed.

Both give a new refresh token with each refresh, and the old one dies. So the new one is kept before
anything is asked with what came with it, and only one holder refreshes at a time.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import msgspec
from oauthlib.oauth2 import WebApplicationClient
from requests.auth import AuthBase

from tap_jira_oauth.answer import Answer, Wait
from tap_jira_oauth.auth.anonymous import Anonymous
from tap_jira_oauth.credentials.tokens import Tokens, TokenStore, newest
from tap_jira_oauth.errors import AnswerError, AuthenticationError, UnavailableError
from tap_jira_oauth.redaction import REDACTION, quieten
from tap_jira_oauth.transport import Body, Transport
from tap_jira_oauth.verdict import judge_token

if TYPE_CHECKING:
    from collections.abc import Callable

    from requests import PreparedRequest

    from tap_jira_oauth.settings import Settings

LEEWAY = 60
"""Seconds before its end at which an access token counts as over, for slow answers and slow clocks."""

FORM = "application/x-www-form-urlencoded"


class _Granted(msgspec.Struct):
    """A token endpoint's answer (RFC 6749, section 5.1)."""

    access_token: str
    expires_in: float = 3600
    refresh_token: str | None = None


class RefreshedToken(AuthBase):
    """Sends `Authorization: Bearer`, and gets a new access token when the old one is over."""

    def __init__(
        self, settings: Settings, store: TokenStore, clock: Callable[[], float] = time.time
    ) -> None:
        """Read what is kept; nothing is sent yet.

        Raises:
            ConfigurationError: there is no token to begin with.
        """
        quieten("oauthlib", "requests_oauthlib")
        self._settings = settings
        self._store = store
        self._clock = clock
        self._transport = Transport(settings, Anonymous())
        self._lock = threading.Lock()
        self._generation = 0
        self._refused = ""
        self._tokens = self._known(newest(store.load(), settings.refresh_token))

    @property
    def generation(self) -> int:
        """How often the access token has changed."""
        return self._generation

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Add the header, with a new token if it is time; other threads wait for it.

        Raises:
            AuthenticationError: the consent is over.
            UnavailableError: the token endpoint does not answer now.
        """
        with self._lock:
            if not self._fresh(self._tokens):
                with self._store.locked():
                    kept = self._reread()
                    self._tokens = kept if self._fresh(kept) else self._refreshed(kept)
                self._generation += 1
            token = self._tokens.access_token
        request.headers["Authorization"] = f"Bearer {token}"
        return request

    def expire(self, generation: int, /) -> None:
        """Get a new token before the next request, unless that generation is gone already."""
        with self._lock:
            if self._generation == generation:
                self._refused = self._tokens.access_token

    def _refreshed(self, kept: Tokens) -> Tokens:
        # What cannot be written must show before the only refresh token is spent.
        self._store.save(kept)
        try:
            granted = self._ask(kept.refresh_token)
        except AuthenticationError:
            # A lease may lapse under a slow holder, who was faster: then its token is kept by now.
            later = self._reread()
            if later.refresh_token == kept.refresh_token or not self._fresh(later):
                raise
            return later
        new = self._known(
            Tokens(
                granted.refresh_token or kept.refresh_token,
                granted.access_token,
                self._clock() + granted.expires_in,
                kept.began_with,
            )
        )
        self._store.save(new)
        return new

    def _ask(self, refresh_token: str) -> _Granted:
        settings = self._settings
        more = {"redirect_uri": settings.redirect_uri} if settings.redirect_uri else {}
        client = WebApplicationClient(settings.client_id or "")
        form = client.prepare_refresh_body(
            refresh_token=refresh_token,
            client_id=settings.client_id,
            client_secret=settings.client_secret,
            **more,
        )
        url = settings.token_address
        answer = self._transport.send("POST", url, body=Body(form.encode(), FORM))
        return granted_by(answer, url)

    def _reread(self) -> Tokens:
        return self._known(newest(self._store.load(), self._settings.refresh_token))

    def _fresh(self, tokens: Tokens) -> bool:
        known = tokens.access_token not in {"", self._refused}
        return known and self._clock() < tokens.expires - LEEWAY

    @staticmethod
    def _known(tokens: Tokens) -> Tokens:
        REDACTION.learn(tokens.access_token, tokens.refresh_token)
        return tokens


def granted_by(outcome: Answer | Wait, url: str) -> _Granted:
    """Return what a token endpoint has granted.

    Raises:
        AuthenticationError: a person has to consent again, or the client is not known.
        UnavailableError: it may grant it later.
        AnswerError: it answered something else.
    """
    if isinstance(outcome, Wait):
        raise UnavailableError(outcome.reason)
    wait = judge_token(outcome)
    if wait is not None:
        raise UnavailableError(f"{url}: {wait.reason}")
    try:
        return msgspec.json.decode(outcome.body, type=_Granted)
    except msgspec.MsgspecError:
        # Not with its cause: the library quotes what it stumbled over.
        raise AnswerError(f"{url} did not answer with a token.") from None
