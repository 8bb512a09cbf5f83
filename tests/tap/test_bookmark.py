"""What a run leaves for the next one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_jira_oauth.bookmark import Bookmark
from tap_jira_oauth.errors import ConfigurationError


@given(st.integers(0, 2**42), st.dictionaries(st.text("0123456789", min_size=1), st.integers(0)))
def test_a_bookmark_survives_the_state_file(updated: int, seen: dict[str, int]) -> None:
    """To the millisecond, with its boundary, and beside keys that it does not know."""
    state: dict[str, Any] = {"context": {"project_id": "1"}, "another": [1]}
    Bookmark(updated, seen).write(state, "ABC")
    assert Bookmark.from_state(state) == Bookmark(updated, seen)
    assert state["another"] == [1]
    assert state["project_key"] == "ABC"


def test_the_state_of_another_tap_is_taken_over() -> None:
    """A plain replication key value is a bookmark without a boundary."""
    state = {"replication_key_value": "2026-01-01T00:00:00+00:00"}
    assert Bookmark.from_state(state) == Bookmark(1_767_225_600_000)
    assert Bookmark.from_state({}) is None


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"replication_key_value": "yesterday"}, "unreadable"),
        ({"replication_key_value": 5}, "unreadable"),
        ({"replication_key_value": "2026-01-01T00:00:00Z", "seen": ["1"]}, "unreadable"),
        ({"replication_key_value": "2026-01-01T00:00:00Z", "seen": {"1": "x"}}, "unreadable"),
        ({"replication_key_value": "2026-01-01T00:00:00Z", "state_version": 9}, "newer version"),
    ],
)
def test_an_unreadable_state_is_refused_not_ignored(state: dict[str, Any], said: str) -> None:
    """To ignore it would load everything again, or skip what nobody read."""
    with pytest.raises(ConfigurationError, match=said):
        Bookmark.from_state(state)
