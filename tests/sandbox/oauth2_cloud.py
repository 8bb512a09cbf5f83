"""OAuth 2.0 of Atlassian Cloud ("3LO"): one authorization server for all sites, a gateway, rotating refresh tokens.

The words of the refusals are seen ones, except those of a wrong code. PKCE is no replacement for the secret here, so it is not looked at.
"""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import msgspec
from werkzeug import Response

from sandbox.lifetimes import Lifetimes
from sandbox.oauth2 import BearerToken, CallbackError, Client, TokenError, Vault, Wish
from sandbox.problems import RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.clock import Clock

CLOUD_ID: Final = str(uuid.uuid5(uuid.NAMESPACE_URL, "https://sandbox.example.com"))
"""The site's name in gateway paths; the same in every run."""

AUDIENCE: Final = "api.atlassian.com"
OFFLINE: Final = "offline_access"
SCOPES: Final = {
    "read:jira-work": "see projects, issues and what belongs to them",
    "read:jira-user": "see users, with their names and pictures",
    "write:jira-work": "create and change issues, comments and work logs",
    "read:board-scope:jira-software": "see boards",
    "read:sprint:jira-software": "see sprints",
    OFFLINE: "do all this when you are not there",
}
"""What an app may ask for, with what the page says about it."""

_NEEDED: Final = (
    ("/rest/agile/1.0/board", "read:board-scope:jira-software"),
    ("/rest/agile/1.0/sprint", "read:sprint:jira-software"),
    ("/rest/api/2/myself", "read:jira-user"),
    ("/rest/api/2/user", "read:jira-user"),
    ("/rest/", "read:jira-work"),
)


class GatewayError(RefusedError):
    """The gateway lets a request no further; a shape of its own that Jira itself never answers."""

    def __init__(self, status: int, message: str) -> None:
        """`message` as the gateway words it."""
        super().__init__(message)
        self.status = status

    def response(self, realm: str) -> Response:  # noqa: ARG002 - the gateway names no realm
        """JSON without `errorMessages`."""
        return _json({"code": self.status, "message": str(self)}, self.status)


class SiteBearerError(RefusedError):
    """A bearer token was sent to the site itself, where only the gateway's services may use one."""

    def response(self, realm: str) -> Response:  # noqa: ARG002 - the site names no realm
        """403, whatever the token is worth."""
        return _json({"error": "Failed to parse Connect Session Auth Token"}, 403)


@dataclass(frozen=True)
class _Refresh:
    """A refresh token; `ends` is common to all that came from one consent, `replaced` when the next one was given."""

    client: Client
    user: str
    scopes: tuple[str, ...]
    idle_until: float
    ends: float
    replaced: float | None = None


@dataclass
class CloudOAuth2:
    """The decisions behind `auth.atlassian.com` and the gateway `api.atlassian.com`."""

    clock: Clock
    lifetimes: Lifetimes = field(default_factory=Lifetimes)
    _refresh: dict[str, _Refresh] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Start without apps."""
        self.vault = Vault(self.clock)

    def wish(self, given: Mapping[str, str]) -> Wish:
        """An authorize request; AuthorizeError or CallbackError when nobody should be asked."""
        client, address = self.vault.asking(given)
        scopes = tuple(given.get("scope", "").split())
        wish = Wish(client, address, scopes, given.get("state"))
        if given.get("response_type") != "code":
            raise CallbackError(wish, "unsupported_response_type", "response_type must be code")
        if given.get("audience") != AUDIENCE:
            raise CallbackError(wish, "invalid_request", f"audience must be {AUDIENCE}")
        if not scopes or not set(scopes) <= {*client.allowed(SCOPES), OFFLINE}:
            raise CallbackError(wish, "invalid_scope", "the app is not set up for these scopes")
        return wish

    def allow(self, wish: Wish, user: str) -> str:
        """The code for a request that a user has allowed."""
        return self.vault.issue_code(wish, user, self.lifetimes.cloud_code)

    def token(self, given: Mapping[str, str]) -> dict[str, Any]:
        """The token endpoint: `authorization_code` or `refresh_token`; TokenError for anything else."""
        grants = {"authorization_code": self._by_code, "refresh_token": self._by_refresh}
        grant = grants.get(given.get("grant_type", ""))
        if grant is None:
            raise TokenError(403, "unsupported_grant_type", "Unsupported grant type")
        client = self.vault.authenticated(given)
        if client is None:
            raise TokenError(401, "access_denied", "Unauthorized")
        return grant(client, given)

    def grant(self, client: Client, user: str, scopes: tuple[str, ...]) -> dict[str, Any]:
        """Tokens without the dance."""
        return self._answer(client, user, scopes, self._end())

    def resources(self, token: str, site: str) -> list[dict[str, Any]]:
        """`accessible-resources`: the sites on which a token works, here always the one. GatewayError for a dead token."""
        bearer = self._bearer(token)
        return [
            {
                "id": CLOUD_ID,
                "url": site,
                "name": "sandbox",
                "scopes": [scope for scope in bearer.scopes if scope != OFFLINE],
                "avatarUrl": f"{site}/images/sandbox.png",
            }
        ]

    def enter(self, token: str, path: str) -> str:
        """The name of the user as whom the gateway passes a request for `path` on; GatewayError when it does not."""
        bearer = self._bearer(token)
        below = path.replace("/rest/api/3/", "/rest/api/2/").replace("/latest/", "/2/")
        needed = next((scope for start, scope in _NEEDED if below.startswith(start)), None)
        if needed not in bearer.scopes:
            raise GatewayError(401, "Unauthorized; scope does not match")
        return bearer.user

    def _bearer(self, token: str) -> BearerToken:
        found = self.vault.bearer(token)
        if found is None:
            raise GatewayError(401, "Unauthorized")
        return found

    def revoke(self, token: str) -> bool:
        """Make an access or a refresh token useless; whether there was one."""
        with self.vault.lock:
            return self.vault.revoke(token) or self._refresh.pop(token, None) is not None

    def _by_code(self, client: Client, given: Mapping[str, str]) -> dict[str, Any]:
        code = self.vault.take_code(given.get("code", ""))
        if code is None or code.wish.client != client:
            raise TokenError(403, "invalid_grant", "Invalid authorization code")
        if given.get("redirect_uri") != code.wish.redirect_uri:
            raise TokenError(403, "invalid_grant", "Invalid authorization code")
        return self._answer(client, code.user, code.wish.scopes, self._end())

    def _by_refresh(self, client: Client, given: Mapping[str, str]) -> dict[str, Any]:
        """Each answer brings the next token; the one before still works for a while, for answers that got lost."""
        token, now = given.get("refresh_token", ""), self.clock.now()
        with self.vault.lock:
            found = self._refresh.get(token)
            if found is None or found.client != client:
                raise TokenError(403, "invalid_grant", "Unknown or invalid refresh token.")
            if now > min(found.idle_until, found.ends):
                raise TokenError(403, "unauthorized_client", "refresh_token is invalid")
            if found.replaced is None:
                self._refresh[token] = replace(found, replaced=now)
            elif now > found.replaced + self.lifetimes.cloud_reuse:
                raise TokenError(403, "invalid_grant", "Unknown or invalid refresh token.")
            return self._answer(client, found.user, found.scopes, found.ends)

    def _end(self) -> float:
        return self.clock.now() + self.lifetimes.cloud_grant

    def _answer(
        self, client: Client, user: str, scopes: tuple[str, ...], ends: float
    ) -> dict[str, Any]:
        bearer = self.vault.issue_bearer(client, user, scopes, self.lifetimes.bearer)
        answer = {
            "access_token": bearer.token,
            "expires_in": int(self.lifetimes.bearer),
            "token_type": "Bearer",
            "scope": " ".join(scopes),
        }
        if OFFLINE not in scopes:
            return answer
        refresh = secrets.token_urlsafe(48)
        idle = self.clock.now() + self.lifetimes.refresh_token
        with self.vault.lock:
            self._refresh[refresh] = _Refresh(client, user, scopes, idle, ends)
        return {**answer, "refresh_token": refresh}


def _json(value: object, status: int) -> Response:
    return Response(msgspec.json.encode(value), status, content_type="application/json")
