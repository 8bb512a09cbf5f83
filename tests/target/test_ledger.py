"""The ledger: no STATE before its records are durable, and every STATE in the end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from target_s3_jsonl.ledger import Ledger

pytestmark = pytest.mark.any_version


@given(st.lists(st.one_of(st.just("open"), st.just("state"), st.integers(0, 50)), max_size=80))
def test_a_state_is_printed_as_soon_as_and_not_before_all_it_covers_is_durable(
    events: list[str | int],
) -> None:
    """Under any interleaving of objects and STATEs the newest covered STATE is printed at once, and none before."""
    ledger = Ledger()
    held: set[int] = set()
    waits: list[set[int]] = []
    opened = 0
    printed = -1

    def seen(value: bytes | None) -> None:
        nonlocal printed
        covered = [number for number, tickets in enumerate(waits) if not tickets & held]
        if value is not None:
            assert int(value) > printed
            assert not waits[int(value)] & held
            printed = int(value)
        assert printed == max(covered, default=-1)

    for event in [*events, *[0] * len(events)]:
        if event == "open":
            opened += 1
            held.add(opened)
            ledger.hold(opened)
        elif event == "state":
            waits.append(set(held))
            seen(ledger.state(b"%d" % (len(waits) - 1)))
        elif held:
            ticket = sorted(held)[int(event) % len(held)]
            held.remove(ticket)
            seen(ledger.release(ticket))
    assert printed == len(waits) - 1


def test_a_state_that_repeats_the_printed_one_is_not_printed_again() -> None:
    """An idle tap's identical STATEs make one line."""
    ledger = Ledger()
    assert [ledger.state(b"1"), ledger.state(b"1"), ledger.state(b"2"), ledger.state(b"1")] == [
        b"1",
        None,
        b"2",
        b"1",
    ]


def test_the_ledger_keeps_no_more_states_than_there_are_open_objects() -> None:
    """A hundred thousand STATEs beside one slow object do not fill the memory."""
    ledger = Ledger()
    ledger.hold(0)
    for ticket in range(1, 1000):
        ledger.hold(ticket)
        for number in range(10):
            ledger.state(b"%d %d" % (ticket, number))
        ledger.release(ticket)
    assert len(ledger._waiting) == 1  # noqa: SLF001 - what is kept is not visible otherwise
    assert ledger.release(0) == b"999 9"


def test_a_ticket_is_released_once() -> None:
    """A ticket that is not held, or not new, is a programming error and says so."""
    ledger = Ledger()
    ledger.hold(1)
    with pytest.raises(ValueError, match="not newer"):
        ledger.hold(1)
    ledger.release(1)
    with pytest.raises(ValueError, match="not held"):
        ledger.release(1)
