"""What happens in each hour of a soak: edits, broken answers, full or absent storage, kills. Drawn from a seed, decided before the hour begins."""

from __future__ import annotations

import signal
from collections.abc import Mapping  # noqa: TC003 - a field of a dataclass that tests look into
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from sandbox import Order, Step
from sandbox.rng import seeded
from target.faulty_s3 import Fault as StoreFault

if TYPE_CHECKING:
    from random import Random

    from target.faulty_s3 import Kind

Victim = Literal["tap", "target"]

DAY: Final = 24
"""Hours between two days' ends, at which nothing is broken and the lake is compared with Jira."""

PASSING: Final = (
    *("rate-limit-html", "unavailable", "gateway-timeout", "service-message", "internal-error"),
    *("cut-connection", "cut-body", "truncated-body", "slow-first-byte"),
)
"""Answers of Jira that a run outlives, by their names in `sandbox.shapes`."""

ENDING: Final = ("login-page", "unauthorised", "redirect")
"""Answers that may end a run, with an error and without harm."""

_LIFE: Final[Mapping[Literal["edit", "bulk", "move", "delete", "create"], float]] = {
    "edit": 12,
    "create": 2,
    "move": 1,
    "delete": 1,
}
_SECONDS_OF_HOUR: Final = 3600
_EDITS_A_SECOND: Final = 0.004
_LAST_KILL: Final = 4.0
_VICTIMS: Final[tuple[Victim, ...]] = ("tap", "target")


@dataclass(frozen=True)
class JiraFault:
    """The answer by this name, `count` times, after `skip` requests; `ends` tells whether a run may fail of it."""

    shape: str
    skip: int
    count: int
    ends: bool


@dataclass(frozen=True)
class Kill:
    """A signal to one of the two, so many seconds after the start; a run that has ended by then gets none."""

    victim: Victim
    signal: signal.Signals
    after: float


@dataclass(frozen=True)
class Hour:
    """One hour.

    Attributes:
        seconds: how far the Jira's clock goes on before the run.
        life: what people do while it runs.
        logged: issues to which work is added before it; every other time without a trace in the issue.
        store: what becomes of requests to S3: by their kind, and their number of that kind within the hour.
        store_ends: whether a run may fail of that.
    """

    number: int
    seconds: int
    life: Order
    logged: int
    jira: tuple[JiraFault, ...]
    store: Mapping[tuple[Kind, int], StoreFault]
    store_ends: bool
    kill: Kill | None

    @property
    def is_quiet(self) -> bool:
        """Whether this is the last hour of a day, in which nobody edits and nothing breaks."""
        return self.number % DAY == 0

    @property
    def may_fail(self) -> bool:
        """Whether a run of this hour may end with an error."""
        return self.store_ends or self.kill is not None or any(each.ends for each in self.jira)


def forecast(seed: int, number: int) -> Hour:
    """Return an hour, counted from 1; the same for the same seed and number."""
    chance = seeded(seed, "weather", str(number))
    seconds = chance.randint(1, 2 * _SECONDS_OF_HOUR)
    if number % DAY == 0:
        return Hour(number, seconds, Order(), 0, (), {}, store_ends=False, kill=None)
    store, store_ends = _store(chance)
    return Hour(
        number,
        seconds,
        _life(chance),
        chance.randint(0, 3),
        _jira(chance),
        store,
        store_ends,
        _kill(chance),
    )


def _life(chance: Random) -> Order:
    bulk = Step("bulk", before_request=chance.randint(5, 40), count=chance.randint(20, 200))
    return Order(
        steps=(bulk,) if chance.random() < 0.25 else (),
        per_request=chance.choice((0, 0.1, 0.5)),
        per_second=_EDITS_A_SECOND,
        mix=dict(_LIFE),
        seed=chance.randrange(1 << 30),
    )


def _jira(chance: Random) -> tuple[JiraFault, ...]:
    found = []
    for _ in range(chance.choice((0, 0, 1, 1, 2, 3))):
        ends = chance.random() < 0.06
        shape = chance.choice(ENDING if ends else PASSING)
        found.append(JiraFault(shape, chance.randint(0, 30), chance.randint(1, 2), ends))
    return tuple(found)


def _store(chance: Random) -> tuple[dict[tuple[Kind, int], StoreFault], bool]:
    kind = chance.choice(("", "", "", "busy", "broken", "cut", "lose", "denied"))
    first = chance.randint(1, 3)
    if kind == "denied":
        refused = StoreFault("refuse", 403, "AccessDenied")
        return {("put", number): refused for number in range(first, 1000)}, True
    some: dict[str, StoreFault] = {
        "busy": StoreFault("refuse", 503, "SlowDown"),
        "broken": StoreFault("refuse", 500, "InternalError"),
        "cut": StoreFault("cut"),
        "lose": StoreFault("lose"),
    }
    if not kind:
        return {}, False
    return {("put", first): some[kind], ("put", first + 1): some[kind]}, False


def _kill(chance: Random) -> Kill | None:
    if chance.random() < 0.6:
        return None
    victim: Victim = chance.choice(_VICTIMS)
    by = chance.choice((signal.SIGKILL, signal.SIGKILL, signal.SIGTERM))
    return Kill(victim, by, chance.uniform(0.3, _LAST_KILL))
