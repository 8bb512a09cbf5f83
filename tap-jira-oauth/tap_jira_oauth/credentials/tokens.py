"""Where the tokens of OAuth 2.0 are kept between runs: each refresh token works only once.

One holder at a time refreshes: with a file by a lock between processes, in Parameter Store by a
lease. Whoever comes second finds the new token by reading again.
"""

from __future__ import annotations

import hashlib
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import msgspec

from tap_jira_oauth.credentials import ssm
from tap_jira_oauth.credentials.aws import NumberedParameter
from tap_jira_oauth.credentials.file import replace_file
from tap_jira_oauth.credentials.lease import Lease
from tap_jira_oauth.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from tap_jira_oauth.settings import Settings

LEASE_TIMEOUTS = 2
"""For how many `request_timeout` a lease is taken: one refresh is one request, and a few to AWS."""


class Tokens(msgspec.Struct, frozen=True):
    """What one consent has led to so far.

    `expires` is the end of the access token in epoch seconds. `began_with` is a digest of the
    setting 'refresh_token' that the chain began with: another value there means a new consent.
    """

    refresh_token: str
    access_token: str = ""
    expires: float = 0.0
    began_with: str = ""


class TokenStore(Protocol):
    """Keeps the tokens."""

    def locked(self) -> AbstractContextManager[None]:
        """Hold everybody else off."""

    def load(self) -> Tokens | None:
        """Return what is kept."""

    def save(self, tokens: Tokens) -> None:
        """Keep it, whole or not at all."""


class TokenFile:
    """One JSON file with mode 0600, and a lock file beside it."""

    def __init__(self, path: Path) -> None:
        """Nothing is read yet."""
        self._path = path.expanduser()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold other processes off; the system lets go of the lock even if this one is killed."""
        import fcntl  # noqa: PLC0415 - where there is none, all else still works

        path = self._path.with_name(f".{self._path.name}.lock")
        try:
            file = path.open("a")
        except OSError as error:
            raise ConfigurationError(f"Cannot write {path}: {error.strerror}.") from error
        with file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def load(self) -> Tokens | None:
        """Return what the file holds; None where there is no file."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Tokens)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ConfigurationError(f"Cannot read {self._path}: {error.strerror}.") from error
        except msgspec.MsgspecError:
            # Not with its cause: the library quotes what it stumbled over.
            raise ConfigurationError(
                f"{self._path} holds no OAuth 2.0 tokens. Give 'credentials_file' a file of its own."
            ) from None

    def save(self, tokens: Tokens) -> None:
        """Replace the file at once."""
        replace_file(self._path, msgspec.json.format(msgspec.json.encode(tokens), indent=2))


class TokenParameter:
    """A key `oauth2` beside the others in the parameter of secrets, and a parameter for the lease."""

    def __init__(self, name: str, seconds: float) -> None:
        """Nothing is read yet. `seconds` is what a refresh takes at most."""
        self._name = name
        self._lease = Lease(
            NumberedParameter(f"{name}_lease", ssm.PURPOSE), seconds, time.time, time.sleep
        )

    def locked(self) -> AbstractContextManager[None]:
        """Hold everybody else off."""
        return self._lease.held()

    def load(self) -> Tokens | None:
        """Return what the parameter holds; None where there is none."""
        kept = ssm.read_json(self._name, missing_ok=True).get("oauth2")
        try:
            return msgspec.convert(kept, Tokens) if kept else None
        except msgspec.ValidationError:
            raise ConfigurationError(
                f"The parameter {self._name} holds no OAuth 2.0 tokens at 'oauth2'."
            ) from None

    def save(self, tokens: Tokens) -> None:
        """Overwrite the parameter; its other keys stay."""
        content = ssm.read_json(self._name, missing_ok=True)
        ssm.write_json(self._name, {**content, "oauth2": msgspec.to_builtins(tokens)})


def token_store(settings: Settings) -> TokenStore:
    """Return the store that the settings name; they are checked to name one."""
    if settings.credentials_store == "ssm":
        return TokenParameter(settings.ssm_secrets_name, LEASE_TIMEOUTS * settings.request_timeout)
    return TokenFile(Path(settings.credentials_file or ""))


def newest(stored: Tokens | None, given: str | None) -> Tokens:
    """Return the stored tokens, or a new chain where the setting 'refresh_token' is another one.

    Raises:
        ConfigurationError: there is neither.
    """
    if stored is not None and (not given or stored.began_with == digest(given)):
        return stored
    if not given:
        raise ConfigurationError(
            "OAuth 2.0 has no token yet: set 'refresh_token' to the one of a new consent."
        )
    return Tokens(given, began_with=digest(given))


def digest(given: str | None) -> str:
    """Return what tells one setting 'refresh_token' from another; empty without one."""
    return hashlib.sha256(given.encode()).hexdigest() if given else ""
