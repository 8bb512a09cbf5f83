"""The gate: one pause for all, one request first, and more again with each good answer."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import pytest

from tap_jira_oauth.gate import Gate, StopRequestedError, Timing

pytestmark = pytest.mark.any_version


@dataclass
class Time:
    """A clock that only waiting moves."""

    now: float = 0.0
    waits: list[float] = field(default_factory=list)
    stop: bool = False

    def wait(self, seconds: float) -> bool:
        """Let the time pass at once."""
        self.waits.append(seconds)
        self.now += seconds
        return self.stop


def gate(time: Time, width: int) -> Gate:
    """Make a gate that needs no real time."""
    return Gate(Timing(clock=lambda: time.now, wait=time.wait), width)


def most_at_once(there: Gate, answers: int = 0) -> int:
    """Return how many of ten requests get through before any of them leaves."""
    for _ in range(answers):
        there.answered()
    leave = threading.Event()
    inside: list[int] = []
    enough = threading.Event()

    def request() -> None:
        with there.passage():
            inside.append(1)
            leave.wait(10)

    crowd = [threading.Thread(target=request, daemon=True) for _ in range(10)]
    for each in crowd:
        each.start()
    enough.wait(0.2)
    most = len(inside)
    leave.set()
    for each in crowd:
        each.join()
    return most


def test_no_more_requests_than_its_width_are_under_way() -> None:
    """The rest waits, and gets through after them."""
    assert most_at_once(gate(Time(), 4)) == 4


def test_a_pause_is_one_for_all_and_ends_with_a_single_request() -> None:
    """Nobody passes before its end; each good answer doubles how many may."""
    time = Time()
    there = gate(time, 8)
    there.close(30)
    there.close(10)
    with there.passage():
        assert time.now == 30
    assert most_at_once(there) == 1
    assert most_at_once(there, answers=1) == 2
    assert most_at_once(there, answers=1) == 4
    assert most_at_once(there, answers=5) == 8


def test_answers_to_earlier_questions_do_not_open_a_closed_gate() -> None:
    """What was under way when the pause began says nothing about the time after it."""
    there = gate(Time(), 8)
    there.close(30)
    assert most_at_once(there, answers=5) == 1


def test_a_signal_ends_the_waiting() -> None:
    """At once, both in a pause and for a place."""
    time = Time(stop=True)
    there = gate(time, 1)
    there.close(900)
    with pytest.raises(StopRequestedError), there.passage():
        pass
    with there.passage(), pytest.raises(StopRequestedError), there.passage():
        pass
