"""The OAuth 1.0a provider: consumers, tokens and nonces, and the checks in the order in which Jira makes them.

The order decides which error a client sees: a wrong verifier hides a wrong signature, a spent nonce too. oauthlib's own
endpoints answer yes or no in another order and read the system clock, so this module asks oauthlib for the two things that
must not be ours, the collected parameters and the verdict on the signature (`signed.py`).
"""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from sandbox.lifetimes import Lifetimes
from sandbox.nonces import SKEW_SECONDS, Nonces
from sandbox.problems import OAuthProblemError
from sandbox.public_key import load_public_key

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    from sandbox.clock import Clock
    from sandbox.signed import SignedMessage
    from sandbox.users import User

_SIGNED: Final = (
    "oauth_consumer_key",
    "oauth_signature_method",
    "oauth_signature",
    "oauth_timestamp",
    "oauth_nonce",
)


@dataclass(frozen=True)
class Consumer:
    """An application link: whose public key may sign.

    Attributes:
        acts_as: the name of the user for whom it asks without any token ("2-legged"); None when it may not.
    """

    key: str
    name: str
    public_key: RSAPublicKey
    acts_as: str | None = None


@dataclass
class RequestToken:
    """Between the first step and the last; `verifier` once a user allowed it, `denied` once a user did not."""

    token: str
    secret: str
    consumer: Consumer
    callback: str | None
    expires: float
    user: User | None = None
    verifier: str | None = None
    denied: bool = False


@dataclass(frozen=True)
class AccessToken:
    """What a client signs with from then on."""

    token: str
    secret: str
    session_handle: str
    consumer: Consumer
    user: User
    expires: float
    session_expires: float


@dataclass
class Provider:
    """Everything that OAuth 1.0a needs to remember. Safe to use from many threads."""

    clock: Clock
    lifetimes: Lifetimes = field(default_factory=Lifetimes)
    _refused: set[str] = field(default_factory=set)
    _consumers: dict[str, Consumer] = field(default_factory=dict)
    _requests: dict[str, RequestToken] = field(default_factory=dict)
    _access: dict[str, AccessToken] = field(default_factory=dict)
    _nonces: Nonces = field(default_factory=Nonces)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def register(
        self, key: str, public_key: str | bytes, name: str = "", acts_as: str | None = None
    ) -> None:
        """Add or replace a consumer; ValueError when `public_key` is not an RSA public key."""
        with self._lock:
            self._consumers[key] = Consumer(key, name or key, load_public_key(public_key), acts_as)

    def unregister(self, key: str) -> None:
        """Delete an application link; its tokens stay, and are `consumer_key_unknown`. LookupError for no such link."""
        with self._lock:
            if self._consumers.pop(key, None) is None:
                raise LookupError(f"the sandbox has no consumer {key!r}")

    def refuse(self, key: str, *, refused: bool) -> None:
        """Turn a consumer away with `consumer_key_refused`, or no longer; LookupError for no such link."""
        with self._lock:
            if key not in self._consumers:
                raise LookupError(f"the sandbox has no consumer {key!r}")
            (self._refused.add if refused else self._refused.discard)(key)

    def request_token(self, message: SignedMessage) -> RequestToken:
        """Step 1. A client that sends no `oauth_callback` speaks OAuth 1.0 and needs no verifier later."""
        message.require(*_SIGNED)
        consumer = self._consumer(message.oauth["oauth_consumer_key"])
        self._check(message, consumer, token="")
        callback = message.oauth.get("oauth_callback")
        if callback is not None and callback != "oob" and not _absolute(callback):
            raise OAuthProblemError(
                "parameter_rejected", oauth_parameters_rejected="oauth_callback"
            )
        token = RequestToken(
            _token(), _secret(), consumer, callback, self.clock.now() + self.lifetimes.request_token
        )
        with self._lock:
            self._requests[token.token] = token
        return token

    def pending(self, token: str) -> RequestToken:
        """The request token that a user is asked about; OAuthProblemError when it is unknown, expired or decided."""
        found = self._requests.get(token)
        if found is None or found.verifier is not None or found.denied:
            raise OAuthProblemError("token_rejected")
        if found.expires < self.clock.now():
            raise OAuthProblemError("token_expired")
        return found

    def decide(self, token: str, user: User, *, allow: bool) -> RequestToken:
        """Step 2: the user's answer. OAuthProblemError as `pending`."""
        with self._lock:
            found = self.pending(token)
            found.user = user
            found.denied = not allow
            found.verifier = (
                "".join(secrets.choice("0123456789abcdefghijkmnpqrstuvwxyz") for _ in range(6))
                if allow
                else None
            )
            return found

    def access_token(self, message: SignedMessage) -> AccessToken:
        """Step 3: once, in exchange for an allowed request token and its verifier; or a renewal by session handle."""
        message.require("oauth_token")
        with self._lock:
            known = self._access.get(message.oauth["oauth_token"])
            if known is not None:
                return self._renewed(message, known)
            asked = self._requests.get(message.oauth["oauth_token"])
            if asked is None:
                raise OAuthProblemError("token_rejected")
            if asked.expires < self.clock.now():
                raise OAuthProblemError("token_expired")
            if asked.user is None or asked.denied:
                raise OAuthProblemError(
                    "permission_denied" if asked.denied else "permission_unknown"
                )
            message.require(*_SIGNED)
            if message.oauth["oauth_consumer_key"] != asked.consumer.key:
                raise OAuthProblemError("token_rejected")
            if asked.callback is not None:
                message.require("oauth_verifier")
                if message.oauth["oauth_verifier"] != asked.verifier:
                    raise OAuthProblemError("token_rejected")
            self._check(message, asked.consumer, asked.token)
            self._consumer(asked.consumer.key)
            del self._requests[asked.token]
            return self._issue(asked.consumer, asked.user)

    def _renewed(self, message: SignedMessage, known: AccessToken) -> AccessToken:
        """Another access token for one that may have expired, as long as its session lives; the old one ends."""
        message.require(*_SIGNED)
        if message.oauth["oauth_consumer_key"] != known.consumer.key:
            raise OAuthProblemError("token_rejected")
        message.require("oauth_session_handle")
        if message.oauth["oauth_session_handle"] != known.session_handle:
            raise OAuthProblemError("token_rejected")
        if known.session_expires < self.clock.now():
            raise OAuthProblemError("permission_denied")
        self._check(message, known.consumer, known.token)
        self._consumer(known.consumer.key)
        del self._access[known.token]
        return self._issue(known.consumer, known.user)

    def grant(self, consumer_key: str, user: User) -> AccessToken:
        """An access token without the dance; OAuthProblemError when the consumer is unknown."""
        return self._issue(self._consumer(consumer_key), user)

    def revoke(self, token: str) -> None:
        """Make an access token useless; LookupError when there is none."""
        with self._lock:
            if self._access.pop(token, None) is None:
                raise LookupError("the sandbox has issued no such token, or it is revoked already")

    def tokens_of(self, name: str) -> list[AccessToken]:
        """What a user has allowed, oldest first."""
        with self._lock:
            return [token for token in self._access.values() if token.user.name == name]

    def authenticate(self, message: SignedMessage) -> str | None:
        """The name of the user behind a signed request.

        None when a parameter is missing, which makes the request anonymous.
        """
        if not {*_SIGNED, "oauth_token"} <= message.oauth.keys():
            return None
        if not message.oauth["oauth_token"]:
            return self._without_token(message)
        token = self._access.get(message.oauth["oauth_token"])
        if token is None or token.consumer.key != message.oauth["oauth_consumer_key"]:
            raise OAuthProblemError("token_rejected")
        if token.expires < self.clock.now():
            raise OAuthProblemError("token_expired")
        message.require(*_SIGNED)
        key = token.consumer.key
        self._check(message, self._consumers.get(key, token.consumer), token.token)
        self._consumer(key)
        return token.user.name

    def _without_token(self, message: SignedMessage) -> str:
        """2-legged: the link itself says as whom; a link for which nobody allowed that is `permission_denied`."""
        message.require(*_SIGNED)
        consumer = self._consumer(message.oauth["oauth_consumer_key"])
        self._check(message, consumer, token="")
        if consumer.acts_as is None:
            raise OAuthProblemError("permission_denied")
        return consumer.acts_as

    def _consumer(self, key: str) -> Consumer:
        consumer = self._consumers.get(key)
        if consumer is None:
            raise OAuthProblemError("consumer_key_unknown")
        if key in self._refused:
            raise OAuthProblemError("consumer_key_refused")
        return consumer

    def _issue(self, consumer: Consumer, user: User) -> AccessToken:
        now = self.clock.now()
        token = AccessToken(
            _token(),
            _secret(),
            _secret(),
            consumer,
            user,
            expires=now + self.lifetimes.access_token,
            session_expires=now + self.lifetimes.session,
        )
        with self._lock:
            self._access[token.token] = token
        return token

    def _check(self, message: SignedMessage, consumer: Consumer, token: str) -> None:
        """Version, timestamp, nonce, method, signature; the nonce is spent before the signature is looked at."""
        sent = message.oauth
        if sent.get("oauth_version", "1.0") != "1.0":
            raise OAuthProblemError("version_rejected", oauth_acceptable_versions="1.0-1.0")
        now = int(self.clock.now())
        timestamp = sent["oauth_timestamp"]
        if not timestamp.isdecimal() or abs(int(timestamp) - now) > SKEW_SECONDS:
            window = f"{now - SKEW_SECONDS}-{now + SKEW_SECONDS}"
            raise OAuthProblemError("timestamp_refused", oauth_acceptable_timestamps=window)
        self._nonces.spend((timestamp, sent["oauth_nonce"], consumer.key, token), now)
        if sent["oauth_signature_method"] != "RSA-SHA1":
            raise OAuthProblemError(
                "signature_method_rejected", oauth_acceptable_signature_methods="RSA-SHA1"
            )
        message.verify(consumer.public_key)


def _absolute(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in {"http", "https"} and bool(parts.netloc)


def _token() -> str:
    return secrets.token_hex(16)


def _secret() -> str:
    return secrets.token_urlsafe(60)
