"""A generated corpus: seeded issues with the sizes, shapes and oddities of real Data Center answers.

What queries look at is made at once; the rest of an issue is made when it is read (`content.py`), from the seed and the
issue's own number, so that neither the order of reading nor the number of readers changes a byte.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Final

from sandbox import children, reference, texts, times
from sandbox.children import InventedChildren
from sandbox.content import Content
from sandbox.customs import Customs
from sandbox.fields import SYSTEM, custom_fields
from sandbox.issue import BASE, Issue, Project
from sandbox.people import people
from sandbox.reference import Reference, named
from sandbox.rng import seeded

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

UNTIL: Final = times.to_ms(datetime(2026, 1, 31, 12, tzinfo=timezone.utc))
"""The last moment at which generated issues change; fixed, so that a seed means one corpus for ever."""

_YEAR_MS: Final = 365 * 86_400_000
# A few, for readers that ask for one field after another: more of them would only grow old in the garbage collector.
_BODIES_KEPT: Final = 32
_NAMES: Final = (
    ("ALPHA", "Alpha Platform"),
    ("OPS", "Operations  "),
    ("WEB2", "Web & Mobile"),
    ("DATA_LAKE", "Data Lake"),
)
# What an issue does not hold: fields of the list that Jira leaves out of every body.
_NEVER: Final = frozenset({"issuekey", "thumbnail"})


def projects(count: int) -> tuple[Project, ...]:
    """The first `count` projects; past the named ones their keys count on."""
    named_ones = _NAMES[:count]
    more = ((f"PROJ{i}", f"Project {i}") for i in range(len(named_ones), count))
    return tuple(
        Project(str(10_001 + i), key, name) for i, (key, name) in enumerate([*named_ones, *more])
    )


def status(name: str) -> dict[str, Any]:
    """A status object."""
    return next(body for body in reference.STATUSES if body["name"] == name)


def status_names() -> tuple[str, ...]:
    """The statuses that exist."""
    return tuple(body["name"] for body in reference.STATUSES)


@dataclass(frozen=True, eq=False)
class Invented:
    """A generated server: its issues, what they refer to, and their children."""

    issues: tuple[Issue, ...]
    reference: Reference
    children: InventedChildren


def invent(seed: int, count: int, homes: tuple[Project, ...]) -> Invented:
    """`count` issues spread over the projects, the first project getting the most."""
    generator = _Generator(seed, homes)
    return Invented(generator.issues(count), generator.reference, generator.children)


@dataclass(frozen=True, eq=False)
class _Head:
    """What is made at once of an issue: `known` holds the values of the fields that queries ask about."""

    id: str
    key: str
    home: Project
    moments: tuple[int, int]
    known: dict[str, Any]
    linked: dict[str, Any] | None


class _Generator:
    def __init__(self, seed: int, homes: tuple[Project, ...]) -> None:
        self.seed = seed
        self.chance = seeded(seed, "issues")
        self.homes = {home: home.body() for home in homes}
        self.people = people(seeded(seed, "people"), 48)
        users = tuple(person.body for person in self.people)
        self.reference = Reference.invented(seed, homes, users)
        self.children = InventedChildren(seed, users)
        every = custom_fields(seed)
        # Each project has its own screens, so the width of an issue depends on its project.
        self.screens = {
            home: every if i % 3 == 0 else every[: len(every) // (i % 3 + 1) + 6]
            for i, home in enumerate(homes)
        }
        customs = Customs(self.people, self.reference.versions)
        self.customs = {
            home: customs.maker(screen, home.id) for home, screen in self.screens.items()
        }
        self.names = {home: self.order(home) for home in homes}
        self.body = lru_cache(maxsize=_BODIES_KEPT)(self.make)

    def order(self, home: Project) -> tuple[str, ...]:
        """The field ids of a project's issues: in no order, but always the same."""
        system = [entry["id"] for entry in SYSTEM if entry["id"] not in _NEVER]
        names = sorted([*system, *(custom.id for custom in self.screens[home])])
        seeded(home.id).shuffle(names)
        return tuple(names)

    def issues(self, count: int) -> tuple[Issue, ...]:
        counters = dict.fromkeys(self.homes, 0)
        homes = tuple(self.homes)
        weights = [1 / (i + 1) for i in range(len(homes))]
        shared = UNTIL
        found: list[Issue] = []
        for number in range(count):
            home = self.chance.choices(homes, weights)[0]
            # Deleted issues leave holes in the numbering.
            counters[home] += self.chance.choice([1, 1, 1, 1, 2])
            created, updated = self.moments(number, count)
            if self.chance.random() < 0.12:
                # A bulk change: many share one moment.
                updated = shared if shared > created else updated
            else:
                shared = updated
            id_ = str(children.FIRST_ID + children.ID_STEP * number)
            key = f"{home.key}-{counters[home]}"
            other = self.chance.choice(found) if found and self.chance.random() < 0.15 else None
            found.append(self.issue(id_, key, home, (created, updated), other))
        return tuple(found)

    def moments(self, number: int, count: int) -> tuple[int, int]:
        created = UNTIL - 2 * _YEAR_MS + (2 * _YEAR_MS * number) // (count + 1)
        updated = created + int((UNTIL - created) * self.chance.random() ** 3)
        if self.chance.random() < 0.3:
            updated -= updated % 1000  # whole seconds, as a database that truncates keeps them
        return created, max(created, updated)

    def issue(
        self, id_: str, key: str, home: Project, moments: tuple[int, int], other: Issue | None
    ) -> Issue:
        known = self.known(id_, home, moments)
        linked = None
        if other is not None:
            held = ("summary", "status", "priority", "issuetype")
            shown = {"id": other.id, "key": other.key, "self": other.url}
            linked = {**shown, "fields": {name: other.fields[name] for name in held}}
        head = _Head(id_, key, home, moments, known, linked)
        content = Content(self.names[home], known, partial(self.body, head))
        return Issue(id_, key, home, *moments, content, f"{BASE}/rest/api/2/issue/{id_}")

    def known(self, id_: str, home: Project, moments: tuple[int, int]) -> dict[str, Any]:
        """The values that queries, short reads and the lists of children need without making an issue."""
        chance = self.chance
        done = chance.random() < 0.35
        assignee = chance.choice([None, *self.people])
        known: dict[str, Any] = {
            "project": self.homes[home],
            "created": times.render(moments[0]),
            "updated": times.render(moments[1]),
            "summary": chance.choice(texts.TRICKY)
            if chance.random() < 0.05
            else texts.sentence(chance),
            "status": status("Closed" if done else chance.choice(status_names()[:3])),
            "resolution": chance.choice(reference.RESOLUTIONS) if done else None,
            "resolutiondate": times.render(moments[1]) if done else None,
            "priority": chance.choice(reference.PRIORITIES),
            "issuetype": chance.choice(reference.ISSUE_TYPES),
            "labels": []
            if chance.random() < 0.6
            else sorted({texts.word(chance) for _ in range(3)}),
            "components": some(chance, self.reference.components[home.id]),
            "versions": some(chance, self.reference.versions[home.id]),
            "fixVersions": some(chance, self.reference.versions[home.id]),
            "assignee": assignee.body if assignee else None,
            "reporter": chance.choice(self.people).body,
        }
        if not self.children.count("comment", id_):
            known["comment"] = children.NO_COMMENTS
        if not self.children.count("worklog", id_):
            known["worklog"] = children.NO_WORKLOGS
        return known

    def make(self, head: _Head) -> dict[str, Any]:
        """All other values of one issue."""
        chance = seeded(self.seed, "issue", head.id)
        return {
            **self.system(head, chance),
            **self.tracked(chance),
            **self.customs[head.home](chance),
            "comment": self.children.embedded_comments(head.id, head.moments),
            "worklog": self.children.embedded_worklogs(head.id, head.moments),
        }

    def system(self, head: _Head, chance: Random) -> dict[str, Any]:
        base = f"{BASE}/rest/api/2/issue/{head.key}"
        due = times.render(head.moments[1] + _YEAR_MS // 12)[:10]
        level = {**named("securitylevel", "11697", "Staff"), "description": "Seen by staff only."}
        voters = len(self.children.people("votes", head.id))
        watchers = len(self.children.people("watchers", head.id))
        return {
            "description": texts.description(chance),
            "environment": None if chance.random() < 0.95 else texts.sentence(chance),
            "creator": chance.choice(self.people).body,
            "lastViewed": None if chance.random() < 0.8 else times.render(UNTIL),
            "duedate": None if chance.random() < 0.9 else due,
            "votes": {"self": f"{base}/votes", "votes": voters, "hasVoted": False},
            "watches": {"self": f"{base}/watchers", "watchCount": watchers, "isWatching": False},
            "issuelinks": link(head, chance) if head.linked else [],
            "subtasks": [],
            "security": None if chance.random() > 0.1 else level,
            "attachment": [],
            "archiveddate": None,
            "archivedby": None,
        }

    def tracked(self, chance: Random) -> dict[str, Any]:
        spent = chance.choice([None] * 8 + [3600, 8700])
        progress = {"progress": spent or 0, "total": spent or 0}
        tracking = {"timeSpent": f"{(spent or 0) // 60}m", "timeSpentSeconds": spent}
        return {
            "workratio": -1,
            "progress": progress,
            "aggregateprogress": {**progress, "percent": 100} if spent else progress,
            "timespent": spent,
            "timeestimate": 0 if spent else None,
            "timeoriginalestimate": None,
            "aggregatetimespent": spent,
            "aggregatetimeestimate": 0 if spent else None,
            "aggregatetimeoriginalestimate": None,
            "timetracking": tracking if spent else {},
        }


def some(chance: Random, pool: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """None, one or two of a project's versions or components."""
    return chance.sample(pool, chance.choice([0, 0, 0, 1, 2]))


def link(head: _Head, chance: Random) -> list[dict[str, Any]]:
    """A link has an inward or an outward issue, never both."""
    kind = {**named("issueLinkType", "10000", "Blocks"), "inward": "is blocked by"}
    shown = {"id": f"9{head.id}", "self": f"{BASE}/rest/api/2/issueLink/9{head.id}"}
    way = chance.choice(["inwardIssue", "outwardIssue"])
    return [{**shown, "type": {**kind, "outward": "blocks"}, way: head.linked}]
