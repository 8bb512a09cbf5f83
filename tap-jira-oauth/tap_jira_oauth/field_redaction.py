"""What `redact_fields` takes out of an issue, and of what hangs below it, before anything is printed. Pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from tap_jira_oauth.errors import ConfigurationError
from tap_jira_oauth.field_names import CUSTOM_FIELD

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_object = msgspec.json.Decoder(dict[str, msgspec.Raw])
_array = msgspec.json.Decoder(list[msgspec.Raw])
_encode = msgspec.json.Encoder().encode


Path = tuple[str, ...]
"""Keys from the outside to the inside of a value; arrays on the way are passed through."""

_LISTS = {"comment": "comments", "worklog": "worklogs"}
"""Fields that wrap their list: `comment.author` means the author of each comment in it."""

CHANGELOG = "changelog"
"""Not among the fields, but named as one: `changelog.author` is the author of each history."""

_KEYED = frozenset({"attachment", "issuelinks", CHANGELOG, *_LISTS})
"""What has streams of its own, whose records have the key `id`."""

_SHOWN = frozenset({"assignee", "issuetype", "priority", "status", "summary"})
"""Fields of other issues that Jira shows within an issue."""

_OTHERS: Mapping[str, Sequence[Path]] = {
    "parent": [("fields",)],
    "subtasks": [("fields",)],
    "issuelinks": [("inwardIssue", "fields"), ("outwardIssue", "fields")],
}
"""Where it shows them."""


class Members(Protocol):
    """JSON texts by name."""

    def __contains__(self, name: object, /) -> bool:
        """Tell whether there is one of that name."""

    def __getitem__(self, name: str, /) -> msgspec.Raw:
        """Return it."""

    def __setitem__(self, name: str, value: msgspec.Raw, /) -> None:
        """Replace it."""

    def __delitem__(self, name: str, /) -> None:
        """Take it out."""


@dataclass(frozen=True)
class Redaction:
    """Fields to leave out whole, and paths to leave out of the values of a field; by field id."""

    whole: frozenset[str] = frozenset()
    parts: Mapping[str, frozenset[Path]] = field(default_factory=dict)

    def apply(self, values: Members) -> None:
        """Take out of the values of an issue's fields what nobody may see."""
        for name in self.whole:
            if name in values:
                del values[name]
        for name, paths in self.parts.items():
            if name in values:
                values[name] = _without(values[name], paths)

    def of_child(
        self, field_id: str, child: Mapping[str, msgspec.Raw]
    ) -> Mapping[str, msgspec.Raw]:
        """Return a comment, a worklog and so on without what nobody may see of the field that lists it."""
        paths = self.parts.get(field_id)
        return _members_without(child, paths) if paths else child


def redaction(
    wanted: Iterable[str], names: Mapping[str, str | None], needed: Iterable[str]
) -> Redaction:
    """Find the fields that a setting names: by id, by name, each also with `.key` or more behind it.

    `names` are the fields that are known: the human name by id, None where it is not known.
    A name that several fields have means all of them.

    Raises:
        ConfigurationError: there is no such field, or no record can be made without it.
    """
    whole: set[str] = set()
    parts: defaultdict[str, set[Path]] = defaultdict(set)
    for text in wanted:
        ids, path = _named(text, names)
        if not ids or not all(path):
            raise ConfigurationError(
                f"Setting 'redact_fields' names '{text}', and there is no such field. Give the id of a "
                "field, such as customfield_10016, or its exact name, and for a part of its objects a "
                "dot and the key behind it: reporter.emailAddress. Names of custom fields are known "
                "only where the catalog was made with a sign-in."
            )
        for each in ids:
            if path:
                parts[each].add(path)
            else:
                whole.add(each)
    if refused := sorted(whole.intersection(needed)):
        raise ConfigurationError(
            f"Setting 'redact_fields' names '{refused[0]}', and no record can be made without it. "
            "Parts of it can be left out, such as project.name."
        )
    if keyless := sorted(_KEYED.intersection(name for name in parts if ("id",) in parts[name])):
        raise ConfigurationError(
            f"Setting 'redact_fields' names '{keyless[0]}.id', and no record can be made without it."
        )
    for name, within in _elsewhere(whole, parts):
        parts[name].add(within)
    return Redaction(frozenset(whole), {name: frozenset(paths) for name, paths in parts.items()})


def _named(text: str, names: Mapping[str, str | None]) -> tuple[set[str], Path]:
    """Return the ids of the fields that a text names, and the path behind; a name may hold dots."""
    end = len(text)
    while end > 0:
        if ids := _ids(text[:end], names):
            return ids, tuple(text[end + 1 :].split(".")) if end < len(text) else ()
        end = text.rfind(".", 0, end)
    return set(), ()


def _ids(text: str, names: Mapping[str, str | None]) -> set[str]:
    if text in names or text == CHANGELOG or CUSTOM_FIELD.fullmatch(text):
        return {text}
    return {each for each, name in names.items() if name is not None and name == text}


def _elsewhere(whole: Iterable[str], parts: Mapping[str, Iterable[Path]]) -> list[tuple[str, Path]]:
    """Return where else in an issue the same things stand."""
    found = [(name, (_LISTS[name], *path)) for name in _LISTS for path in parts.get(name, ())]
    shown: list[Path] = [(name,) for name in _SHOWN.intersection(whole)]
    shown += [(name, *path) for name in _SHOWN.intersection(parts) for path in parts[name]]
    for name, places in _OTHERS.items():
        found += [(name, (*place, *path)) for place in places for path in shown]
    return found


def _without(value: msgspec.Raw, paths: Iterable[Path]) -> msgspec.Raw:
    """Return a value without some paths: of an object, or of each object in an array."""
    text = bytes(value)
    if text.startswith(b"{"):
        members = _object.decode(text)
        kept = _members_without(members, paths)
        return value if kept is members else _raw(kept)
    if text.startswith(b"["):
        return _raw([_without(item, paths) for item in _array.decode(text)])
    return value


def _members_without(
    members: Mapping[str, msgspec.Raw], paths: Iterable[Path]
) -> Mapping[str, msgspec.Raw]:
    """Return an object without some paths; the very same one if it has none of them."""
    below: defaultdict[str, list[Path]] = defaultdict(list)
    for key, *rest in paths:
        if key in members:
            below[key].append(tuple(rest))
    if not below:
        return members
    return {
        name: _without(inner, below[name]) if name in below else inner
        for name, inner in members.items()
        if () not in below.get(name, ())
    }


def _raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(_encode(value))
