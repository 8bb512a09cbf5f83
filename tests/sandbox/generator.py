"""A generated corpus: seeded issues with the sizes, shapes and oddities of real Data Center answers."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Final

from sandbox import texts, times
from sandbox.customs import Customs
from sandbox.fields import Custom, custom_fields
from sandbox.issue import BASE, Issue, Project, from_body
from sandbox.people import Person, people
from sandbox.rng import seeded

if TYPE_CHECKING:
    from collections.abc import Callable

UNTIL: Final = times.to_ms(datetime(2026, 1, 31, 12, tzinfo=timezone.utc))
"""The last moment at which generated issues change; fixed, so that a seed means one corpus for ever."""

_YEAR_MS: Final = 365 * 86_400_000
_NAMES: Final = (
    ("ALPHA", "Alpha Platform"),
    ("OPS", "Operations  "),
    ("WEB2", "Web & Mobile"),
    ("DATA_LAKE", "Data Lake"),
)
_TYPES: Final = ("Bug", "Task", "Story", "Epic", "Sub-task")
_PRIORITIES: Final = ("Blocker", "Critical", "Major", "Minor", "Trivial")
_STATUSES: Final = (
    ("Open", 2, "new", "To Do"),
    ("In Progress", 4, "indeterminate", "In Progress"),
    ("Reopened", 2, "new", "To Do"),
    ("Closed", 3, "done", "Done"),
)


def projects(count: int) -> tuple[Project, ...]:
    """The first `count` projects; past the named ones their keys count on."""
    named = _NAMES[:count]
    more = ((f"PROJ{i}", f"Project {i}") for i in range(len(named), count))
    return tuple(
        Project(str(10_001 + i), key, name) for i, (key, name) in enumerate([*named, *more])
    )


def issues(seed: int, count: int, homes: tuple[Project, ...]) -> tuple[Issue, ...]:
    """`count` issues spread over the projects, the first project getting the most."""
    return _Generator(seed, homes).issues(count)


def status(name: str) -> dict[str, Any]:
    """A status object."""
    number, (_, category, key, shown) = next(
        (i, s) for i, s in enumerate(_STATUSES) if s[0] == name
    )
    colours = {2: "default", 4: "inprogress", 3: "success"}
    return {
        **_named("status", str(number + 1), name),
        "description": f"The issue is {name.lower()}.",
        "iconUrl": f"{BASE}/images/icons/statuses/generic.png",
        "statusCategory": {
            "self": f"{BASE}/rest/api/2/statuscategory/{category}",
            "id": category,
            "key": key,
            "colorName": colours[category],
            "name": shown,
        },
    }


def status_names() -> tuple[str, ...]:
    """The statuses that exist."""
    return tuple(name for name, *_ in _STATUSES)


def _named(kind: str, number: str, name: str) -> dict[str, Any]:
    return {"self": f"{BASE}/rest/api/2/{kind}/{number}", "id": number, "name": name}


class _Generator:
    def __init__(self, seed: int, homes: tuple[Project, ...]) -> None:
        self.chance = seeded(seed, "issues")
        self.homes = homes
        self.linkable: list[dict[str, Any]] = []
        self.people = people(seeded(seed, "people"), 48)
        self.customs = Customs(seeded(seed, "customs"), self.people)
        every = custom_fields(seed)
        # Each project has its own screens, so the width of an issue depends on its project.
        self.screens = {
            home.id: every if i % 3 == 0 else every[: len(every) // (i % 3 + 1) + 6]
            for i, home in enumerate(homes)
        }

    def issues(self, count: int) -> tuple[Issue, ...]:
        counters = dict.fromkeys(self.homes, 0)
        weights = [1 / (i + 1) for i in range(len(self.homes))]
        shared = UNTIL
        found = []
        for number in range(count):
            home = self.chance.choices(self.homes, weights)[0]
            counters[home] += self.chance.choice(
                [1, 1, 1, 1, 2]
            )  # deleted issues leave holes in the numbering
            created, updated = self.moments(number, count)
            if self.chance.random() < 0.12:
                # A bulk change: many share one moment.
                updated = shared if shared > created else updated
            else:
                shared = updated
            found.append(
                self.issue(
                    str(10_000 + 3 * number),
                    f"{home.key}-{counters[home]}",
                    home,
                    (created, updated),
                )
            )
        return tuple(found)

    def moments(self, number: int, count: int) -> tuple[int, int]:
        created = UNTIL - 2 * _YEAR_MS + (2 * _YEAR_MS * number) // (count + 1)
        updated = created + int((UNTIL - created) * self.chance.random() ** 3)
        if self.chance.random() < 0.3:
            updated -= updated % 1000  # whole seconds, as a database that truncates keeps them
        return created, max(created, updated)

    def issue(self, id_: str, key: str, home: Project, moments: tuple[int, int]) -> Issue:
        created, updated = moments
        fields = self.system(id_, key, moments) | {"project": home.body()}
        screen: tuple[Custom, ...] = self.screens[home.id]
        fields |= {custom.id: self.customs.value(custom.kind) for custom in screen}
        order = sorted(fields)
        seeded(home.id).shuffle(order)
        shown = {name: fields[name] for name in order}
        linked = {name: fields[name] for name in ("summary", "status", "priority", "issuetype")}
        url = f"{BASE}/rest/api/2/issue/{id_}"
        self.linkable.append({"id": id_, "key": key, "self": url, "fields": linked})
        shown |= {"created": times.render(created), "updated": times.render(updated)}
        return from_body({"id": id_, "key": key, "self": url, "fields": shown})

    def system(self, id_: str, key: str, moments: tuple[int, int]) -> dict[str, Any]:
        chance = self.chance
        done = chance.random() < 0.35
        kind = chance.choice(_TYPES)
        spent = chance.choice([None] * 8 + [3600, 8700])
        progress = {"progress": spent or 0, "total": spent or 0}
        assignee = chance.choice([None, *self.people])
        level = chance.randrange(len(_PRIORITIES))
        return {
            "summary": chance.choice(texts.TRICKY)
            if chance.random() < 0.05
            else texts.sentence(chance),
            "description": texts.description(chance),
            "environment": None if chance.random() < 0.95 else texts.sentence(chance),
            "status": status("Closed" if done else chance.choice(status_names()[:3])),
            "resolution": {**_named("resolution", "1", "Done"), "description": "Complete."}
            if done
            else None,
            "resolutiondate": times.render(moments[1]) if done else None,
            "priority": {
                **_named("priority", str(level + 1), _PRIORITIES[level]),
                "iconUrl": f"{BASE}/images/p.svg",
            },
            "issuetype": self.issue_type(kind),
            "labels": []
            if chance.random() < 0.6
            else sorted({texts.word(chance) for _ in range(3)}),
            "components": self.some(self.component),
            "versions": self.some(lambda: texts.version(chance)),
            "fixVersions": self.some(lambda: texts.version(chance)),
            "assignee": assignee.body() if assignee else None,
            "reporter": chance.choice(self.people).body(),
            "creator": chance.choice(self.people).body(),
            "lastViewed": None if chance.random() < 0.8 else times.render(UNTIL),
            "duedate": None
            if chance.random() < 0.9
            else times.render(moments[1] + _YEAR_MS // 12)[:10],
            "votes": {
                "self": f"{BASE}/rest/api/2/issue/{key}/votes",
                "votes": 0,
                "hasVoted": False,
            },
            "watches": {
                "self": f"{BASE}/rest/api/2/issue/{key}/watchers",
                "watchCount": 2,
                "isWatching": False,
            },
            "issuelinks": self.links(id_),
            "subtasks": [],
            "security": self.security(),
            "workratio": -1,
            "progress": progress,
            "aggregateprogress": {**progress, "percent": 100} if spent else progress,
            "timespent": spent,
            "timeestimate": 0 if spent else None,
            "timeoriginalestimate": None,
            "aggregatetimespent": spent,
            "aggregatetimeestimate": 0 if spent else None,
            "aggregatetimeoriginalestimate": None,
            "timetracking": {"timeSpent": f"{spent // 60}m", "timeSpentSeconds": spent}
            if spent
            else {},
            "comment": self.comments(id_, moments),
            "worklog": self.worklog(id_, moments),
            "attachment": [],
            "archiveddate": None,
            "archivedby": None,
        }

    def some(self, make: Callable[[], dict[str, Any]]) -> list[dict[str, Any]]:
        return [make() for _ in range(self.chance.choice([0, 0, 0, 1, 2]))]

    def component(self) -> dict[str, Any]:
        number = self.chance.randrange(500, 530)
        body = _named("component", str(number), texts.word(self.chance))
        return {**body, "description": texts.sentence(self.chance)} if number % 2 else body

    def security(self) -> dict[str, Any] | None:
        if self.chance.random() > 0.1:
            return None
        return {**_named("securitylevel", "11697", "Staff"), "description": "Seen by staff only."}

    def links(self, id_: str) -> list[dict[str, Any]]:
        """Mostly none; a link has an inward or an outward issue, never both."""
        if not self.linkable or self.chance.random() > 0.15:
            return []
        way = self.chance.choice(["inwardIssue", "outwardIssue"])
        kind = {**_named("issueLinkType", "10000", "Blocks"), "inward": "is blocked by"}
        link = {"id": f"9{id_}", "self": f"{BASE}/rest/api/2/issueLink/9{id_}"}
        other = self.chance.choice(self.linkable)
        return [{**link, "type": {**kind, "outward": "blocks"}, way: other}]

    def issue_type(self, name: str) -> dict[str, Any]:
        number = _TYPES.index(name) + 1
        icon = (
            f"{BASE}/secure/viewavatar?size=xsmall&avatarId={13_260 + number}&avatarType=issuetype"
        )
        body = {
            **_named("issuetype", str(number), name),
            "description": f"A {name.lower()}.",
            "iconUrl": icon,
        }
        return {**body, "subtask": name == "Sub-task", "avatarId": 13_260 + number}

    def comments(self, id_: str, moments: tuple[int, int]) -> dict[str, Any]:
        count = self.chance.choice([0, 0, 0, 1, 2, 5])
        found = [self.entry(f"{id_}/comment", f"{id_}{i:02}", moments) for i in range(count)]
        if found and self.chance.random() < 0.3:
            found[0]["visibility"] = {"type": "role", "value": "Developers"}
        return {"comments": found, "maxResults": count, "total": count, "startAt": 0}

    def worklog(self, id_: str, moments: tuple[int, int]) -> dict[str, Any]:
        """Jira embeds the first 20 worklogs and says in `total` how many there are."""
        count = self.chance.choice([0] * 30 + [2, 27])
        found = [
            self.entry(f"{id_}/worklog", f"{id_}{i:02}", moments) for i in range(min(count, 20))
        ]
        for log in found:
            log |= {"comment": log.pop("body"), "started": log["created"], "issueId": id_}
            log |= {"timeSpent": "1h", "timeSpentSeconds": 3600}
        return {"startAt": 0, "maxResults": 20, "total": count, "worklogs": found}

    def entry(self, path: str, number: str, moments: tuple[int, int]) -> dict[str, Any]:
        author: Person = self.chance.choice(self.people)
        at = times.render(self.chance.randrange(moments[0], moments[1] + 1))
        body = {
            "self": f"{BASE}/rest/api/2/issue/{path}/{number}",
            "id": number,
            "author": author.body(),
        }
        text = texts.paragraph(self.chance, 2)
        return {**body, "body": text, "updateAuthor": author.body(), "created": at, "updated": at}
