"""What the value of one setting must look like, and what is made of it. Pure.

Every function raises ConfigurationError with the setting's name, and never with a secret's value.
"""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import Any
from urllib.parse import urlsplit

from tap_jira_oauth.errors import ConfigurationError


def clean(name: str, value: Any) -> Any:
    """Strip what a file or a parameter store leaves around a text; refuse line breaks inside."""
    if not isinstance(value, str) or name == "private_key":
        return value
    stripped = value.strip()
    if not stripped.isprintable():
        raise ConfigurationError(f"Setting '{name}' holds a line break or a control character.")
    return stripped


def check_proxy(url: str) -> None:
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


def base_url(url: str | None) -> str:
    """Return Jira's address without a slash at its end."""
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


def project_keys(keys: list[str]) -> tuple[str, ...]:
    """Check the shape that Jira allows by default, so that a typing error costs no request."""
    for key in keys:
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", key):
            raise ConfigurationError(
                f"Setting 'project_keys' holds '{key}', which is no project key. "
                "Give keys such as ABC, not names or numbers."
            )
    return tuple(dict.fromkeys(keys))


EXPANSIONS = (
    *("changelog", "editmeta", "operations", "renderedFields", "transitions"),
    "versionedRepresentations",
)
"""What `expand` adds to each issue of a search (Jira REST API 10.3 and Cloud's OpenAPI, version 2)."""

_OF_SEARCHES = ("names", "schema")


def expansions(names: list[str]) -> tuple[str, ...]:
    """Check what issues are to be expanded by."""
    for name in names:
        if name in _OF_SEARCHES:
            raise ConfigurationError(
                f"Setting 'expand' holds '{name}', which Jira adds to a page and not to an issue. The "
                "catalog has it: `title` and type of each field; or select the stream 'fields'."
            )
        if name not in EXPANSIONS:
            raise ConfigurationError(
                f"Setting 'expand' holds '{name}'. There are: {', '.join(EXPANSIONS)}."
            )
    return tuple(dict.fromkeys(names))


def epoch_ms(name: str, text: str | None) -> int | None:
    """Return the moment that a date names, in epoch milliseconds; without an offset it is in UTC."""
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
