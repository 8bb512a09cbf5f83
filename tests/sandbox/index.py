"""The search index of each node: what a search finds lies behind what an issue shows, as in a real cluster.

Every change reaches the index of every node by itself, after a delay drawn for that node and that change. Until then a
search matches and sorts by the older version, and shows the newer one.
"""

from __future__ import annotations

import heapq
import itertools
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sandbox.query import Snapshot
from sandbox.rng import seeded

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from random import Random

    from sandbox.clock import Clock
    from sandbox.corpus import Corpus
    from sandbox.issue import Issue


@dataclass(frozen=True)
class View:
    """What one node knows: `indexed` decides what a search finds and in which order, `stored` what it shows."""

    indexed: Snapshot
    stored: Snapshot

    def shown(self, found: Iterable[Issue]) -> list[Issue]:
        """The present version of each issue; an issue that is gone is left out, so a page may be short."""
        if self.indexed is self.stored:
            return list(found)
        present = self.stored.by_id
        return [present[issue.id] for issue in found if issue.id in present]

    def reconciled(self, ids: Iterable[str]) -> View:
        """The view in which the issues of these ids are indexed as they are stored."""
        issues = {issue.id: issue for issue in self.indexed.issues}
        for id_ in ids:
            present = self.stored.by_id.get(id_)
            if present is not None:
                issues[id_] = present
            else:
                issues.pop(id_, None)
        return View(_snapshot(self.stored, tuple(issues.values())), self.stored)


@dataclass
class NodeIndex:
    """One node's index; `lag` is the shortest and the longest delay of a change, in seconds."""

    lag: tuple[float, float]
    chance: Random
    _behind: dict[str, Issue | None] = field(default_factory=dict)
    _queue: list[tuple[float, int, str, Issue | None]] = field(default_factory=list)
    _newest: dict[str, int] = field(default_factory=dict)
    _applied: dict[str, int] = field(default_factory=dict)
    _kept: tuple[Snapshot, Snapshot] | None = None

    def change(
        self, number: int, id_: str, versions: tuple[Issue | None, Issue | None], at: float
    ) -> None:
        """Take a change, by the versions before and after it, None for none; numbers grow from change to change."""
        old, new = versions
        self._behind.setdefault(id_, old)
        self._newest[id_] = number
        self._kept = None
        heapq.heappush(self._queue, (at + self.chance.uniform(*self.lag), number, id_, new))

    def snapshot(self, stored: Snapshot, now: float) -> Snapshot:
        """The index as of now; the stored snapshot itself where nothing is behind."""
        while self._queue and self._queue[0][0] <= now:
            _, number, id_, new = heapq.heappop(self._queue)
            if number < self._applied.get(id_, 0):
                continue  # a later change of the same issue was quicker
            self._applied[id_] = number
            self._kept = None
            if number == self._newest[id_]:
                del self._behind[id_]
            else:
                self._behind[id_] = new
        if not self._behind:
            return stored
        if self._kept is None or self._kept[0] is not stored:
            self._kept = stored, self._merged(stored)
        return self._kept[1]

    def _merged(self, stored: Snapshot) -> Snapshot:
        deleted = (id_ for id_ in self._behind if id_ not in stored.by_id)
        ids = itertools.chain(stored.by_id, deleted)
        versions = (self._behind[id_] if id_ in self._behind else stored.by_id[id_] for id_ in ids)
        return _snapshot(stored, (issue for issue in versions if issue is not None))


class Index:
    """The indexes of all nodes, in the order of their names."""

    def __init__(self, clock: Clock, nodes: Mapping[str, tuple[float, float]], seed: int) -> None:
        """Nodes by name with the shortest and longest lag of their index in seconds; ValueError for a negative one."""
        if not nodes or any(not 0 <= low <= high for low, high in nodes.values()):
            raise ValueError(f"each node needs a lag of 0 <= shortest <= longest, not {nodes}")
        self._clock = clock
        self.nodes = tuple(nodes)
        self._indexes = {
            name: NodeIndex(lag, seeded(seed, "index", name)) for name, lag in nodes.items()
        }
        self._numbers = itertools.count(1)
        self._lock = threading.RLock()

    def changing(self) -> threading.RLock:
        """Held around a change of the corpus and `changed`, so that no search sees one without the other."""
        return self._lock

    def changed(self, id_: str, old: Issue | None, new: Issue | None, at_ms: int) -> None:
        """Tell every node of a change: the versions before and after it, None where there is none, and its moment."""
        number = next(self._numbers)
        for node in self._indexes.values():
            node.change(number, id_, (old, new), at_ms / 1000)

    def view(self, node: str, corpus: Corpus) -> View:
        """What a node knows now."""
        with self._lock:
            stored = corpus.snapshot()
            return View(self._indexes[node].snapshot(stored, self._clock.now()), stored)


def _snapshot(like: Snapshot, issues: Iterable[Issue]) -> Snapshot:
    return Snapshot(like.version, tuple(issues), like.projects, like.former_keys)
