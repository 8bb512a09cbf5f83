"""Life by script and by rate: what happens to the issues before which request, seeded, with a log of what was done.

Everything happens when a request comes, before it is answered, and in the order of the requests. So the same seed and the
same requests at the same times make the same log. What falls due between two requests is stamped with its own moment.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from sandbox.rng import seeded

if TYPE_CHECKING:
    from random import Random

    from sandbox.journal import LogEntry
    from sandbox.life import Life

Action = Literal["edit", "bulk", "move", "delete", "create"]
_SEARCHES: Final = "/rest/api/"


class Step(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One thing that happens once.

    Attributes:
        before_request: before the n-th request whose path begins with `path`, counted from 1 and from the start of the
            script: between the requests n-1 and n.
        after_seconds: or before the first request after so many seconds of the sandbox's clock.
        count: how many issues; `keys` names them instead.
        project: where to move or to create; chosen by the seed without it.
    """

    action: Action
    before_request: int | None = None
    after_seconds: float | None = None
    path: str = _SEARCHES
    count: int = 1
    keys: tuple[str, ...] | None = None
    project: str | None = None


class Order(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A whole script: steps, and changes that go on at a rate. An empty one stops what goes on.

    Attributes:
        per_request: changes a request on average; `per_second` a second of the sandbox's clock.
        mix: how often each action comes, relative to the others.
    """

    steps: tuple[Step, ...] = ()
    per_request: float = 0
    per_second: float = 0
    mix: dict[Action, float] = msgspec.field(default_factory=lambda: {"edit": 1.0})
    seed: int = 0

    def __post_init__(self) -> None:
        """ValueError for a step without a time, and for rates and mixes that mean nothing."""
        for step in self.steps:
            if (step.before_request is None) == (step.after_seconds is None):
                raise ValueError("a step needs either before_request or after_seconds")
        if min(self.per_request, self.per_second) < 0 or sum(self.mix.values()) <= 0:
            raise ValueError("rates are at least 0, and the mix needs one action")


@dataclass(frozen=True)
class Deed:
    """What was done: before which request of the log, at which moment, to which issues (by the keys they had)."""

    request: int
    action: Action
    at_ms: int
    keys: tuple[str, ...]

    def body(self) -> dict[str, Any]:
        """The deed as JSON."""
        return {
            "request": self.request,
            "action": self.action,
            "at_ms": self.at_ms,
            "keys": list(self.keys),
        }


@dataclass
class Script:
    """A script at work; call it with the log entry of each request."""

    order: Order
    life: Life
    deeds: list[Deed]
    _seen: list[int] = field(default_factory=list)
    _done: set[int] = field(default_factory=set)
    _owed: float = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        """The script starts now."""
        self._chance = seeded(self.order.seed, "script")
        self._seen = [0] * len(self.order.steps)
        self._start = self._last = self.life.clock.now()

    def __call__(self, entry: LogEntry) -> None:
        """Do what is due before this request."""
        with self._lock:
            now = self.life.clock.now()
            self._by_the_second(entry, now)
            for number, step in enumerate(self.order.steps):
                self._seen[number] += entry.path.startswith(step.path)
                if number not in self._done and self._due(number, step, now):
                    self._done.add(number)
                    self._do(entry, step, now)
            self._by_the_request(entry, now)

    def _due(self, number: int, step: Step, now: float) -> bool:
        if step.after_seconds is not None:
            return now - self._start >= step.after_seconds
        return self._seen[number] == step.before_request

    def _by_the_second(self, entry: LogEntry, now: float) -> None:
        rate = self.order.per_second
        if rate:
            first = int((self._last - self._start) * rate) + 1
            for due in range(first, int((now - self._start) * rate) + 1):
                self._do(entry, self._drawn(), self._start + due / rate)
        self._last = now

    def _by_the_request(self, entry: LogEntry, now: float) -> None:
        if not entry.path.startswith(_SEARCHES):
            return
        self._owed += self.order.per_request * 2 * self._chance.random()
        while self._owed >= 1:
            self._owed -= 1
            self._do(entry, self._drawn(), now)

    def _drawn(self) -> Step:
        names, weights = list(self.order.mix), list(self.order.mix.values())
        return Step(self._chance.choices(names, weights)[0], before_request=0)

    def _do(self, entry: LogEntry, step: Step, now: float) -> None:
        at_ms = int(now * 1000)
        keys = _perform(replace(self.life, now_ms=at_ms), step, self._chance)
        self.deeds.append(Deed(entry.number, step.action, at_ms, tuple(keys)))


def _perform(life: Life, step: Step, chance: Random) -> list[str]:
    """One step; returns the keys that the issues had, of created ones those that they have."""
    seed = chance.randrange(1 << 30)
    projects = [project.key for project in life.corpus.snapshot().projects]
    if step.action == "create":
        return [
            life.create(step.project or chance.choice(projects), seed) for _ in range(step.count)
        ]
    if step.action == "bulk":
        return life.bulk(step.count, seed)
    if step.action == "edit":
        return life.edit(step.count, step.keys, seed)
    keys = list(step.keys or life.chosen(step.count, chance))
    for key in keys:
        if step.action == "delete":
            life.delete(key)
        else:
            elsewhere = [p for p in projects if p != key.rpartition("-")[0]] or projects
            life.move(key, step.project or chance.choice(elsewhere))
    return keys
