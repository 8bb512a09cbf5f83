"""A lease: one holder at a time, kept in a text whose every write gets the next version.

Parameter Store has no lock, but it numbers the writes of a parameter (PutParameter answers with
`Version`), whoever writes, and still shows earlier versions (GetParameter of `name:version`). So
everybody who sees the lease free or lapsed writes, and those hold it before whose version it was
free; the others, who wrote over a holder's version, wait for it to be given back. The parameter is
never deleted: its versions would begin anew.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FREE = "0"
"""Over since 1970. A lease that is held says its end in epoch seconds."""

POLL_SECONDS = 0.5


class Version(NamedTuple):
    """One state of a numbered text."""

    number: int
    text: str


class NumberedText(Protocol):
    """Where a lease is kept."""

    def read(self, number: int | None = None) -> Version | None:
        """Return a version of it, or the latest; None before the first."""

    def write(self, text: str, *, new: bool) -> int:
        """Write, and return the number of this version; 0 if `new` but somebody was faster."""


class Lease:
    """Held for a block; lapses after `seconds`, so that a killed holder stops nobody for good."""

    def __init__(
        self,
        kept: NumberedText,
        seconds: float,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        """Nothing is asked yet."""
        self._kept = kept
        self._seconds = seconds
        self._clock = clock
        self._sleep = sleep

    @contextmanager
    def held(self) -> Iterator[None]:
        """Wait until nobody else holds it, and hold it."""
        until = self._take()
        try:
            yield
        finally:
            # After its end it may be somebody else's.
            if self._clock() < until:
                self._kept.write(FREE, new=False)

    def _take(self) -> float:
        """Return when it lapses."""
        since, seen = self._clock(), -1
        while True:
            found = self._kept.read()
            number = found.number if found else 0
            if number != seen:
                since, seen = self._clock(), number
            # By the end that the holder wrote, or by our own clock, should the two not agree.
            if self._over(found) or self._clock() >= since + self._seconds:
                until = self._clock() + self._seconds
                mine = self._kept.write(str(until), new=found is None)
                if mine == number + 1 or (mine > 1 and self._over(self._kept.read(mine - 1))):
                    return until
            self._sleep(POLL_SECONDS)

    def _over(self, version: Version | None) -> bool:
        return version is None or self._clock() >= _end(version.text)


def _end(text: str) -> float:
    """Return the end that a holder wrote; what nobody of ours wrote holds nobody off."""
    try:
        return float(text)
    except ValueError:
        return 0.0
