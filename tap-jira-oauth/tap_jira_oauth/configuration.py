"""The tap's settings for the commands beside it: from its config file and its environment variables.

Read as the Singer SDK reads them for the tap (`--config FILE --config ENV`), without the SDK.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from tap_jira_oauth.config_schema import refuse_secrets_of_other_types, refuse_unknown
from tap_jira_oauth.credentials import load_settings
from tap_jira_oauth.errors import ConfigurationError
from tap_jira_oauth.settings import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tap_jira_oauth.setting import Setting
    from tap_jira_oauth.settings import Settings

PREFIX = "TAP_JIRA_OAUTH_"

SDK_SETTINGS = frozenset(
    {
        *("faker_config", "flattening_enabled", "flattening_max_depth"),
        *("flattening_max_key_length", "flattening_separator"),
        *("stream_map_config", "stream_maps"),
    }
)
"""What the SDK adds to every tap; a test compares."""


def read_config(file: Path | None, environment: Mapping[str, str]) -> dict[str, Any]:
    """Return the settings that are given: the file's, over them the environment's; `ENV` for a file is the environment alone.

    Raises:
        ConfigurationError: the file cannot be read.
    """
    given = _from_file(file) if file and str(file) != "ENV" else {}
    return given | _from_environment(environment)


def checked(config: Mapping[str, Any]) -> Settings:
    """Return the settings, after the checks that the tap makes, too; references are looked up.

    Raises:
        ConfigurationError: naming the setting that is unknown, malformed or missing.
    """
    refuse_unknown(set(config), {setting.name for setting in SETTINGS} | SDK_SETTINGS)
    refuse_secrets_of_other_types(config)
    for setting in SETTINGS:
        _check_type(setting, config.get(setting.name))
    return load_settings(config)


def _from_file(path: Path) -> dict[str, Any]:
    try:
        return msgspec.json.decode(path.expanduser().read_bytes(), type=dict[str, Any])
    except OSError as error:
        raise ConfigurationError(
            f"Cannot read the config file {path}: {error.strerror}."
        ) from error
    except msgspec.MsgspecError as error:
        raise ConfigurationError(f"The config file {path} is no JSON object: {error}.") from error


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    """Read the variables of the tap's settings; empty ones are not set, as Meltano leaves them."""
    return {
        setting.name: _parsed(setting, environment[name])
        for setting in SETTINGS
        if environment.get(name := PREFIX + setting.name.upper())
    }


def _parsed(setting: Setting, text: str) -> Any:
    """Return a variable's value by the kind of its setting; one that has none stays a text."""
    if setting.kind == "integer" and text.strip().lstrip("-").isdigit():
        return int(text)
    if setting.kind == "boolean":
        return text.lower() in {"true", "1", "yes", "on"}
    if setting.kind == "array":
        try:
            return msgspec.json.decode(text, type=list[str])
        except msgspec.MsgspecError:
            return text.split(",")
    return text


def _check_type(setting: Setting, value: Any) -> None:
    """Check one value by its kind; None is not set.

    Raises:
        ConfigurationError: it is of another type or out of range. A secret is not shown.
    """
    kinds: dict[str, type] = {"integer": int, "boolean": bool, "array": list}
    expected = kinds.get(setting.kind, str)
    if value is None or (value == "" and expected is not str):
        return
    good = type(value) is expected
    if good and setting.options:
        good = value in ("", *setting.options)
    if good and setting.minimum is not None:
        good = value >= setting.minimum
    if good and expected is list:
        good = all(isinstance(item, str) for item in value)
    if not good:
        shown = "" if setting.secret else f", not {msgspec.json.encode(value).decode()}"
        wanted = " / ".join(setting.options) or setting.kind
        least = f" of at least {setting.minimum}" if setting.minimum is not None else ""
        raise ConfigurationError(f"Setting '{setting.name}' must be {wanted}{least}{shown}.")
