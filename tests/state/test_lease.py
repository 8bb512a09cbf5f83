"""When a lock may be taken: no table, no clock but numbers."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from state_backend_dynamodb.lease import BEATS_PER_LEASE, LockRecord, Step, Watch

pytestmark = pytest.mark.any_version

RECORD = LockRecord("one", 0, 30, "process 1 on a machine", "2026-01-01T00:00:00Z")
LIVING = st.floats(0.01, RECORD.lease_seconds / BEATS_PER_LEASE)
OFFSETS = st.floats(-1e9, 1e9)


@given(
    renewals=st.lists(LIVING, min_size=1, max_size=40),
    looks=st.lists(
        st.tuples(st.floats(0, 40), st.floats(0, 60), st.floats(0, 60)), min_size=1, max_size=10
    ),
    offset=OFFSETS,
)
def test_a_holder_that_renews_is_never_taken_over(
    renewals: list[float], looks: list[tuple[float, float, float]], offset: float
) -> None:
    """Whatever the waiter's clock says, however seldom it looks, however slow questions and answers are."""
    watch = Watch(patience=0, now=offset)
    beats = [sum(renewals[:count]) for count in range(len(renewals) + 1)]
    now = 0.0
    for pause, there, back in looks:
        asked, looked, answered = now + pause, now + pause + there, now + pause + there + back
        if looked > beats[-1]:
            break
        record = replace(RECORD, beat=sum(moment <= looked for moment in beats))
        assert watch.step(record, offset + asked, offset + answered) is not Step.TAKE_OVER
        now = answered


def test_a_slow_answer_does_not_make_a_holder_look_dead() -> None:
    """What was long on its way was seen when it was asked for, at the latest."""
    watch = Watch(patience=0, now=0)
    assert watch.step(RECORD, 0, 0) is Step.WAIT
    assert watch.step(RECORD, 1, 40) is Step.WAIT
    late = Watch(patience=0, now=0)
    assert late.step(RECORD, 0, 40) is Step.WAIT
    assert late.step(RECORD, 41, 41) is Step.WAIT


@given(offset=OFFSETS, patience=st.floats(0, 100), look=st.floats(0.5, 5))
def test_a_dead_holder_is_taken_over_after_its_lease(
    offset: float, patience: float, look: float
) -> None:
    """Not before, and not much later, also by a waiter with little patience."""
    watch = Watch(patience, now=offset)
    now = offset
    while (step := watch.step(RECORD, now, now)) is Step.WAIT:
        now += max(watch.pause(look, now), 1e-3)
    assert step is Step.TAKE_OVER
    assert 30 - 1e-6 <= now - offset <= 30 + 2e-3


@given(patience=st.floats(0, 100), offset=OFFSETS)
def test_a_living_holder_is_waited_for_as_long_as_patience_lasts(
    patience: float, offset: float
) -> None:
    """Then the waiter gives up, at the first renewal that it sees or right after its patience."""
    watch = Watch(patience, now=offset)
    elapsed = 0.0
    step = Step.WAIT
    while step is Step.WAIT:
        beat = int(elapsed // 10)
        step = watch.step(replace(RECORD, beat=beat), offset + elapsed, offset + elapsed)
        elapsed += 1
    assert step is Step.GIVE_UP
    assert max(patience, 10) <= elapsed - 1 + 1e-6 <= max(patience, 10) + 2


def test_a_free_lock_is_taken() -> None:
    """At once, also after somebody else had it."""
    watch = Watch(10, now=0)
    assert watch.step(RECORD, 0, 0) is Step.WAIT
    assert watch.step(None, 1, 1) is Step.TAKE


def test_a_new_holder_has_a_lease_of_its_own() -> None:
    """What was seen of the one before does not count."""
    watch = Watch(100, now=0)
    watch.step(RECORD, 0, 0)
    assert watch.step(replace(RECORD, owner="two"), 29, 29) is Step.WAIT
    assert watch.step(replace(RECORD, owner="two"), 58, 58) is Step.WAIT
    assert watch.step(replace(RECORD, owner="two"), 60, 60) is Step.TAKE_OVER
