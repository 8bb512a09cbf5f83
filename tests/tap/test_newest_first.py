"""A list that comes newest first is read oldest first, and moves are noticed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_jira_oauth.errors import AnswerError
from tap_jira_oauth.newest_first import Part, oldest_first

pytestmark = pytest.mark.any_version


@given(
    count=st.integers(0, 30),
    size=st.integers(2, 4),
    changes=st.lists(st.sampled_from(["none", "both", "new", "old"]), max_size=12),
)
def test_each_row_comes_once_in_order_or_the_move_is_told(
    count: int, size: int, changes: list[str]
) -> None:
    """Whatever is put in front, and whichever old row is dropped, before each question."""
    rows = [{"n": n} for n in range(count, 0, -1)]
    there = {row["n"] for row in rows}

    def ask(offset: int) -> Part:
        change = changes.pop(0) if changes and offset else "none"
        if change in {"new", "both"}:
            rows.insert(0, {"n": max((row["n"] for row in rows), default=0) + 1})
        if change in {"old", "both"} and rows:
            there.discard(rows.pop()["n"])
        return Part(rows[offset : offset + size], len(rows))

    found: list[dict[str, Any]] = []
    moved = False
    for page in oldest_first(ask):
        assert not moved
        moved = page is None
        found += page or []
    numbers = [row["n"] for row in found]
    assert numbers == sorted(set(numbers))
    if moved:
        # What was yielded is all that is older than its newest row.
        assert there & set(range(max(numbers, default=0) + 1)) <= set(numbers)
    else:
        assert there <= set(numbers)


def test_rows_that_move_behind_an_equal_total_are_noticed() -> None:
    """One came in front and the oldest went, while the second of the older pages was asked for."""
    rows = [{"n": n} for n in range(8, 0, -1)]

    def ask(offset: int) -> Part:
        if offset == 3:
            rows.insert(0, {"n": 9})
            rows.pop()
        return Part(rows[offset : offset + 3], len(rows))

    assert list(oldest_first(ask)) == [[{"n": n} for n in (1, 2, 3)], None]


def test_one_row_at_a_time_is_too_few() -> None:
    """Nothing would tell whether rows have moved."""
    with pytest.raises(AnswerError, match="there are 3 entries, and lists 1"):
        next(oldest_first(lambda offset: Part([{"n": offset}], 3)))
