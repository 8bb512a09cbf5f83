"""The lists below an issue: which part of one an answer holds, whether it is whole, what to ask next. Pure.

Jira embeds the beginning of each list in the answer to a search (Jira REST API 10.3 and Cloud's
OpenAPI, version 2): comments and worklogs as fields with a `total`, histories by `expand=changelog`,
links, attachments and, by `expand=transitions`, transitions as plain arrays, which are always whole. Caps differ by server, so nothing but
the `total` tells whether a list was cut.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from tap_jira_oauth.errors import AnswerError
from tap_jira_oauth.jql import format_datetime, in_utc, parse_datetime

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from tap_jira_oauth.answered_issue import Issue, Values

PAGE = 500
"""Children to ask for in one request; the server's own cap is obeyed."""

READINGS = 4
"""How often a list that moves while it is read is begun, before the run says that it is not whole."""

Item = Mapping[str, msgspec.Raw]
"""One child as Jira sends it."""


@dataclass(frozen=True)
class Kind:
    """One kind of list. `field` is where a search embeds it, `items` the array in its own envelope.

    `items` is empty for a field that is the array itself. `resource` is the list's own address
    below the issue's; empty where there is none. Of some kinds a search shows nothing (`field` is
    empty), or only how long the list is, in the member `count` of the field. `names` are the members
    that tell one child from another; the first that is there does.
    """

    stream: str
    field: str
    items: str = ""
    resource: str = ""
    count: str = ""
    names: tuple[str, ...] = ("id",)

    @property
    def apart(self) -> bool:
        """Tell whether no search shows anything of the list itself."""
        return not self.field or bool(self.count)


CHANGELOG = "changelog"
TRANSITION = "transitions"
EXPANDED = frozenset({CHANGELOG, TRANSITION})
"""Embedded beside the fields, and asked for by `expand`."""

COMMENTS = Kind("issue_comments", "comment", "comments", "comment")
WORKLOGS = Kind("issue_worklogs", "worklog", "worklogs", "worklog")
CHANGELOGS = Kind("issue_changelogs", CHANGELOG, "histories", "changelog")
LINKS = Kind("issue_links", "issuelinks")
ATTACHMENTS = Kind("issue_attachments", "attachment")

PERSON = ("accountId", "key", "name")
"""Of Cloud, of Data Center, and of its deleted users."""

REMOTE_LINKS = Kind("issue_remote_links", "", "", "remotelink")
TRANSITIONS = Kind("issue_transitions", TRANSITION, "transitions", "transitions")
WATCHERS = Kind("issue_watchers", "watches", "watchers", "watchers", "watchCount", PERSON)
VOTES = Kind("issue_votes", "votes", "voters", "votes", "votes", PERSON)
PROPERTIES = Kind("issue_properties", "", "properties", "?fields=updated&properties=*all")


@dataclass(frozen=True)
class Parent:
    """The version of an issue that its children are read with; `updated` in UTC."""

    id: str
    key: str
    project_id: str
    updated: str


@dataclass(frozen=True)
class Part:
    """What one answer holds of a list; `total` is how long Jira says it is, None where it does not."""

    items: Sequence[Item]
    total: int | None

    @property
    def whole(self) -> bool:
        """Tell whether nothing is missing, so far as the answer says."""
        return self.total is not None and len(self.items) >= self.total


class _Project(msgspec.Struct, gc=False):
    id: str


_items = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_envelope = msgspec.json.Decoder(dict[str, msgspec.Raw])
_total = msgspec.json.Decoder(int)
_id = msgspec.json.Decoder(str | int)
_moment = msgspec.json.Decoder(str | int | None)
_text = msgspec.json.Decoder(str)
_project = msgspec.json.Decoder(_Project)


def parent(issue: Issue[Values]) -> Parent:
    """Return what a child says about its issue.

    Raises:
        AnswerError: the issue lacks what every issue has.
    """
    try:
        project = _project.decode(issue.fields["project"])
        updated = _text.decode(issue.fields["updated"])
    except (KeyError, msgspec.ValidationError) as error:
        raise AnswerError(f"Issue {issue.key} came without its project or 'updated'.") from error
    return Parent(issue.id, issue.key, project.id, in_utc(updated))


def to_ask(own: Sequence[str], kinds: Iterable[Kind]) -> tuple[list[str], frozenset[str]]:
    """Return Jira's `fields` parameter with those of the kinds, and which of them `own` leaves out.

    The latter come for the children alone, and do not belong into the record of an issue.
    """
    wanted = [kind.field for kind in kinds if kind.field not in {*EXPANDED, ""}]
    strange = [name for name in wanted if not _brings(own, name)]
    asked = [name for name in own if name.removeprefix("-") not in strange]
    return [*asked, *strange], frozenset(strange)


def _brings(asked: Collection[str], name: str) -> bool:
    if f"-{name}" in asked:
        return False
    # Of these fields Jira's list of fields calls only the links, votes and watches navigable.
    navigable = name in {LINKS.field, VOTES.field, WATCHERS.field}
    everything = {"*all", "*navigable"} if navigable else {"*all"}
    return name in asked or not everything.isdisjoint(asked)


def embedded(kind: Kind, issue: Issue[Values]) -> Part:
    """Return what a search's answer holds of a list. An absent one may be long, except of arrays."""
    if kind.apart:
        return Part((), _counted(kind, issue))
    beside = kind.field in EXPANDED
    raw = getattr(issue, kind.field) if beside else issue.fields.get(kind.field)
    if raw is None or bytes(raw) in (b"", b"null"):
        return Part((), None if kind.items else 0)
    try:
        return part("" if kind is TRANSITIONS else kind.items, raw)
    except AnswerError:  # a server was seen to embed `[]` for worklogs
        return Part((), None)


def _counted(kind: Kind, issue: Issue[Values]) -> int | None:
    """Return how long a list is by its field; None where that does not tell."""
    try:
        return _total.decode(_envelope.decode(issue.fields[kind.field])[kind.count])
    except (KeyError, msgspec.ValidationError):
        return None


def properties(raw: msgspec.Raw) -> Part:
    """Decode the properties of an issue, an object; a child is one of its members.

    Raises:
        AnswerError: it has another shape.
    """
    try:
        members = _envelope.decode(_envelope.decode(raw)[PROPERTIES.items])
    except (KeyError, msgspec.ValidationError) as error:
        raise AnswerError(f"Jira sent no properties of an issue: {error}.") from error
    named = [(msgspec.Raw(msgspec.json.encode(name)), value) for name, value in members.items()]
    return Part([{"id": name, "value": value} for name, value in named], len(named))


def part(items: str, raw: msgspec.Raw) -> Part:
    """Decode an envelope with its array in `items`, or a plain array where that is empty.

    Raises:
        AnswerError: it has another shape.
    """
    try:
        if not items:
            found = _items.decode(raw)
            return Part(found, len(found))
        members = _envelope.decode(raw)
        held = _items.decode(members[items])
        return Part(held, _total.decode(members["total"]) if "total" in members else None)
    except (KeyError, msgspec.ValidationError) as error:
        raise AnswerError(f"Jira sent no list of {items or 'children'}: {error}.") from error


def identity(item: Item, names: Sequence[str] = ("id",)) -> str:
    """Return what tells a child from others, by the first of `names`; some Jiras write it as a number.

    Raises:
        AnswerError: it has none.
    """
    name = next((name for name in names if name in item), names[0])
    try:
        return str(_id.decode(item[name]))
    except (KeyError, msgspec.ValidationError) as error:
        raise AnswerError(f"Jira sent a child of an issue without an id: {error}.") from error


def united(one: Iterable[Item], other: Iterable[Item]) -> list[Item]:
    """Return the children of both, each once."""
    return list({identity(item): item for item in (*one, *other)}.values())


@dataclass
class PagedList:
    """A list that is read page by page, each page beginning with the row that ended the one before.

    So a row that is added or removed meanwhile is seen, also when both happen and the total stays.
    Then the list is read again from its beginning, a few times at most.
    """

    cut: bool = False
    done: bool = False
    _readings: int = 1
    _found: dict[str, Item] = field(default_factory=dict)

    @property
    def start(self) -> int:
        """The row to ask for."""
        return max(0, len(self._found) - 1)

    @property
    def items(self) -> list[Item]:
        """What was read."""
        return list(self._found.values())

    def take(self, part: Part) -> None:
        """Note the page that begins at `start`."""
        rows = [(identity(item), item) for item in part.items]
        if self._found:
            last = next(reversed(self._found))
            if not rows or rows[0][0] != last:
                self._begin_anew()
                return
            rows = rows[1:]
        new = dict(rows)
        twice = len(new) < len(rows) or not self._found.keys().isdisjoint(new)
        whole = len(self._found) + len(new) >= (part.total or 0)
        if twice or (not new and not whole):
            self._begin_anew()
            return
        self._found |= new
        # Without a total, the page that brings nothing new is the last one.
        self.done = not new if part.total is None else whole

    def _begin_anew(self) -> None:
        if self._readings == READINGS:
            self.cut = self.done = True
            return
        self._readings += 1
        self._found.clear()


def record(
    parent: Parent, item: Item, date_times: Iterable[str], names: Sequence[str] = ("id",)
) -> dict[str, Any]:
    """Return the record of one child: Jira's own values, datetimes in UTC, and its issue's version."""
    values: dict[str, Any] = {**item, "id": identity(item, names)}
    for name in date_times:
        if name in item:
            values[name] = _in_utc(item[name])
    return {
        "id": values.pop("id"),
        "issue_id": parent.id,
        "issue_key": parent.key,
        "project_id": parent.project_id,
        "issue_updated": parent.updated,
        **values,
    }


def _in_utc(raw: msgspec.Raw) -> str | msgspec.Raw | None:
    """Rewrite a datetime, which `changelog/bulkfetch` sends as epoch milliseconds."""
    try:
        moment = _moment.decode(raw)
        if moment is None:
            return None
        return format_datetime(moment if isinstance(moment, int) else parse_datetime(moment))
    except (AnswerError, OverflowError, msgspec.ValidationError):
        return raw
