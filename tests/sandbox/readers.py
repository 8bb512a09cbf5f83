"""What JQL sees of an issue: the values, the moments and the sort keys of the fields that queries may name. Pure."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from sandbox import times

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from sandbox.issue import Issue

    Values = Callable[[Issue], frozenset[str]]
    SortKey = Callable[[Issue], Any]

_ALIASES: Final = {
    "issuekey": "key",
    "issue": "key",
    "id": "key",
    "type": "issuetype",
    "updateddate": "updated",
    "createddate": "created",
    "resolved": "resolutiondate",
    "component": "components",
    "fixversion": "fixVersions",
    "affectedversion": "versions",
    "statuscategory": "statusCategory",
}
DATES: Final = frozenset({"updated", "created", "resolutiondate"})
PEOPLE: Final = frozenset({"assignee", "reporter", "creator"})
_LISTS: Final = frozenset({"components", "fixVersions", "versions"})
_NAMED: Final = frozenset({"status", "issuetype", "priority", "resolution"})
CLOSED: Final = _NAMED | _LISTS | PEOPLE | {"statusCategory"}
"""Fields whose values are a known set, so that Jira refuses a value that does not exist."""

_ALWAYS: Final[Mapping[str, Callable[[Issue], int]]] = {
    "updated": attrgetter("updated_ms"),
    "created": attrgetter("created_ms"),
}
"""The dates that every issue has; a query asks them of 50,000 issues, so nothing stands between it and the number."""

UNSEEN_BY_NOBODY: Final = frozenset({"issuetype", "priority"})
"""Fields that Jira hides, and says do not exist, from somebody who is not signed in and sees no project."""

FIELDS: Final = CLOSED | DATES | {"project", "key", "labels"}


def field_named(text: str) -> str:
    """The field that a clause names, whatever its case; a name that is none stays what it is."""
    name = text.lower()
    return _ALIASES.get(name, name)


def values(field: str) -> Values:
    """What an issue holds in a field that has a set of values, folded for comparison.

    People go by user name on Data Center, by account id on Cloud; a status category by its key, name or id.
    """

    def named(issue: Issue) -> frozenset[str]:
        value = issue.fields.get(field)
        return frozenset([_name(value)]) if value else frozenset()

    def listed(issue: Issue) -> frozenset[str]:
        return frozenset(map(_name, issue.fields.get(field) or ()))

    readers: dict[str, Values] = {
        "project": lambda issue: frozenset([issue.project.id]),
        "key": lambda issue: frozenset([issue.id]),
        "labels": lambda issue: frozenset(map(str.casefold, issue.fields.get("labels") or ())),
        "statusCategory": _category,
    }
    return readers.get(field, listed if field in _LISTS else named)


def numbered(field: str) -> Callable[[Issue], Iterable[tuple[str, str]]]:
    """The values of a field by id, each with its folded name: queries may name them either way."""

    def pairs(issue: Issue) -> list[tuple[str, str]]:
        held = issue.fields.get(field)
        found = held if isinstance(held, list) else [held] if held else []
        return [(value["id"], _name(value)) for value in found if "id" in value]

    return pairs if field in _NAMED | _LISTS else lambda _issue: ()


def _name(value: dict[str, Any]) -> str:
    name: str = value["accountId"] if "accountId" in value else value["name"]
    return name.casefold()


def _category(issue: Issue) -> frozenset[str]:
    category = (issue.fields.get("status") or {}).get("statusCategory")
    if not category:
        return frozenset()
    return frozenset(str(category[part]).casefold() for part in ("id", "key", "name"))


def moment(field: str) -> Callable[[Issue], int | None]:
    """Milliseconds of a date field, None where it is empty."""

    def resolved(issue: Issue) -> int | None:
        text = issue.fields.get("resolutiondate")
        return times.parse(text) if text else None

    return _ALWAYS.get(field, resolved)


place: Final[SortKey] = attrgetter("place")
"""What `ORDER BY key` compares: it is unique, so it settles ties."""


def sort_key(field: str) -> SortKey | None:
    """What ORDER BY compares, None for a field that cannot be sorted by; issues without a value come last upwards."""
    if field in _ALWAYS:
        return _ALWAYS[field]
    if field in DATES:
        read = moment(field)
        return lambda issue: _last_if_empty(read(issue))
    if field in _NAMED:
        # In the order of the administrator's list, which is that of the ids; the first priority is the greatest.
        sign = -1 if field == "priority" else 1
        return lambda issue: _last_if_empty(_number(issue.fields.get(field), sign))
    if field in PEOPLE:
        return lambda issue: _last_if_empty(min(values(field)(issue), default=None))
    keys: dict[str, SortKey] = {
        "key": place,
        "project": lambda issue: issue.project.name.casefold(),
        "summary": lambda issue: (issue.fields.get("summary") or "").casefold(),
    }
    return keys.get(field)


def descends(field: str) -> bool:
    """The direction where the query names none: newest dates and greatest priorities first, all else upwards."""
    return field in DATES or field == "priority"


def _number(value: dict[str, Any] | None, sign: int) -> int | None:
    return sign * int(value["id"]) if value else None


def _last_if_empty(value: object) -> tuple[bool, object]:
    return value is None, 0 if value is None else value
