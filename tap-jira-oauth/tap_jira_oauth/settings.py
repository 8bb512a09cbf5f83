"""Every setting of the tap once: name, kind, default, help. Everything else is derived from here.

The SDK's configuration schema, `meltano.yml` and the table in the README all follow `SETTINGS`;
a test compares them.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, fields
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tap_jira_oauth.errors import ConfigurationError
from tap_jira_oauth.jql import has_order_by
from tap_jira_oauth.setting import Setting, declare

if TYPE_CHECKING:
    from collections.abc import Mapping


LOOKBACK_MINUTES = {"data_center": 5, "cloud": 30}
"""The default of `lookback_minutes`: Cloud's index was seen to lag by more than five minutes."""


@dataclass(frozen=True)
class Settings:
    """The checked settings of one run. Dates are epoch milliseconds, UTC."""

    api_url: str = declare(
        "string",
        "Base URL of Jira with its context path, such as `https://jira.example.com/jira`.",
        required=True,
    )
    api_flavor: str = declare(
        "options",
        "Which Jira this is. `auto` asks the server; `data_center` is Server, too.",
        "auto",
        options=("auto", "data_center", "cloud"),
    )
    auth_method: str = declare(
        "options",
        "How to sign in: OAuth 1.0a (RSA-SHA1), a personal access token, user name and password, or not at all.",
        "oauth1",
        options=("oauth1", "personal_token", "basic", "anonymous"),
    )
    consumer_key: str | None = declare(
        "string", "OAuth 1.0a: the consumer key of the application link."
    )
    private_key: str | None = declare(
        "string",
        "OAuth 1.0a: the RSA private key as PEM text; line breaks real or as `\\n`. Prefer `private_key_file`: Meltano writes settings to disk.",
        secret=True,
    )
    private_key_file: str | None = declare("file", "OAuth 1.0a: path of the PEM file.")
    private_key_passphrase: str | None = declare(
        "string", "OAuth 1.0a: passphrase of an encrypted private key.", secret=True
    )
    access_token: str | None = declare("string", "OAuth 1.0a: the access token.", secret=True)
    access_token_secret: str | None = declare(
        "string",
        "OAuth 1.0a: the access token's secret. RSA-SHA1 does not use it; kept because Jira hands out the pair.",
        secret=True,
    )
    personal_token: str | None = declare(
        "string", "Personal access token (Jira 8.14 and newer).", secret=True
    )
    username: str | None = declare("string", "Basic: the user name.")
    password: str | None = declare("string", "Basic: the password.", secret=True)
    credentials_store: str = declare(
        "options",
        "Where consumer key, key file and access token come from: these settings (`config`), or the file that `jira-oauth login` writes (`file`).",
        "config",
        options=("config", "file"),
    )
    credentials_file: str | None = declare(
        "file", "For `file`: path of that JSON file (mode 0600)."
    )
    project_keys: tuple[str, ...] = declare(
        "array", "Keys of the projects to read. Empty: every project that the user can see.", ()
    )
    jql: str | None = declare(
        "string", "One more condition in JQL, joined by AND. A trailing ORDER BY is refused."
    )
    start_date: int | None = declare(
        "date_iso8601", "RFC 3339. Issues that were last updated before it are not read."
    )
    end_date: int | None = declare(
        "date_iso8601", "RFC 3339. Issues that were updated at or after it are not read."
    )
    fields: tuple[str, ...] = declare(
        "array",
        "Which fields to ask Jira for, in its own notation (`*all`, `*navigable`, `summary`, `-comment`). Deselected properties are not asked for either.",
        ("*all",),
    )
    page_size: int = declare(
        "integer",
        "Issues to ask for in one request. The server's own cap is obeyed.",
        100,
        minimum=2,
    )
    pages_per_state: int = declare(
        "integer", "A STATE message is printed after so many pages.", 4, minimum=1
    )
    max_concurrent_requests: int = declare(
        "integer",
        "Requests that may be under way at a time, within a project and across projects. 1 asks one after the other.",
        4,
        minimum=1,
    )
    on_inaccessible_project: str = declare(
        "options",
        "What a project of `project_keys` that cannot be read does to the run: `fail` ends it with an error after the others were read and saved, `skip` warns.",
        "fail",
        options=("fail", "skip"),
    )
    lookback_minutes: int | None = declare(
        "integer",
        f"How far behind the bookmark a run looks again, because Jira's search index lags. Nothing is emitted twice for it. Unset: {LOOKBACK_MINUTES['data_center']} on Data Center, {LOOKBACK_MINUTES['cloud']} on Cloud.",
        minimum=1,
    )
    request_timeout: int = declare(
        "integer",
        "Seconds to wait for Jira to connect, and between two pieces of its answer.",
        60,
        minimum=1,
    )
    max_retry_seconds: int = declare(
        "integer",
        "Patience, in seconds, with rate limits, 5xx answers and broken connections in one request.",
        900,
    )
    ca_bundle: str | None = declare(
        "file",
        "Certificates of a private authority. Unset: REQUESTS_CA_BUNDLE, then the public ones.",
    )
    verify_ssl: bool = declare("boolean", "Check the server's certificate.", default=True)
    client_certificate: str | None = declare("file", "PEM file with client certificate and key.")
    proxy_url: str | None = declare(
        "string",
        "HTTP proxy. Unset: HTTPS_PROXY and NO_PROXY as the environment has them.",
        secret=True,
    )
    user_agent: str | None = declare(
        "string", "User-Agent header. Unset: name and version of this tap."
    )

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Settings:
        """Check a configuration as a whole and return it typed; empty means not set.

        Raises:
            ConfigurationError: a required value is missing, or two contradict each other.
        """
        given = {
            setting.name: config[setting.name]
            for setting in SETTINGS
            if config.get(setting.name) not in (None, "")
        }
        for name, value in given.items():
            given[name] = _clean(name, value)
        given["api_url"] = _base_url(given.get("api_url"))
        given["project_keys"] = _project_keys(given.get("project_keys", []))
        given["start_date"] = _epoch_ms("start_date", given.get("start_date"))
        given["end_date"] = _epoch_ms("end_date", given.get("end_date"))
        if "fields" in given:
            given["fields"] = tuple(given["fields"])
        settings = cls(**given)
        settings._check_together()
        return settings

    def _check_together(self) -> None:
        """Check what only several settings together can tell."""
        if self.jql and has_order_by(self.jql):
            raise ConfigurationError(
                "Setting 'jql' ends with ORDER BY. The tap sorts by `updated` itself, or it could "
                "not resume; give only the condition."
            )
        if self.start_date and self.end_date and self.end_date <= self.start_date:
            raise ConfigurationError("Setting 'end_date' must be later than 'start_date'.")
        if self.proxy_url:
            _check_proxy(self.proxy_url)
        if self.credentials_store == "file" and not self.credentials_file:
            raise ConfigurationError("credentials_store 'file' needs 'credentials_file'.")
        if self.private_key and self.private_key_file:
            raise ConfigurationError("Give 'private_key' or 'private_key_file', not both.")
        needed = {"personal_token": ["personal_token"], "basic": ["username", "password"]}
        for name in needed.get(self.auth_method, []):
            if not getattr(self, name):
                raise ConfigurationError(f"auth_method '{self.auth_method}' needs '{name}'.")


SETTINGS: tuple[Setting, ...] = tuple(
    Setting(name=each.name, default=each.default, **each.metadata) for each in fields(Settings)
)


def config_jsonschema() -> dict[str, Any]:
    """Return the JSON schema that the Singer SDK validates and documents the settings by."""
    return {
        "type": "object",
        "properties": {setting.name: setting.json_schema() for setting in SETTINGS},
        "required": [setting.name for setting in SETTINGS if setting.required],
    }


def refuse_unknown(names: set[str], known: set[str]) -> None:
    """Refuse a misspelt setting: ignored in silence, it would read too much or too little.

    Raises:
        ConfigurationError: naming the setting and the nearest known one.
    """
    for name in sorted(names - known):
        near = difflib.get_close_matches(name, sorted(known), n=1)
        hint = f" Did you mean '{near[0]}'?" if near else " See the settings table in the README."
        raise ConfigurationError(f"Unknown setting '{name}'.{hint}")


def refuse_secrets_of_other_types(config: Mapping[str, Any]) -> None:
    """Refuse a secret that is no text, such as a password of digits without quotes in YAML.

    To be called before the SDK validates: it would print the value.

    Raises:
        ConfigurationError: naming the setting only.
    """
    for setting in SETTINGS:
        value = config.get(setting.name)
        if setting.secret and value is not None and not isinstance(value, str):
            raise ConfigurationError(
                f"Setting '{setting.name}' must be a text: put its value in quotes."
            )


def _clean(name: str, value: Any) -> Any:
    """Strip what a file or a parameter store leaves around a text; refuse line breaks inside."""
    if not isinstance(value, str) or name == "private_key":
        return value
    stripped = value.strip()
    if not stripped.isprintable():
        raise ConfigurationError(f"Setting '{name}' holds a line break or a control character.")
    return stripped


def _check_proxy(url: str) -> None:
    """Refuse what is no address before a library prints it, password and all."""
    try:
        parts = urlsplit(url)
        whole = bool(parts.scheme and parts.hostname) and parts.port != 0
    except ValueError:
        whole = False
    if not whole or parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise ConfigurationError(
            "Setting 'proxy_url' is no address such as http://proxy.example.com:3128. Special "
            "characters in its password must be percent-encoded."
        )


def _base_url(url: str | None) -> str:
    parts = urlsplit(url or "")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ConfigurationError(
            "Setting 'api_url' needs the full address of Jira with its context path, such as "
            "https://jira.example.com/jira"
        )
    if parts.query or parts.fragment or parts.username:
        raise ConfigurationError(
            "Setting 'api_url' takes no user name, query or fragment; give only scheme, host, port "
            "and context path."
        )
    if "/rest" in parts.path or "/browse" in parts.path or "/secure" in parts.path:
        raise ConfigurationError(
            "Setting 'api_url' is the address of Jira itself, without /rest, /browse or /secure."
        )
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def _project_keys(keys: list[str]) -> tuple[str, ...]:
    """Check the shape that Jira allows by default, so that a typing error costs no request."""
    for key in keys:
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", key):
            raise ConfigurationError(
                f"Setting 'project_keys' holds '{key}', which is no project key. "
                "Give keys such as ABC, not names or numbers."
            )
    return tuple(dict.fromkeys(keys))


def _epoch_ms(name: str, text: str | None) -> int | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(re.sub(r"[zZ]$", "+00:00", str(text)))
    except ValueError as error:
        raise ConfigurationError(
            f"Setting '{name}' is not an RFC 3339 date: write 2026-01-31T00:00:00Z."
        ) from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return int(moment.timestamp() * 1000)
