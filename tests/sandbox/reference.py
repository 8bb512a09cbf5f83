"""What issues refer to: statuses, priorities, resolutions, issue types, people, and the versions and components of projects.

A generated server has them from the tables here; a recorded one has those that its issues show.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sandbox import texts
from sandbox.fields import SYSTEM, custom_fields
from sandbox.issue import BASE
from sandbox.rng import seeded

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sandbox.issue import Issue, Project

    Body = dict[str, Any]

VERSIONS_A_PROJECT: Final = 14
COMPONENTS_A_PROJECT: Final = 9
_COLOURS: Final = {1: "medium-gray", 2: "default", 3: "success", 4: "inprogress"}
_CATEGORIES: Final = (
    (1, "undefined", "No Category"),
    (2, "new", "To Do"),
    (4, "indeterminate", "In Progress"),
    (3, "done", "Done"),
)
_STATUSES: Final = (("Open", 2), ("In Progress", 4), ("Reopened", 2), ("Closed", 3))
_TYPES: Final = ("Bug", "Task", "Story", "Epic", "Sub-task")
_PRIORITIES: Final = ("Blocker", "Critical", "Major", "Minor", "Trivial")
_PRIORITY_COLOURS: Final = ("#cc0000", "#ff0000", "#009900", "#006600", "#003300")
_RESOLUTIONS: Final = ("Done", "Won't Do", "Duplicate", "Cannot Reproduce")


def named(kind: str, number: str, name: str) -> Body:
    """The three keys that all these objects begin with."""
    return {"self": f"{BASE}/rest/api/2/{kind}/{number}", "id": number, "name": name}


def _category(number: int, key: str, name: str) -> Body:
    body = {"self": f"{BASE}/rest/api/2/statuscategory/{number}", "id": number, "key": key}
    return {**body, "colorName": _COLOURS[number], "name": name}


STATUS_CATEGORIES: Final = tuple(_category(*category) for category in _CATEGORIES)


def _status(number: int, name: str, category: int) -> Body:
    return {
        **named("status", str(number), name),
        "description": f"The issue is {name.lower()}.",
        "iconUrl": f"{BASE}/images/icons/statuses/generic.png",
        "statusCategory": next(c for c in STATUS_CATEGORIES if c["id"] == category),
    }


STATUSES: Final = tuple(_status(i, *status) for i, status in enumerate(_STATUSES, start=1))
PRIORITIES: Final = tuple(
    {**named("priority", str(i), name), "iconUrl": f"{BASE}/images/p.svg"}
    for i, name in enumerate(_PRIORITIES, start=1)
)
RESOLUTIONS: Final = tuple(
    {**named("resolution", str(i), name), "description": "Complete."}
    for i, name in enumerate(_RESOLUTIONS, start=1)
)


def _issue_type(number: int, name: str) -> Body:
    avatar = 13_260 + number
    return {
        **named("issuetype", str(number), name),
        "description": f"A {name.lower()}.",
        "iconUrl": f"{BASE}/secure/viewavatar?size=xsmall&avatarId={avatar}&avatarType=issuetype",
        "subtask": name == "Sub-task",
        "avatarId": avatar,
    }


ISSUE_TYPES: Final = tuple(_issue_type(i, name) for i, name in enumerate(_TYPES, start=1))


@dataclass(frozen=True)
class Reference:
    """The objects of one server, as issues embed them; versions and components by project id, `/field` entries."""

    fields: tuple[Body, ...]
    statuses: tuple[Body, ...]
    priorities: tuple[Body, ...]
    resolutions: tuple[Body, ...]
    issue_types: tuple[Body, ...]
    users: tuple[Body, ...]
    versions: Mapping[str, tuple[Body, ...]]
    components: Mapping[str, tuple[Body, ...]]

    @classmethod
    def invented(cls, seed: int, homes: Iterable[Project], users: Iterable[Body]) -> Reference:
        """The tables of this module, and seeded versions and components for each project."""
        projects = tuple(homes)
        custom = (field.entry for field in custom_fields(seed))
        return cls(
            (*SYSTEM, *custom),
            STATUSES,
            PRIORITIES,
            RESOLUTIONS,
            ISSUE_TYPES,
            tuple(users),
            {home.id: _versions(seed, home) for home in projects},
            {home.id: _components(seed, home) for home in projects},
        )

    @classmethod
    def collected(cls, issues: Iterable[Issue], fields: Iterable[Body]) -> Reference:
        """What the issues of a recorded server show, each object once; `fields` is its `/field` list."""
        seen: dict[str, dict[str, Body]] = defaultdict(dict)
        for issue in issues:
            for field in ("status", "priority", "resolution", "issuetype"):
                _collect(seen[field], [issue.fields.get(field)])
            people = [issue.fields.get(field) for field in ("assignee", "reporter", "creator")]
            _collect(seen["user"], people)
            for field in ("versions", "fixVersions"):
                _collect(seen[f"version/{issue.project.id}"], issue.fields.get(field) or ())
            _collect(seen[f"component/{issue.project.id}"], issue.fields.get("components") or ())

        def of(kind: str) -> tuple[Body, ...]:
            return tuple(seen[kind].values())

        def by_project(kind: str) -> dict[str, tuple[Body, ...]]:
            prefix = kind + "/"
            return {name.removeprefix(prefix): of(name) for name in [*seen] if prefix in name}

        return cls(
            tuple(fields),
            of("status"),
            of("priority"),
            of("resolution"),
            of("issuetype"),
            of("user"),
            by_project("version"),
            by_project("component"),
        )


def _collect(into: dict[str, Body], found: Iterable[Body | None]) -> None:
    for body in found:
        if body:
            into.setdefault(str(body.get("id") or body.get("name")), body)


def _versions(seed: int, home: Project) -> tuple[Body, ...]:
    chance = seeded(seed, "versions", home.id)
    first = 20_000 + 100 * int(home.id) % 1_000_000
    return tuple(texts.version(chance, first + i) for i in range(VERSIONS_A_PROJECT))


def _components(seed: int, home: Project) -> tuple[Body, ...]:
    chance = seeded(seed, "components", home.id)
    found = []
    for number in range(100 * int(home.id), 100 * int(home.id) + COMPONENTS_A_PROJECT):
        body = named("component", str(number), texts.word(chance))
        found.append({**body, "description": texts.sentence(chance)} if number % 2 else body)
    return tuple(found)
