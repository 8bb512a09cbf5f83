"""What `redact_fields` takes out of an issue before anything of it is printed. Pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from tap_jira_oauth.errors import ConfigurationError
from tap_jira_oauth.field_names import CUSTOM_FIELD

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_object = msgspec.json.Decoder(dict[str, msgspec.Raw])
_array = msgspec.json.Decoder(list[msgspec.Raw])
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True)
class Redaction:
    """Fields to leave out whole, and keys to leave out of the objects in a field; by field id."""

    whole: frozenset[str] = frozenset()
    parts: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def apply(self, values: dict[str, msgspec.Raw]) -> None:
        """Take out of the values of an issue's fields what nobody may see."""
        for name in self.whole:
            values.pop(name, None)
        for name, keys in self.parts.items():
            if name in values:
                values[name] = _without(values[name], keys)


def redaction(
    wanted: Iterable[str], names: Mapping[str, str | None], needed: Iterable[str]
) -> Redaction:
    """Find the fields that a setting names: by id, by name, each also with `.key` behind it.

    `names` are the fields that are known: the human name by id, None where it is not known.
    A name that several fields have means all of them.

    Raises:
        ConfigurationError: there is no such field, or no record can be made without it.
    """
    whole: set[str] = set()
    parts: defaultdict[str, set[str]] = defaultdict(set)
    for text in wanted:
        ids = _ids(text, names)
        if ids:
            whole |= ids
            continue
        name, dot, key = text.rpartition(".")
        ids = _ids(name, names)
        if not (dot and key and ids):
            raise ConfigurationError(
                f"Setting 'redact_fields' names '{text}', and there is no such field. Give the id of a "
                "field, such as customfield_10016, or its exact name, and for a part of its objects a "
                "dot and the key behind it: reporter.emailAddress. Names of custom fields are known "
                "only where the catalog was made with a sign-in."
            )
        for each in ids:
            parts[each].add(key)
    if refused := sorted(whole.intersection(needed)):
        raise ConfigurationError(
            f"Setting 'redact_fields' names '{refused[0]}', and no record can be made without it. "
            "Parts of it can be left out, such as project.name."
        )
    return Redaction(frozenset(whole), {name: frozenset(keys) for name, keys in parts.items()})


def _ids(text: str, names: Mapping[str, str | None]) -> set[str]:
    if text in names or CUSTOM_FIELD.fullmatch(text):
        return {text}
    return {each for each, name in names.items() if name is not None and name == text}


def _without(value: msgspec.Raw, keys: frozenset[str]) -> msgspec.Raw:
    """Return a value without some keys: of an object, or of each object in an array."""
    text = bytes(value)
    if text.startswith(b"{"):
        members = _object.decode(text)
        if keys.isdisjoint(members):
            return value
        return _raw({name: inner for name, inner in members.items() if name not in keys})
    if text.startswith(b"["):
        return _raw([_without(item, keys) for item in _array.decode(text)])
    return value


def _raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(_encode(value))
