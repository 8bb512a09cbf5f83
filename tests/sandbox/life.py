"""People at work: seeded edits, bulk changes, moves, deletions and creations, each later than the version before it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sandbox import children, generator, texts, times
from sandbox.content import Content
from sandbox.issue import BASE
from sandbox.rng import seeded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from random import Random

    from sandbox.clock import Clock
    from sandbox.corpus import Corpus
    from sandbox.index import Index
    from sandbox.issue import Issue


@dataclass(frozen=True)
class Life:
    """Changes a corpus at the sandbox's clock, and tells the search index of it.

    Attributes:
        now_ms: a moment to use instead of the clock's.
        whole_seconds: for a database that keeps no milliseconds; then a second edit may leave `updated` as it is.
    """

    corpus: Corpus
    clock: Clock
    index: Index
    now_ms: int | None = None
    whole_seconds: bool = False

    def edit(self, count: int = 1, keys: Sequence[str] | None = None, seed: int = 0) -> list[str]:
        """Edit the issues of `keys`, or `count` issues chosen by `seed`; returns the keys edited.

        Every edited issue gets a new summary and status, and an `updated` of now, in milliseconds, that is strictly
        later than its last one. LookupError when a key is unknown.
        """
        chance = self._chance(seed, "edit")
        chosen = self._sample(count, chance) if keys is None else [self._issue(key) for key in keys]
        return self._edit(chosen, chance, self._next)

    def bulk(self, count: int, seed: int = 0) -> list[str]:
        """Edit `count` issues in one moment, as a bulk change does that the database writes at once; returns the keys."""
        chance = self._chance(seed, "bulk")
        chosen = self._sample(count, chance)
        moment = max(map(self._next, chosen), default=self._now())
        return self._edit(chosen, chance, lambda _issue: moment)

    def move(self, key: str, project_key: str) -> str:
        """Move an issue to another project; returns its new key. The old key still finds it. LookupError as `edit`."""
        issue = self._issue(key)
        home = self.corpus.project(project_key)
        new_key = self.corpus.next_key(home)
        self._change([issue.id], lambda old: old.moved(home, new_key, self._next(old)))
        return new_key

    def log_work(self, key: str, worklog: str | None = None, *, silent: bool = False) -> str:
        """Add a worklog to an issue, or edit the one of that id; returns the id.

        A `silent` one leaves the issue's `updated` as it is, as some apps do. LookupError as `edit`; ValueError for an
        issue with more worklogs than Jira embeds.
        """
        issue = self._issue(key)
        held = {body["id"]: body for body in self.corpus.children.worklogs(issue)}
        now = times.render(self._now())
        id_ = worklog or str(int(issue.id) * 100 + 50 + len(held))
        new: dict[str, Any] = {
            "id": id_,
            "issueId": issue.id,
            "created": now,
            "started": now,
            "timeSpent": "1h",
        }
        new |= {"timeSpentSeconds": 3600, "author": None, "updateAuthor": None}
        held[id_] = {**new, **held.get(id_, {}), "comment": f"At {now}.", "updated": now}
        if len(held) > children.WORKLOGS_EMBEDDED:
            raise ValueError(f"{key} has too many worklogs")
        field = {**children.NO_WORKLOGS, "total": len(held), "worklogs": list(held.values())}
        self._change(
            [issue.id],
            lambda old: (
                old.touched(worklog=field)
                if silent
                else old.changed(self._next(old), worklog=field)
            ),
        )
        return id_

    def delete(self, key: str) -> None:
        """Delete an issue: no later answer shows it. LookupError when the key is unknown."""
        self._change([self._issue(key).id], lambda _old: None)

    def create(self, project_key: str, seed: int = 0) -> str:
        """Create an issue, a clone of another without its children; returns its key. LookupError as `edit`."""
        home = self.corpus.project(project_key)
        chance = self._chance(seed, "create")
        like = self._sample(1, chance)[0]
        number, now = self.corpus.next_id(), self._now()
        fields = {
            "project": home.body(),
            "summary": texts.sentence(chance),
            "created": times.render(now),
            "updated": times.render(now),
            "comment": children.NO_COMMENTS,
            "worklog": children.NO_WORKLOGS,
        }
        old = like.fields
        made = replace(
            like,
            id=number,
            key=self.corpus.next_key(home),
            project=home,
            created_ms=now,
            updated_ms=now,
            fields=old.replaced(fields) if isinstance(old, Content) else {**old, **fields},
            url=f"{BASE}/rest/api/2/issue/{number}",
            histories=(),
            edits=(),
        )
        with self.index.changing():
            self.corpus.add(made)
            self.index.changed(made.id, None, made, now)
        return made.key

    def _edit(
        self, chosen: Iterable[Issue], chance: Random, at: Callable[[Issue], int]
    ) -> list[str]:
        def edited(issue: Issue) -> Issue:
            status = generator.status(chance.choice(generator.status_names()))
            return issue.changed(at(issue), summary=texts.sentence(chance), status=status)

        return [issue.key for issue in self._change([issue.id for issue in chosen], edited)]

    def _change(self, ids: Iterable[str], make: Callable[[Issue], Issue | None]) -> list[Issue]:
        """Put the next versions in place; returns the versions before, without issues that were gone already."""
        changes: list[tuple[Issue, Issue | None]] = []

        def noted(old: Issue) -> Issue | None:
            new = make(old)
            changes.append((old, new))
            return new

        with self.index.changing():
            self.corpus.change(ids, noted)
            for old, new in changes:
                self.index.changed(old.id, old, new, self._now())
        return [old for old, _ in changes]

    def chosen(self, count: int, chance: Random) -> list[str]:
        """Keys of issues by chance; LookupError when there is no issue left."""
        return [issue.key for issue in self._sample(count, chance)]

    def _chance(self, seed: int, what: str) -> Random:
        return seeded(seed, what, self.corpus.snapshot().version)

    def _sample(self, count: int, chance: Random) -> list[Issue]:
        issues = self.corpus.snapshot().issues
        if count < 0:
            raise ValueError(f"{count} issues cannot be chosen; the number must be at least 0")
        if not issues:
            raise LookupError("the sandbox has no issue left")
        return chance.sample(issues, min(count, len(issues)))

    def _issue(self, key: str) -> Issue:
        issue = self.corpus.snapshot().by_key.get(key)
        if issue is None:
            raise LookupError(f"the sandbox has no issue {key!r}")
        return issue

    def _now(self) -> int:
        now = self.clock.now_ms() if self.now_ms is None else self.now_ms
        return now - now % 1000 if self.whole_seconds else now

    def _next(self, issue: Issue) -> int:
        return max(self._now(), issue.updated_ms + (not self.whole_seconds))
