"""Where secrets live: in the settings, where these refer to, in the file of `login`, or in SSM."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tap_jira_oauth.credentials import ssm
from tap_jira_oauth.credentials.file import CredentialsFile
from tap_jira_oauth.credentials.reference import resolved
from tap_jira_oauth.errors import ConfigurationError
from tap_jira_oauth.redaction import REDACTION
from tap_jira_oauth.settings import SETTINGS, Settings

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class OAuth1Credentials:
    """What signing a request as one user takes. `private_key` is PEM text."""

    consumer_key: str
    private_key: str
    access_token: str
    access_token_secret: str


def load_settings(config: Mapping[str, Any]) -> Settings:
    """Check a configuration after reading what it refers to; nothing of it is logged from here on.

    Raises:
        ConfigurationError: a reference leads nowhere, or a value is wrong.
    """
    given = resolved(config)
    for setting in SETTINGS:
        if setting.secret:
            REDACTION.learn(given.get(setting.name))
    if given.get("credentials_store") == "ssm" and not given.get("api_url"):
        name = given.get("ssm_urls_name") or Settings.ssm_urls_name
        given["api_url"] = ssm.base_url(name)
    return Settings.from_config(given)


def load_oauth1(settings: Settings) -> OAuth1Credentials:
    """Collect the credentials from where `credentials_store` says.

    Raises:
        ConfigurationError: one is missing or unreadable.
    """
    found = _load_oauth1(settings)
    REDACTION.learn(found.private_key, found.access_token, found.access_token_secret)
    return found


def _load_oauth1(settings: Settings) -> OAuth1Credentials:
    if settings.credentials_store == "file" and settings.credentials_file:
        return _from_file(Path(settings.credentials_file), settings)
    if settings.credentials_store == "ssm":
        kept = ssm.load(settings)
        return OAuth1Credentials(
            kept.consumer_key, kept.private_key, kept.access_token, kept.access_token_secret
        )
    return OAuth1Credentials(
        _required("consumer_key", settings.consumer_key),
        private_key_text(settings),
        _required("access_token", settings.access_token),
        settings.access_token_secret or "",
    )


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
        private_key = read_text(Path(stored.private_key_file))
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
