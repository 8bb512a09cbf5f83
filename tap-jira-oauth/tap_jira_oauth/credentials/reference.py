"""Settings whose value stands somewhere else: `env:NAME`, `file:PATH`, `ssm:NAME`, `secretsmanager:NAME`.

With `#json.key` behind the name the value is looked up in the JSON that is found there. Each place
is read once, at the start of a run. Projects may be those of a table: `dynamodb:NAME`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from tap_jira_oauth.credentials.aws import read_parameter, read_projects, read_secret
from tap_jira_oauth.errors import ConfigurationError
from tap_jira_oauth.settings import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


_TABLE = "dynamodb:"


def resolved(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration with every reference replaced by what it refers to.

    Raises:
        ConfigurationError: naming the setting and the place, never a value.
    """
    read: dict[tuple[str, str], str] = {}
    values = dict(config)
    for setting in SETTINGS:
        value = config.get(setting.name)
        if not setting.may_refer or not isinstance(value, str):
            continue
        kind, colon, where = value.strip().partition(":")
        if not colon or kind not in _READERS:
            continue
        place, _, key = where.partition("#")
        purpose = f"Setting '{setting.name}'"
        if not place:
            raise ConfigurationError(f"{purpose} says '{kind}:' without a name behind it.")
        if (kind, place) not in read:
            read[kind, place] = _READERS[kind](place, purpose)
        text = read[kind, place]
        if key:
            text = _inside(text, key, f"{purpose}: {kind}:{place}")
        if not text.strip():
            raise ConfigurationError(f"{purpose}: {kind}:{where} is empty.")
        values[setting.name] = text
    if isinstance(config.get("project_keys"), list):
        values["project_keys"] = [key for part in config["project_keys"] for key in _projects(part)]
    return values


def _projects(part: Any) -> list[Any]:
    """Return one part of `project_keys`, or what the table has that it refers to."""
    if not isinstance(part, str) or not part.startswith(_TABLE):
        return [part]
    name = part.removeprefix(_TABLE).strip()
    if not name:
        raise ConfigurationError(
            f"Setting 'project_keys' says '{_TABLE}' without the name of a table behind it."
        )
    return read_projects(name, "Setting 'project_keys'")


def _environment(name: str, purpose: str) -> str:
    text = os.environ.get(name)
    if text is None:
        raise ConfigurationError(f"{purpose}: the environment variable {name} is not set.")
    return text


def _file(name: str, purpose: str) -> str:
    try:
        return Path(name).expanduser().read_text("utf-8")
    except OSError as error:
        raise ConfigurationError(f"{purpose}: cannot read {name}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{purpose}: {name} is no text.") from error


_READERS: dict[str, Callable[[str, str], str]] = {
    "env": _environment,
    "file": _file,
    "ssm": read_parameter,
    "secretsmanager": read_secret,
}


def _inside(text: str, key: str, place: str) -> str:
    """Return the value at a key of a JSON object; dots lead into objects inside it."""
    try:
        found: Any = msgspec.json.decode(text)
    except msgspec.DecodeError:
        # Not with its cause: the library quotes what it stumbled over.
        raise ConfigurationError(f"{place} is no JSON, so it has no '{key}'.") from None
    if isinstance(found, dict) and key in found:
        found = found[key]
    else:
        for part in key.split("."):
            if not isinstance(found, dict) or part not in found:
                raise ConfigurationError(f"{place} has no '{key}' in its JSON.")
            found = found[part]
    if not isinstance(found, str):
        raise ConfigurationError(f"{place}: '{key}' is no text.")
    return found
