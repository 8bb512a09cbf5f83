"""Where the secrets of OAuth 1.0a live: in the settings, or in the file that `login` writes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tap_jira_oauth.credentials.file import CredentialsFile
from tap_jira_oauth.errors import ConfigurationError

if TYPE_CHECKING:
    from tap_jira_oauth.settings import Settings


@dataclass(frozen=True)
class OAuth1Credentials:
    """What signing a request as one user takes. `private_key` is PEM text."""

    consumer_key: str
    private_key: str
    access_token: str
    access_token_secret: str


def load_oauth1(settings: Settings) -> OAuth1Credentials:
    """Collect the credentials from where `credentials_store` says.

    Raises:
        ConfigurationError: one is missing or unreadable.
    """
    if settings.credentials_store == "file" and settings.credentials_file:
        return _from_file(Path(settings.credentials_file), settings)
    return OAuth1Credentials(
        _required("consumer_key", settings.consumer_key),
        private_key_text(settings),
        _required("access_token", settings.access_token),
        settings.access_token_secret or "",
    )


@dataclass(frozen=True)
class SignIn:
    """What `jira-oauth login` brings home. Moments are RFC 3339 in UTC, None where Jira is silent.

    `private_key_file` is None where the settings hold the key itself.
    """

    consumer_key: str
    private_key_file: str | None
    access_token: str
    access_token_secret: str
    session_handle: str | None
    access_token_expires: str | None
    session_expires: str | None


def check_store(settings: Settings) -> None:
    """Make sure that a sign-in can be stored, before a person is asked for one.

    Raises:
        ConfigurationError: the store takes none, or cannot be written to.
    """
    if settings.credentials_store == "file" and settings.credentials_file:
        CredentialsFile.check_writable(Path(settings.credentials_file))
        return
    raise ConfigurationError(
        f"`jira-oauth login` cannot write into credentials_store '{settings.credentials_store}'. "
        "Set it to 'file', or name a file with --credentials-file."
    )


def store_sign_in(settings: Settings, sign_in: SignIn) -> str:
    """Keep a sign-in where `credentials_store` says, whole or not at all; return where it is.

    Raises:
        ConfigurationError: the store takes none, or cannot be written to.
    """
    check_store(settings)
    path = Path(settings.credentials_file or "")
    CredentialsFile(**vars(sign_in)).save(path)
    return str(path)


def token_expiry(settings: Settings) -> str | None:
    """Return until when the stored access token is valid (RFC 3339), None where it is not known.

    Raises:
        ConfigurationError: the store cannot be read.
    """
    if settings.credentials_store == "file" and settings.credentials_file:
        return CredentialsFile.load(Path(settings.credentials_file)).access_token_expires
    return None


def private_key_text(settings: Settings) -> str:
    """Return the private key's PEM text from the setting or the file that it names.

    Raises:
        ConfigurationError: there is none, or the file is unreadable.
    """
    if settings.private_key:
        return settings.private_key
    return read_text(Path(_required("private_key_file", settings.private_key_file)))


def read_text(path: Path) -> str:
    """Read a small text file such as a PEM.

    Raises:
        ConfigurationError: it is missing, unreadable or no text.
    """
    try:
        return path.expanduser().read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise ConfigurationError(f"Cannot read {path}: {reason}.") from error


def _from_file(path: Path, settings: Settings) -> OAuth1Credentials:
    """Read the file of `jira-oauth login`; a key given in the settings wins over its key file."""
    stored = CredentialsFile.load(path)
    if settings.private_key or settings.private_key_file:
        private_key = private_key_text(settings)
    else:
        name = _required("private_key_file", stored.private_key_file)
        private_key = read_text(Path(name))
    return OAuth1Credentials(
        stored.consumer_key, private_key, stored.access_token, stored.access_token_secret
    )


def _required(name: str, value: str | None) -> str:
    if not value:
        raise ConfigurationError(
            f"OAuth 1.0a needs '{name}'. `jira-oauth keygen` and `jira-oauth login` make the key "
            "and the token; with credentials_store 'file' nothing else is needed."
        )
    return value
