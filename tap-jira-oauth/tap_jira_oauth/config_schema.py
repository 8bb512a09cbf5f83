"""The configuration as a person writes it: its schema for the SDK, and what is refused before the SDK looks at it."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from tap_jira_oauth.errors import ConfigurationError
from tap_jira_oauth.settings import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Mapping


def config_jsonschema() -> dict[str, Any]:
    """Return the JSON schema that the Singer SDK validates and documents the settings by."""
    return {
        "type": "object",
        "properties": {setting.name: setting.json_schema() for setting in SETTINGS},
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
