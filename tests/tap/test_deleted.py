"""What became of issues that a census does not have any more, and the ids in the state."""

from __future__ import annotations

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_jira_oauth.census import Counted
from tap_jira_oauth.census_ids import packed, unpacked
from tap_jira_oauth.deleted import (
    LARGEST,
    Place,
    Remembered,
    Unseen,
    missing,
    outcome,
    refuse_too_large,
    remember,
    too_many,
)
from tap_jira_oauth.errors import ConfigurationError

IDS = st.sets(st.integers(0, 2**62), max_size=50)
HOMES = st.dictionaries(st.integers(0, 30), st.sampled_from("ABC"))


@given(IDS)
def test_ids_survive_the_state(ids: set[int]) -> None:
    """In ascending order, whatever theirs was."""
    assert list(unpacked(packed(sorted(ids, reverse=True)), len(ids))) == sorted(ids)


def test_ids_of_a_million_issues_are_a_small_text() -> None:
    """Less than a quarter of a byte for each where one project has them all."""
    text = packed(id_ for id_ in range(10_000, 1_010_000) if id_ % 9)
    assert len(text) < 250_000


def test_a_census_survives_the_state() -> None:
    """And keeps what somebody else has put there."""
    state = {"context": {"project_id": "1"}, "extra": 1}
    remember(state, "A", 1_767_322_984_678, [3, 2, 3])
    assert state["extra"] == 1
    assert state["issues"] == 2
    found = Remembered.from_state(state)
    assert found == Remembered("1", "A", 1_767_322_984_678, array("q", [2, 3]))
    assert Remembered.from_state({"context": {"project_id": "1"}}) is None


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("ids", "?", "unreadable"),
        ("ids", 7, "unreadable"),
        ("issues", 3, "unreadable"),
        ("taken_at", None, "unreadable"),
        ("project_key", None, "unreadable"),
        ("state_version", 2, "newer version"),
        ("state_version", "x", "newer version"),
    ],
)
def test_a_state_that_cannot_be_read_is_refused(name: str, value: object, said: str) -> None:
    """To begin anew in silence would miss what was deleted."""
    state: dict[str, object] = {"context": {"project_id": "1"}}
    remember(state, "A", 0, [2, 3])
    state[name] = value
    with pytest.raises(ConfigurationError, match=said):
        Remembered.from_state(state)


def test_a_census_that_is_too_large_for_a_state_is_refused() -> None:
    """With the other way to compare."""
    refuse_too_large(LARGEST)
    with pytest.raises(ConfigurationError, match="compare issue_census in SQL"):
        refuse_too_large(LARGEST + 1)


def by_project(homes: dict[int, str]) -> dict[str, array[int]]:
    """The ids of each project."""
    return {name: array("q", [i for i, at in homes.items() if at == name]) for name in "ABC"}


@given(HOMES, HOMES, st.sets(st.sampled_from("ABC")))
def test_missing_is_what_is_in_no_project_any_more(
    before: dict[int, str], after: dict[int, str], read: set[str]
) -> None:
    """An issue that was moved between two projects is not missing; a project that was not read is as an empty one."""
    old = [Remembered(name, name, 0, ids) for name, ids in by_project(before).items()]
    new = [
        Counted(name, name, ids, array("q", ids))
        for name, ids in by_project(after).items()
        if name in read
    ]
    there = {id_ for id_, at in after.items() if at in read}
    assert missing(old, new) == {
        name: sorted(set(ids) - there) for name, ids in by_project(before).items()
    }


@pytest.mark.parametrize(
    ("of", "percent", "most"),
    [(10, 0, 10), (11, 10, 10), (119, 10, 11), (110, 0, 10), (500, 100, 500)],
)
def test_a_share_of_a_project_may_go(of: int, percent: int, most: int) -> None:
    """And a few issues in any case."""
    assert not too_many(most, of, percent)
    assert too_many(most + 1, of, percent)


def test_what_became_of_an_issue() -> None:
    """Only where the project is still to be seen does "nothing there" mean that it was deleted."""
    assert outcome(Place("B-1", "2", "B"), project_visible=False) == "moved"
    assert outcome(Unseen.ABSENT, project_visible=True) == "deleted"
    assert outcome(Unseen.ABSENT, project_visible=False) == "invisible"
    assert outcome(Unseen.HIDDEN, project_visible=True) == "invisible"
