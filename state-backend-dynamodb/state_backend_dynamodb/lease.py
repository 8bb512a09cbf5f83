"""When a lock may be taken, and when to stop waiting for it. Pure.

A holder counts up its `beat` in the table as long as it lives. A waiter trusts no other machine's
clock: it takes a lock over after it has seen the same beat for a whole lease by its own clock.
This is how lock clients for DynamoDB judge in general; a wall clock in the record would let two
machines whose clocks differ hold one lock at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

BEATS_PER_LEASE = 3
"""How often a holder renews within its lease: two renewals may fail."""


@dataclass(frozen=True)
class LockRecord:
    """What the table says of a lock that somebody has."""

    owner: str
    """Another one for each time that it is taken."""
    beat: int
    lease_seconds: float
    """Of the holder, who may have other settings than the waiter."""
    holder: str
    """Who that is, for people."""
    since: str
    """When it was taken (RFC 3339) by the holder's clock, for people."""


class Step(Enum):
    """What a waiter does next."""

    TAKE = auto()
    TAKE_OVER = auto()
    WAIT = auto()
    GIVE_UP = auto()


class Watch:
    """What one waiter has seen of one lock. Times are seconds of the waiter's monotonic clock."""

    def __init__(self, patience: float, now: float) -> None:
        """Begin to wait; a holder that is alive is waited for `patience` seconds."""
        self._give_up_at = now + patience
        self._record: LockRecord | None = None
        self._unchanged_since = now
        self._alive = False

    def step(self, record: LockRecord | None, asked: float, answered: float) -> Step:
        """Decide by a record that was asked for and answered at these times.

        What is read is as old as the question or younger, and as young as the answer or older: so
        a beat counts as first seen when the answer was there, and as seen again when it was asked
        for.
        """
        if record is None:
            return Step.TAKE
        if self._record is None or _mark(record) != _mark(self._record):
            self._alive = self._record is not None
            self._record = record
            self._unchanged_since = answered
        elif asked - self._unchanged_since >= record.lease_seconds:
            return Step.TAKE_OVER
        if self._alive and answered >= self._give_up_at:
            return Step.GIVE_UP
        return Step.WAIT

    def pause(self, retry: float, now: float) -> float:
        """Return how long to sleep before the next look: `retry`, or less if something is due."""
        due = self._give_up_at if self._alive else float("inf")
        if self._record is not None:
            due = min(due, self._unchanged_since + self._record.lease_seconds)
        return min(retry, max(due - now, 0.0))


def _mark(record: LockRecord) -> tuple[str, int]:
    return record.owner, record.beat
