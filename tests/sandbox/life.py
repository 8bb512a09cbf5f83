"""People at work: seeded edits, moves and deletions, each later than the version before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox import generator, texts
from sandbox.rng import seeded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox.clock import Clock
    from sandbox.corpus import Corpus
    from sandbox.issue import Issue


@dataclass(frozen=True)
class Life:
    """Changes a corpus at the sandbox's clock."""

    corpus: Corpus
    clock: Clock

    def edit(self, count: int = 1, keys: Sequence[str] | None = None, seed: int = 0) -> list[str]:
        """Edit the issues of `keys`, or `count` issues chosen by `seed`; returns the keys edited.

        Every edited issue gets a new summary and status, and an `updated` of now, in milliseconds, that is strictly
        later than its last one. LookupError when a key is unknown.
        """
        snapshot = self.corpus.snapshot()
        chance = seeded(seed, "edit", snapshot.version)
        if keys is None:
            chosen = chance.sample(snapshot.issues, min(count, len(snapshot.issues)))
        else:
            chosen = [self._issue(key) for key in keys]

        def edited(issue: Issue) -> Issue:
            status = generator.status(chance.choice(generator.status_names()))
            return issue.changed(self._next(issue), summary=texts.sentence(chance), status=status)

        changed = set(self.corpus.change([issue.id for issue in chosen], edited))
        return [issue.key for issue in chosen if issue.id in changed]

    def move(self, key: str, project_key: str) -> str:
        """Move an issue to another project; returns its new key. The old key still finds it. LookupError as `edit`."""
        issue = self._issue(key)
        home = self.corpus.project(project_key)
        new_key = self.corpus.next_key(home)
        self.corpus.change([issue.id], lambda old: old.moved(home, new_key, self._next(old)))
        return new_key

    def delete(self, key: str) -> None:
        """Delete an issue: no later answer shows it. LookupError when the key is unknown."""
        self.corpus.change([self._issue(key).id], lambda _old: None)

    def _issue(self, key: str) -> Issue:
        issue = self.corpus.snapshot().by_key.get(key)
        if issue is None:
            raise LookupError(f"the sandbox has no issue {key!r}")
        return issue

    def _next(self, issue: Issue) -> int:
        return max(self.clock.now_ms(), issue.updated_ms + 1)
