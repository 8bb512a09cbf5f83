"""What hangs below an issue: comments, worklogs, histories, remote links; complete, in the order in which Jira gives them.

An issue embeds its comments in full and its first 20 worklogs; the rest of the worklogs, the histories and the remote
links of invented issues are made when somebody asks, from the seed and the issue alone. Recorded issues have what the
recordings show.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sandbox import reference, texts, times
from sandbox.issue import BASE
from sandbox.rng import seeded

if TYPE_CHECKING:
    from collections.abc import Mapping
    from random import Random

    from sandbox.issue import Edit, Issue

    Body = dict[str, Any]

WORKLOGS_EMBEDDED: Final = 20
FIRST_ID: Final = 10_000
ID_STEP: Final = 3
_HEAVY_EVERY: Final = 1500
_HEAVY: Final = {"comment": 350, "worklog": 60, "history": 1000}
_USUAL: Final = {
    "comment": (0, 0, 0, 1, 2, 5),
    "worklog": (*[0] * 30, 2, 27),
    "history": (0, 1, 2, 3, 5, 8, 13, 24),
}
_WORKLOG_IDS: Final = 100
_HISTORY_IDS: Final = 10_000
NO_COMMENTS: Final[Mapping[str, Any]] = {
    "comments": [],
    "maxResults": 0,
    "total": 0,
    "startAt": 0,
}
NO_WORKLOGS: Final[Mapping[str, Any]] = {
    "startAt": 0,
    "maxResults": WORKLOGS_EMBEDDED,
    "total": 0,
    "worklogs": [],
}


@dataclass(frozen=True)
class Children:
    """The children of recorded issues: what the bodies hold and nothing else."""

    def comments(self, issue: Issue) -> list[Body]:
        """All comments, oldest first."""
        return list((issue.fields.get("comment") or NO_COMMENTS)["comments"])

    def worklogs(self, issue: Issue) -> list[Body]:
        """All worklogs, in the order of their ids."""
        held = issue.fields.get("worklog") or NO_WORKLOGS  # one real server answered []
        return list(held["worklogs"])

    def deleted_worklogs(self, _issue: Issue) -> list[tuple[str, int]]:
        """Ids of worklogs that are gone, with the moment (ms) of their deletion."""
        return []

    def histories(self, issue: Issue) -> list[Body]:
        """All histories, oldest first: those that came with the issue, then what happened in the sandbox."""
        done = [_history_of(issue, i, edit) for i, edit in enumerate(issue.edits)]
        return [*issue.histories, *done]

    def remote_links(self, _issue: Issue) -> list[Body]:
        """Links to other systems."""
        return []

    def people(self, _kind: str, _id: str) -> list[Body]:
        """Who watches an issue, or has voted for it."""
        return []

    def properties(self, _id: str) -> dict[str, Any]:
        """What apps have noted about an issue."""
        return {}


@dataclass(frozen=True)
class InventedChildren(Children):
    """The children of generated issues; equal for equal seeds."""

    seed: int
    users: tuple[Body, ...] = field(repr=False)

    def count(self, kind: str, id_: str) -> int:
        """How many comments, worklogs or histories an issue was made with: few; 350, 60 or 1,000 for one in 1,500."""
        number = (int(id_) - FIRST_ID) // ID_STEP
        if number % _HEAVY_EVERY == self._draw(kind, "heavy") % 40:
            return _HEAVY[kind]
        usual = _USUAL[kind]
        return usual[self._draw(kind, id_) % len(usual)]

    def embedded_comments(self, id_: str, moments: tuple[int, int]) -> Body:
        """The `comment` field: complete, as Data Center embeds it."""
        total = self.count("comment", id_)
        if not total:
            return dict(NO_COMMENTS)
        chance = seeded(self.seed, "comments", id_)
        first = int(id_) * 1000
        at = _moments(chance, moments, total)
        found = [self._entry(chance, f"{id_}/comment", first + i, at[i]) for i in range(total)]
        if found and chance.random() < 0.3:
            found[0]["visibility"] = {"type": "role", "value": "Developers"}
        return {"comments": found, "maxResults": total, "total": total, "startAt": 0}

    def embedded_worklogs(self, id_: str, moments: tuple[int, int]) -> Body:
        """The `worklog` field: at most 20, and in `total` how many there are."""
        total = self.count("worklog", id_)
        if not total:
            return dict(NO_WORKLOGS)
        shown = self._worklogs(id_, moments)[:WORKLOGS_EMBEDDED]
        return {**NO_WORKLOGS, "total": total, "worklogs": shown}

    def worklogs(self, issue: Issue) -> list[Body]:
        """All worklogs, those past the embedded 20 included."""
        held = issue.fields.get("worklog") or NO_WORKLOGS
        if held["total"] == len(held["worklogs"]):
            return list(held["worklogs"])
        return self._worklogs(issue.id, (issue.created_ms, issue.made_ms))

    def deleted_worklogs(self, issue: Issue) -> list[tuple[str, int]]:
        """One for every issue that has worklogs."""
        held = issue.fields.get("worklog") or NO_WORKLOGS
        if not held["total"]:
            return []
        return [(str(int(issue.id) * _WORKLOG_IDS + _WORKLOG_IDS - 1), issue.made_ms)]

    def histories(self, issue: Issue) -> list[Body]:
        """Invented ones, then what happened in the sandbox."""
        chance = seeded(self.seed, "histories", issue.id)
        total = self.count("history", issue.id)
        moments = _moments(chance, (issue.created_ms, issue.made_ms), total)
        first = int(issue.id) * _HISTORY_IDS
        made = [
            {
                "id": str(first + i),
                "author": chance.choice(self.users),
                "created": times.render(at),
                "items": [_change(chance) for _ in range(chance.choice([1, 1, 1, 2, 3]))],
            }
            for i, at in enumerate(moments)
        ]
        return [*made, *super().histories(issue)]

    def remote_links(self, issue: Issue) -> list[Body]:
        """None for most; a link to a page or a build for one issue in eight."""
        if self._draw("remote", issue.id) % 8:
            return []
        chance = seeded(self.seed, "remote", issue.id)
        return [self._remote_link(chance, issue, i) for i in range(chance.choice([1, 1, 2, 5]))]

    def people(self, kind: str, id_: str) -> list[Body]:
        """Nobody, or up to three."""
        return list(self.users[: self._draw(kind, id_) % 4])

    def properties(self, id_: str) -> dict[str, Any]:
        """None for most; an object or a text for one issue in three."""
        number = self._draw("property", id_) % 6
        found = {"app.checklist": {"items": [{"done": False, "n": number}]}, "app.note": "a/b"}
        return {name: found[name] for name in list(found)[:number]} if number < 3 else {}

    def _remote_link(self, chance: Random, issue: Issue, index: int) -> Body:
        number = int(issue.id) * 10 + index
        target = f"https://wiki.example.com/pages/{number}"
        return {
            "id": number,
            "self": f"{BASE}/rest/api/2/issue/{issue.key}/remotelink/{number}",
            "globalId": f"appId={number % 9}&pageId={number}",
            "application": {"type": "com.atlassian.confluence", "name": "Wiki"},
            "relationship": "mentioned in",
            "object": {
                "url": target,
                "title": texts.sentence(chance),
                "icon": {"url16x16": "https://wiki.example.com/favicon.ico"},
                "status": {"icon": {}},
            },
        }

    def _draw(self, kind: str, what: str) -> int:
        return zlib.crc32(f"{self.seed}/{kind}/{what}".encode())

    def _worklogs(self, id_: str, moments: tuple[int, int]) -> list[Body]:
        total = self.count("worklog", id_)
        chance = seeded(self.seed, "worklogs", id_)
        first = int(id_) * _WORKLOG_IDS
        found = []
        for i, at in enumerate(_moments(chance, moments, total)):
            log = self._entry(chance, f"{id_}/worklog", first + i, at)
            log["comment"] = log.pop("body")
            log |= {"started": log["created"], "timeSpent": "1h", "timeSpentSeconds": 3600}
            found.append({**log, "issueId": id_})
        return found

    def _entry(self, chance: Random, path: str, number: int, at_ms: int) -> Body:
        author, at = chance.choice(self.users), times.render(at_ms)
        return {
            "self": f"{BASE}/rest/api/2/issue/{path}/{number}",
            "id": str(number),
            "author": author,
            "body": texts.paragraph(chance, 2),
            "updateAuthor": author,
            "created": at,
            "updated": at,
        }


def _moments(chance: Random, between: tuple[int, int], count: int) -> list[int]:
    return sorted(chance.randrange(between[0], between[1] + 1) for _ in range(count))


def _change(chance: Random) -> Body:
    """One item of a history. Data Center names the field but not its id; values are texts or null, never numbers."""
    old, new = (chance.choice(reference.STATUSES) for _ in range(2))
    shapes: tuple[tuple[str, str | None, str | None, str | None, str | None], ...] = (
        ("status", old["id"], old["name"], new["id"], new["name"]),
        ("summary", None, texts.word(chance), None, texts.word(chance)),
        ("labels", None, "", None, texts.word(chance)),
        ("Link", None, None, "OPS-1", "This issue is blocked by OPS-1"),
    )
    name, was, was_shown, becomes, shown = chance.choice(shapes)
    ends = {"from": was, "fromString": was_shown, "to": becomes, "toString": shown}
    return {"field": name, "fieldtype": "jira", **ends}


def _history_of(issue: Issue, index: int, edit: Edit) -> Body:
    """The history of one edit in the sandbox, by an author that Jira no longer knows."""
    items = []
    for name, (old, new) in edit.changes.items():
        was, was_shown = _shown(old)
        becomes, shown = _shown(new)
        ends = {"from": was, "fromString": was_shown, "to": becomes, "toString": shown}
        items.append({"field": name, "fieldtype": "jira", **ends})
    number = int(issue.id) * _HISTORY_IDS + 5000 + index
    return {"id": str(number), "created": times.render(edit.at_ms), "items": items}


def _shown(value: Any) -> tuple[str | None, str | None]:
    """An id and a text, as histories show a value."""
    if isinstance(value, dict):
        return value.get("id"), value.get("name")
    return None, value if value is None else str(value)
