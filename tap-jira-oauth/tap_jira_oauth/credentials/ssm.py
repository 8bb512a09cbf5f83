"""The three parameters in which the AWS article on Jira and OAuth 1.0a keeps a sign-in.

- `jira_access_private_key`: the PEM text.
- `jira_access_urls`: JSON with `request_token_url`, `access_token_url`, `authorize_url`, `data_url`.
- `jira_access_secrets`: JSON with `consumer_key`, `consumer_secret` and, after the sign-in,
  `access_token`: Jira's answer as it came, `oauth_token=...&oauth_token_secret=...&oauth_expires_in=...`.

All are encrypted (SecureString). Keys that are not ours stay as they are.
"""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

import msgspec

from tap_jira_oauth.credentials.aws import read_parameter, write_parameter
from tap_jira_oauth.credentials.sign_in import Consumer, OAuth1Credentials
from tap_jira_oauth.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tap_jira_oauth.credentials.sign_in import SignIn
    from tap_jira_oauth.settings import Settings

PURPOSE = "credentials_store 'ssm'"

EXPIRES = "expires"


def load(settings: Settings) -> OAuth1Credentials:
    """Read key, consumer and access token; a consumer key in the settings wins.

    Raises:
        ConfigurationError: a parameter or a part of it is missing.
    """
    name = settings.ssm_secrets_name
    secrets = read_json(name)
    token = _token(secrets)
    if not token.get("oauth_token"):
        raise ConfigurationError(
            f"{PURPOSE}: the parameter {name} holds no access token yet. `jira-oauth login` "
            "writes it."
        )
    consumer = _consumer(settings, secrets)
    return OAuth1Credentials(
        consumer.consumer_key,
        consumer.private_key,
        token["oauth_token"],
        token.get("oauth_token_secret", ""),
    )


def load_consumer(settings: Settings) -> Consumer:
    """Read key and consumer; a consumer key in the settings wins. There need be no token yet.

    Raises:
        ConfigurationError: a parameter or a part of it is missing.
    """
    return _consumer(settings, read_json(settings.ssm_secrets_name, missing_ok=True))


def _consumer(settings: Settings, secrets: Mapping[str, Any]) -> Consumer:
    consumer_key = settings.consumer_key or _text(secrets, "consumer_key")
    if not consumer_key:
        raise ConfigurationError(
            f"{PURPOSE}: the parameter {settings.ssm_secrets_name} has no 'consumer_key'."
        )
    return Consumer(consumer_key, read_parameter(settings.ssm_private_key_name, PURPOSE))


def token_expiry(settings: Settings) -> str | None:
    """Return the end of the access token (RFC 3339); None where another program has stored it.

    Raises:
        ConfigurationError: the parameter cannot be read.
    """
    return _token(read_json(settings.ssm_secrets_name)).get(EXPIRES)


def check_writable(settings: Settings) -> None:
    """Make sure that a sign-in can be kept: write again what is there, or an empty JSON object.

    AWS tells in no other way what a role may write.

    Raises:
        ConfigurationError: the parameter may not be written.
    """
    name = settings.ssm_secrets_name
    write_json(name, read_json(name, missing_ok=True))


def save(settings: Settings, sign_in: SignIn, clock: Callable[[], float] = time.time) -> None:
    """Keep a new access token in the form of Jira's own answer, which counts seconds from now.

    A pair of ours behind Jira's says when it ends; it goes with the token when that is replaced.

    Raises:
        ConfigurationError: the parameter may not be written.
    """
    pairs = {
        "oauth_token": sign_in.access_token,
        "oauth_token_secret": sign_in.access_token_secret,
        "oauth_expires_in": _seconds_until(sign_in.access_token_expires, clock()),
        "oauth_session_handle": sign_in.session_handle,
        "oauth_authorization_expires_in": _seconds_until(sign_in.session_expires, clock()),
        EXPIRES: sign_in.access_token_expires,
    }
    secrets = read_json(settings.ssm_secrets_name, missing_ok=True)
    secrets["consumer_key"] = sign_in.consumer_key
    secrets["access_token"] = urlencode({name: text for name, text in pairs.items() if text})
    write_json(settings.ssm_secrets_name, secrets)


def base_url(name: str) -> str:
    """Return Jira's base URL by the parameter of addresses, with the context path.

    Raises:
        ConfigurationError: no address in it tells.
    """
    urls = read_json(name)
    for key, end in (
        ("access_token_url", "/plugins/servlet/oauth/"),
        ("request_token_url", "/plugins/servlet/oauth/"),
        ("data_url", "/rest/"),
    ):
        base, found, _ = _text(urls, key).partition(end)
        if found:
            return base
    raise ConfigurationError(
        f"{PURPOSE}: no address in the parameter {name} tells where Jira is. Set 'api_url'."
    )


def read_json(name: str, *, missing_ok: bool = False) -> dict[str, Any]:
    """Return the JSON object of a parameter; with `missing_ok` an empty one where there is none.

    Raises:
        ConfigurationError: it cannot be read, or is no JSON object.
    """
    try:
        text = read_parameter(name, PURPOSE)
    except ConfigurationError as error:
        if missing_ok and "ParameterNotFound" in str(error):
            return {}
        raise
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.MsgspecError:
        # Not with its cause: the library quotes what it stumbled over.
        raise ConfigurationError(f"{PURPOSE}: the parameter {name} is no JSON object.") from None


def write_json(name: str, content: dict[str, Any]) -> None:
    """Overwrite a parameter with a JSON object.

    Raises:
        ConfigurationError: it may not be written.
    """
    write_parameter(name, msgspec.json.encode(content).decode(), PURPOSE)


def _token(secrets: Mapping[str, Any]) -> dict[str, str]:
    """Return the pairs of Jira's answer; none before the first sign-in."""
    return dict(parse_qsl(_text(secrets, "access_token")))


def _text(content: Mapping[str, Any], key: str) -> str:
    value = content.get(key)
    return value if isinstance(value, str) else ""


def _seconds_until(moment: str | None, now: float) -> str | None:
    if moment is None:
        return None
    end = datetime.fromisoformat(moment.replace("Z", "+00:00"))
    return str(round(end.timestamp() - now))
