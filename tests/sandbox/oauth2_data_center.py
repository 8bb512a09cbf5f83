"""Jira Data Center as an OAuth 2.0 provider: authorization codes with or without PKCE, bearer and refresh tokens.

Grants, lifetimes and scopes are those of Atlassian's "Jira OAuth 2.0 provider API". That a refresh token works once and
that the refusals are RFC 6749's bare error codes is believed, not seen. HTTPS is not demanded: the sandbox stands for a
Jira whose administrator has set the two properties that allow plain HTTP.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sandbox.lifetimes import Lifetimes
from sandbox.oauth2 import CallbackError, Client, TokenError, Vault, Wish

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.clock import Clock

SCOPES: Final = {
    "READ": "see projects and issues",
    "WRITE": "create, change and delete projects and issues",
    "ADMIN": "administer Jira, as far as this user may",
    "SYSTEM_ADMIN": "administer the whole system, as far as this user may",
}
"""Each includes the ones before it, with what the page says about it."""


@dataclass(frozen=True)
class _Refresh:
    client: Client
    user: str
    scopes: tuple[str, ...]
    redirect_uri: str
    expires: float


@dataclass
class DataCenterOAuth2:
    """The decisions behind `/rest/oauth2/latest/authorize` and `/rest/oauth2/latest/token`."""

    clock: Clock
    lifetimes: Lifetimes = field(default_factory=Lifetimes)
    _refresh: dict[str, _Refresh] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Start without clients."""
        self.vault = Vault(self.clock)

    def wish(self, given: Mapping[str, str]) -> Wish:
        """An authorize request; AuthorizeError or CallbackError when nobody should be asked."""
        client, address = self.vault.asking(given)
        scopes = tuple(given.get("scope", "").split())
        method = given.get("code_challenge_method", "plain")
        state, challenge = given.get("state"), given.get("code_challenge")
        wish = Wish(client, address, scopes, state, challenge, method)
        if given.get("response_type") != "code":
            raise CallbackError(wish, "unsupported_response_type", "response_type must be code")
        if not scopes or not set(scopes) <= _covered(client.allowed(SCOPES)):
            raise CallbackError(wish, "invalid_scope", f"scope must be of {', '.join(SCOPES)}")
        if method not in {"S256", "plain"}:
            raise CallbackError(wish, "invalid_request", "code_challenge_method must be S256")
        return wish

    def allow(self, wish: Wish, user: str) -> str:
        """The code for a request that a user has allowed."""
        return self.vault.issue_code(wish, user, self.lifetimes.code)

    def token(self, given: Mapping[str, str]) -> dict[str, Any]:
        """The token endpoint: `authorization_code` or `refresh_token`; TokenError for anything else."""
        grants = {"authorization_code": self._by_code, "refresh_token": self._by_refresh}
        if "grant_type" not in given:
            raise TokenError(400, "invalid_request", "Missing grant_type parameter")
        if given["grant_type"] not in grants:
            raise TokenError(400, "unsupported_grant_type")
        client = self.vault.authenticated(given)
        if client is None:
            raise TokenError(401, "invalid_client", "Client authentication failed")
        return grants[given["grant_type"]](client, given)

    def grant(self, client: Client, user: str, scopes: tuple[str, ...]) -> dict[str, Any]:
        """Tokens without the dance."""
        return self._answer(client, user, scopes, client.redirect_uris[0])

    def revoke(self, token: str) -> bool:
        """Make an access or a refresh token useless; whether there was one."""
        with self.vault.lock:
            return self.vault.revoke(token) or self._refresh.pop(token, None) is not None

    def _by_code(self, client: Client, given: Mapping[str, str]) -> dict[str, Any]:
        code = self.vault.take_code(given.get("code", ""))
        if code is None or code.wish.client != client:
            raise TokenError(400, "invalid_grant")
        if given.get("redirect_uri") != code.wish.redirect_uri:
            raise TokenError(400, "invalid_grant")
        if not code.wish.proven_by(given.get("code_verifier")):
            raise TokenError(400, "invalid_grant")
        return self._answer(client, code.user, code.wish.scopes, code.wish.redirect_uri)

    def _by_refresh(self, client: Client, given: Mapping[str, str]) -> dict[str, Any]:
        """Data Center looks at `redirect_uri` here too, which RFC 6749 does not have, and does not say so."""
        token = given.get("refresh_token", "")
        with self.vault.lock:
            found = self._refresh.get(token)
            if found is None or found.client != client or found.expires < self.clock.now():
                raise TokenError(400, "invalid_grant")
            if given.get("redirect_uri") != found.redirect_uri:
                raise TokenError(400, "invalid_grant")
            del self._refresh[token]
        return self._answer(client, found.user, found.scopes, found.redirect_uri)

    def _answer(
        self, client: Client, user: str, scopes: tuple[str, ...], address: str
    ) -> dict[str, Any]:
        bearer = self.vault.issue_bearer(client, user, scopes, self.lifetimes.bearer)
        refresh = secrets.token_urlsafe(48)
        with self.vault.lock:
            self._refresh[refresh] = _Refresh(
                client, user, scopes, address, self.clock.now() + self.lifetimes.refresh_token
            )
        return {
            "access_token": bearer.token,
            "refresh_token": refresh,
            "expires_in": int(self.lifetimes.bearer),
            "scope": " ".join(scopes),
            "token_type": "bearer",
        }


def _covered(scopes: tuple[str, ...]) -> set[str]:
    """The scopes and all that they include."""
    names = list(SCOPES)
    return {lower for scope in scopes for lower in names[: names.index(scope) + 1]}
