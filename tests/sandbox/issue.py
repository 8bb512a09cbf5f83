"""One issue and one project as the sandbox keeps them: immutable, independent of server address and viewer."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sandbox import times
from sandbox.content import Content

if TYPE_CHECKING:
    from collections.abc import Mapping

BASE: Final = "http://sandbox.invalid"
"""Stands in stored bodies where an answer shows the server's own base URL."""

EXPAND: Final = "operations,versionedRepresentations,editmeta,changelog,renderedFields"


@dataclass(frozen=True)
class Project:
    """A project; `id` and `key` both name it in JQL, as does `name`."""

    id: str
    key: str
    name: str

    def body(self) -> dict[str, Any]:
        """The object that issues and the project list show."""
        avatar = f"{BASE}/secure/projectavatar?pid={self.id}&avatarId=10324"
        sizes = {
            "48x48": "",
            "24x24": "&size=small",
            "16x16": "&size=xsmall",
            "32x32": "&size=medium",
        }
        return {
            "self": f"{BASE}/rest/api/2/project/{self.id}",
            "id": self.id,
            "key": self.key,
            "name": self.name,
            "projectTypeKey": "software",
            "avatarUrls": {size: avatar + suffix for size, suffix in sizes.items()},
        }


class Edit(NamedTuple):
    """One change in the sandbox: when, from which `updated` on, and old and new value by field id."""

    at_ms: int
    since_ms: int
    changes: Mapping[str, tuple[Any, Any]]


@dataclass(frozen=True, eq=False)
class Issue:
    """An issue in one version; an edit makes a new object, so identity tells versions apart.

    Attributes:
        fields: by field id, as Jira's JSON. Datetimes inside may carry any offset; readers see their own.
        url: the `self` of the issue, usually below `BASE`.
        histories: those that a recorded body came with.
        edits: what happened to the issue in the sandbox, oldest first.
        place: what `ORDER BY key` compares, which nearly every query asks of every issue.
    """

    id: str
    key: str
    project: Project
    created_ms: int
    updated_ms: int
    fields: Mapping[str, Any] = field(repr=False)
    url: str
    expand: str = EXPAND
    histories: tuple[dict[str, Any], ...] = field(default=(), repr=False)
    edits: tuple[Edit, ...] = field(default=(), repr=False)
    place: tuple[str, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """The project's key, then the number; ValueError for a key without one."""
        object.__setattr__(self, "place", (self.project.key, self.number))

    @property
    def made_ms(self) -> int:
        """`updated` before anything happened in the sandbox; what the issue was made with is not younger."""
        return self.edits[0].since_ms if self.edits else self.updated_ms

    @property
    def number(self) -> int:
        """The counting part of the key."""
        return int(self.key.rpartition("-")[2])

    def changed(self, updated_ms: int, **fields: object) -> Issue:
        """The next version: some fields replaced, `updated` set."""
        changes = {name: (self.fields.get(name), value) for name, value in fields.items()}
        new = {**fields, "updated": times.render(updated_ms)}
        old = self.fields
        content = old.replaced(new) if isinstance(old, Content) else {**old, **new}
        edits = (*self.edits, Edit(updated_ms, self.updated_ms, changes))
        return replace(self, updated_ms=updated_ms, fields=content, edits=edits)

    def touched(self, **fields: object) -> Issue:
        """The same version with some fields replaced: what apps do behind Jira's back."""
        old = self.fields
        content = old.replaced(fields) if isinstance(old, Content) else {**old, **fields}
        return replace(self, fields=content)

    def without_milliseconds(self) -> Issue:
        """The same version as a database keeps it that truncates datetimes to seconds."""
        created, updated = (ms - ms % 1000 for ms in (self.created_ms, self.updated_ms))
        new = {"created": times.render(created), "updated": times.render(updated)}
        old = self.fields
        content = old.replaced(new) if isinstance(old, Content) else {**old, **new}
        return replace(self, created_ms=created, updated_ms=updated, fields=content)

    def moved(self, home: Project, key: str, updated_ms: int) -> Issue:
        """The next version in another project."""
        return replace(self.changed(updated_ms, project=home.body()), project=home, key=key)


def from_body(body: Mapping[str, Any]) -> Issue:
    """An issue from the JSON that a Jira server answered; ValueError names what it lacks."""
    try:
        fields, project = body["fields"], body["fields"]["project"]
        if not body["key"].rpartition("-")[2].isdecimal():
            raise ValueError(f"not an issue key: {body['key']!r}")
        home = Project(str(project["id"]), project["key"], project.get("name", project["key"]))
        updated = times.parse(fields["updated"])
        created = times.parse(fields["created"]) if fields.get("created") else updated
        return Issue(
            id=str(body["id"]),
            key=body["key"],
            project=home,
            created_ms=created,
            updated_ms=updated,
            fields=fields,
            url=body.get("self", f"{BASE}/rest/api/2/issue/{body['id']}"),
            expand=body.get("expand", EXPAND),
            histories=tuple((body.get("changelog") or {}).get("histories") or ()),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not an issue with project and updated: {error!r}") from error
