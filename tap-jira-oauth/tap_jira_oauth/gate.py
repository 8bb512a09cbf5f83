"""The gate that every request passes: how many may be under way, and when all of them must wait.

One request that is told to slow down slows all of them: they wait for the same moment, and after
it one goes first. Each good answer then doubles how many may be under way, so that a server that
has just recovered is not met by all at once.
"""

from __future__ import annotations

import random
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_LOOK_AGAIN = 0.1
"""Seconds between two looks for a signal, or for a place while all are taken."""


class Patience(Protocol):
    """Waits, and may be interrupted: returns True when the run is to stop."""

    def __call__(self, seconds: float, /) -> bool | None:
        """Wait for so many seconds."""


class StopRequestedError(Exception):
    """A signal asked the run to stop while it waited. Not an error: nothing went wrong."""


class Stop:
    """Asked for by a signal, waited for by threads; takes no lock, unlike `threading.Event`.

    A signal's handler runs in the main thread between any two of its steps. If those were within
    an event's own lock, setting the event would wait for that lock for ever.
    """

    def __init__(self) -> None:
        """Nobody has asked yet."""
        self.asked = False

    def ask(self) -> None:
        """Ask the run to stop."""
        self.asked = True

    def wait(self, seconds: float) -> bool:
        """Wait for so many seconds, or until somebody asks; tell whether somebody did."""
        end = time.monotonic() + seconds
        while not self.asked and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, _LOOK_AGAIN))
        return self.asked


@dataclass(frozen=True)
class Timing:
    """The clock, the waiting and the dice, as parameters so that tests need no real time."""

    clock: Callable[[], float] = time.monotonic
    wait: Patience = threading.Event().wait
    dice: Callable[[], float] = random.random


class Gate:
    """Lets up to `width` requests through at a time, and none before the end of a pause."""

    def __init__(self, timing: Timing, width: int) -> None:
        """Open it."""
        self._timing = timing
        self._width = self._allowed = width
        self._inside = 0
        self._closed_until = timing.clock()
        self._changed = threading.Condition()

    @contextmanager
    def passage(self) -> Iterator[None]:
        """Hold a place for one request; wait for it first.

        Raises:
            StopRequestedError: the run was asked to stop while it waited.
        """
        self._enter()
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify()

    def close(self, seconds: float) -> None:
        """Let nobody through for so long, and only one request at a time after that."""
        with self._changed:
            self._closed_until = max(self._closed_until, self._timing.clock() + seconds)
            self._allowed = 1

    def narrow(self) -> None:
        """Let only one request through at a time, until answers are good again."""
        with self._changed:
            self._allowed = 1

    def answered(self) -> None:
        """Note a good answer: twice as many requests may be under way from now on.

        One that comes during a pause was asked for before it, and says nothing about what follows.
        """
        if self._allowed < self._width and self._timing.clock() >= self._closed_until:
            with self._changed:
                self._allowed = min(self._width, 2 * self._allowed)
                self._changed.notify_all()

    def _enter(self) -> None:
        while True:
            left = self._closed_until - self._timing.clock()
            if left > 0:
                if self._timing.wait(left):
                    raise StopRequestedError
                continue
            with self._changed:
                if self._inside < self._allowed:
                    self._inside += 1
                    return
                self._changed.wait(_LOOK_AGAIN)
            if self._timing.wait(0):
                raise StopRequestedError
