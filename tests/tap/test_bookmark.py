"""What a run leaves for the next one."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_jira_oauth.bookmark import Bookmark, take_over
from tap_jira_oauth.errors import ConfigurationError

pytestmark = pytest.mark.any_version


@given(st.integers(0, 2**42), st.dictionaries(st.text("0123456789", min_size=1), st.integers(0)))
def test_a_bookmark_survives_the_state_file(updated: int, seen: dict[str, int]) -> None:
    """To the millisecond, with its boundary, and beside keys that it does not know."""
    state: dict[str, Any] = {"context": {"project_id": "1"}, "another": [1]}
    Bookmark(updated, seen).write(state, "ABC")
    assert Bookmark.from_state(state) == Bookmark(updated, seen)
    assert state["another"] == [1]
    assert state["project_key"] == "ABC"


def test_a_bookmark_of_another_tap_has_no_boundary() -> None:
    """A plain replication key value is a bookmark, in any offset; no value is none."""
    state = {"replication_key_value": "2026-01-01T01:00:00+01:00"}
    assert Bookmark.from_state(state) == Bookmark(1_767_225_600_000)
    assert Bookmark.from_state({}) is None


OLD = "2026-01-01T00:00:00.000-0500"
NEWER = "2026-02-01T00:00:00Z"


@pytest.mark.parametrize(
    ("state", "begin", "left"),
    [
        ({}, {}, {}),
        (
            {"replication_key": "updated", "replication_key_value": OLD},
            {"1": OLD, "2": OLD},
            {},
        ),
        (
            {"updated": OLD, "offset": {"page_num": 150}, "x": 1},
            {"1": OLD, "2": OLD},
            {"x": 1},
        ),
        ({"updated": {}, "offset": {"page_num": 50}}, {}, None),
        ({"progress_markers": {"replication_key_value": OLD}}, {}, None),
        (
            {
                "partitions": [
                    {"context": {"project_key": "ABC"}, "replication_key_value": OLD},
                    {"context": {"project_key": "ELSE"}, "replication_key_value": OLD},
                    {"context": {"project_id": "2"}, "replication_key_value": NEWER},
                ]
            },
            {"1": OLD},
            {
                "partitions": [
                    {"context": {"project_key": "ELSE"}, "replication_key_value": OLD},
                    {"context": {"project_id": "2"}, "replication_key_value": NEWER},
                ]
            },
        ),
        (
            {
                "replication_key_value": OLD,
                "partitions": [{"context": {"project_key": "ABC"}, "replication_key_value": NEWER}],
            },
            {"1": NEWER, "2": OLD},
            {"partitions": []},
        ),
    ],
)
def test_the_state_of_another_tap_is_taken_over(
    state: dict[str, Any], begin: dict[str, str], left: dict[str, Any] | None
) -> None:
    """For all projects or by project; what it does not know stays, an offset is no position."""
    given = copy.deepcopy(state)
    assert take_over(given, {"1": "ABC", "2": "DEF"}) == begin
    assert given == (state if left is None else left)


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"updated": "yesterday"}, "unreadable"),
        ({"updated": 17}, "unreadable"),
        ({"partitions": [{"context": {"board": 5}}]}, "names no project"),
        (
            {"partitions": [{"context": {"project_key": "ABC"}, "replication_key_value": "x"}]},
            "unreadable",
        ),
    ],
)
def test_an_unreadable_state_of_another_tap_is_refused(state: dict[str, Any], said: str) -> None:
    """It is neither ignored nor guessed."""
    with pytest.raises(ConfigurationError, match=said):
        take_over(state, {"1": "ABC"})


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
