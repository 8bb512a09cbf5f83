"""What a sign-in by OAuth 1.0a consists of, wherever it is kept."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Consumer:
    """Who asks Jira for a sign-in. `private_key` is PEM text."""

    consumer_key: str
    private_key: str


@dataclass(frozen=True)
class OAuth1Credentials:
    """What signing a request as one user takes. `private_key` is PEM text."""

    consumer_key: str
    private_key: str
    access_token: str
    access_token_secret: str


@dataclass(frozen=True)
class SignIn:
    """What `jira-oauth login` brings home. Moments are RFC 3339 in UTC, None where Jira is silent.

    `private_key_file` is None where the key is kept as text.
    """

    consumer_key: str
    private_key_file: str | None
    access_token: str
    access_token_secret: str
    session_handle: str | None = None
    access_token_expires: str | None = None
    session_expires: str | None = None
