"""What the OAuth 2.0 of Data Center and of Cloud have in common: clients, the authorize request, codes, tokens.

The two differ in names, lifetimes, rotation and the wording of every refusal: `oauth2_data_center`, `oauth2_cloud`.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import threading
from dataclasses import dataclass, field
from hmac import compare_digest
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sandbox.clock import Clock


class AuthorizeError(Exception):
    """The authorize request names no known client or another address: a page says so, and nobody is called back."""


class CallbackError(Exception):
    """The authorize request is refused in a way that the client learns: `error` goes to its redirect address."""

    def __init__(self, wish: Wish, error: str, description: str) -> None:
        """`error` is one of RFC 6749, section 4.1.2.1."""
        super().__init__(description)
        self.wish = wish
        self.error = error
        self.description = description


class TokenError(Exception):
    """The token endpoint refuses: status, `error`, and `error_description` unless it is empty."""

    def __init__(self, status: int, error: str, description: str = "") -> None:
        """The words are the flavor's own."""
        super().__init__(f"{error}: {description}")
        self.status = status
        self.error = error
        self.description = description

    def body(self) -> dict[str, str]:
        """The JSON answer."""
        told = {"error_description": self.description} if self.description else {}
        return {"error": self.error, **told}


@dataclass(frozen=True)
class Client:
    """An incoming link of Data Center, or an app of Cloud; `scopes` are those that it may ask for, None for all."""

    client_id: str
    client_secret: str
    name: str
    redirect_uris: tuple[str, ...]
    scopes: tuple[str, ...] | None = None

    def allowed(self, known: Iterable[str]) -> tuple[str, ...]:
        """What it may ask for, of the scopes that there are."""
        return tuple(known) if self.scopes is None else self.scopes


@dataclass(frozen=True)
class Wish:
    """An authorize request that a person can answer.

    Attributes:
        state: what the client wants back, None when it sent none.
        challenge: of PKCE; None without it.
        method: `S256` or `plain`.
    """

    client: Client
    redirect_uri: str
    scopes: tuple[str, ...]
    state: str | None = None
    challenge: str | None = None
    method: str = "plain"

    def proven_by(self, verifier: str | None) -> bool:
        """Whether `code_verifier` belongs to the challenge (RFC 7636, section 4.6)."""
        if self.challenge is None:
            return verifier is None
        if verifier is None:
            return False
        if self.method == "plain":
            return verifier == self.challenge
        digest = hashlib.sha256(verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == self.challenge


@dataclass(frozen=True)
class Code:
    """An authorization code: what was asked, and who allowed it."""

    wish: Wish
    user: str
    expires: float


@dataclass(frozen=True)
class BearerToken:
    """An access token: who it stands for, and what it may do."""

    token: str
    client: Client
    user: str
    scopes: tuple[str, ...]
    expires: float


@dataclass
class Vault:
    """The clients, codes and access tokens of one flavor. Safe to use from many threads.

    Attributes:
        lock: held by whoever reads and then changes.
    """

    clock: Clock
    lock: threading.RLock = field(default_factory=threading.RLock)
    _clients: dict[str, Client] = field(default_factory=dict)
    _codes: dict[str, Code] = field(default_factory=dict)
    _bearers: dict[str, BearerToken] = field(default_factory=dict)

    def register(self, client: Client) -> None:
        """Add or replace a client."""
        with self.lock:
            self._clients[client.client_id] = client

    def client(self, client_id: str) -> Client:
        """The client of that id; LookupError when there is none."""
        if client_id not in self._clients:
            raise LookupError(f"the sandbox has no OAuth 2.0 client {client_id!r}")
        return self._clients[client_id]

    def authenticated(self, given: Mapping[str, str]) -> Client | None:
        """The client whose id and secret are given; None when they are not a pair."""
        client = self._clients.get(given.get("client_id", ""))
        secret = given.get("client_secret", "").encode()
        if client is None or not compare_digest(secret, client.client_secret.encode()):
            return None
        return client

    def asking(self, given: Mapping[str, str]) -> tuple[Client, str]:
        """The client of an authorize request and its address; AuthorizeError when they are not registered together."""
        client = self._clients.get(given.get("client_id", ""))
        if client is None:
            raise AuthorizeError("No application is registered under this client_id.")
        address = given.get("redirect_uri", "")
        if address not in client.redirect_uris:
            raise AuthorizeError(f"The redirect_uri is none that {client.name} is registered with.")
        return client, address

    def issue_code(self, wish: Wish, user: str, seconds: float) -> str:
        """A code that lives so long."""
        code = secrets.token_urlsafe(32)
        with self.lock:
            self._codes[code] = Code(wish, user, self.clock.now() + seconds)
        return code

    def take_code(self, code: str) -> Code | None:
        """What a code stands for, once and in time; else None."""
        with self.lock:
            found = self._codes.pop(code, None)
        return found if found is not None and found.expires > self.clock.now() else None

    def issue_bearer(
        self, client: Client, user: str, scopes: tuple[str, ...], seconds: float
    ) -> BearerToken:
        """An access token that lives so long."""
        expires = self.clock.now() + seconds
        token = BearerToken(secrets.token_urlsafe(48), client, user, scopes, expires)
        with self.lock:
            self._bearers[token.token] = token
        return token

    def bearer(self, token: str) -> BearerToken | None:
        """The access token, while it lives; else None."""
        found = self._bearers.get(token)
        return found if found is not None and found.expires > self.clock.now() else None

    def ever_issued(self, token: str) -> bool:
        """Whether this is an access token of ours, alive or not."""
        return token in self._bearers

    def revoke(self, token: str) -> bool:
        """Make an access token useless; whether there was one."""
        with self.lock:
            return self._bearers.pop(token, None) is not None
