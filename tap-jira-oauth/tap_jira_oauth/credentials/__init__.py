"""Where secrets live: in the settings, where these refer to, in the file of `login`, or in SSM."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tap_jira_oauth.credentials import ssm
from tap_jira_oauth.credentials.file import CredentialsFile
from tap_jira_oauth.credentials.reference import resolved
from tap_jira_oauth.credentials.sign_in import Consumer, OAuth1Credentials, SignIn
from tap_jira_oauth.errors import ConfigurationError
from tap_jira_oauth.redaction import REDACTION
from tap_jira_oauth.settings import SETTINGS, Settings

if TYPE_CHECKING:
    from collections.abc import Mapping


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
        return ssm.load(settings)
    return OAuth1Credentials(
        _required("consumer_key", settings.consumer_key),
        private_key_text(settings),
        _required("access_token", settings.access_token),
        settings.access_token_secret or "",
    )


def load_consumer(settings: Settings) -> Consumer:
    """Return who asks for a sign-in, from where `credentials_store` says.

    Raises:
        ConfigurationError: consumer key or private key is missing or unreadable.
    """
    if settings.credentials_store == "ssm":
        consumer = ssm.load_consumer(settings)
    else:
        key = _required("consumer_key", settings.consumer_key)
        consumer = Consumer(key, private_key_text(settings))
    REDACTION.learn(consumer.private_key)
    return consumer


def check_store(settings: Settings) -> None:
    """Make sure that a sign-in can be stored, before a person is asked for one.

    Raises:
        ConfigurationError: the store takes none, or cannot be written to.
    """
    if settings.credentials_store == "ssm":
        ssm.check_writable(settings)
    elif settings.credentials_store == "file" and settings.credentials_file:
        CredentialsFile.check_writable(Path(settings.credentials_file))
    else:
        raise ConfigurationError(
            f"`jira-oauth login` cannot write into credentials_store "
            f"'{settings.credentials_store}'. Set it to 'file' or 'ssm', or name a file with "
            "--credentials-file."
        )


def store_sign_in(settings: Settings, sign_in: SignIn) -> str:
    """Keep a sign-in where `credentials_store` says, whole or not at all; return where it is.

    Raises:
        ConfigurationError: the store cannot be written to.
    """
    REDACTION.learn(sign_in.access_token, sign_in.access_token_secret, sign_in.session_handle)
    if settings.credentials_store == "ssm":
        ssm.save(settings, sign_in)
        return settings.ssm_secrets_name
    path = Path(settings.credentials_file or "")
    CredentialsFile(**vars(sign_in)).save(path)
    return str(path)


def token_expiry(settings: Settings) -> str | None:
    """Return until when the stored access token is valid (RFC 3339), None where it is not known.

    Raises:
        ConfigurationError: the store cannot be read.
    """
    if settings.credentials_store == "ssm":
        return ssm.token_expiry(settings)
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
