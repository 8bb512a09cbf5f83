"""Rows of projects and what an edit makes of a state: pure."""

from __future__ import annotations

import copy
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from state_backend_dynamodb.errors import ConfigurationError
from state_backend_dynamodb.projects import (
    Progress,
    Row,
    from_article,
    parse_date,
    progress,
    with_edits,
)

pytestmark = pytest.mark.any_version

KEYS = st.sampled_from(["ABC", "XY", "OPS"])
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2099, 1, 1)).map(  # noqa: DTZ001 - strategies want them naive
    lambda moment: f"{moment.replace(microsecond=0):%Y-%m-%dT%H:%M:%S}.000Z"
)
DATES = st.dictionaries(KEYS, MOMENTS)


def partition(key: str, date: Any) -> dict[str, Any]:
    """Return a bookmark of tap-jira-oauth."""
    return {
        "context": {"project_id": f"id of {key}"},
        "replication_key": "updated",
        "replication_key_value": date,
        "project_key": key,
        "seen": {"1": 2},
    }


def part(**streams: list[Any]) -> dict[str, Any]:
    """Return one part of what Meltano keeps."""
    bookmarks = {stream: {"partitions": partitions} for stream, partitions in streams.items()}
    return {"singer_state": {"bookmarks": bookmarks}}


def document(dates: dict[str, str]) -> dict[str, Any]:
    """Return a completed state."""
    return {"completed": part(issues=[partition(*item) for item in dates.items()]), "partial": {}}


@given(saved=DATES, edits=DATES)
def test_a_project_is_where_the_earlier_of_state_and_edit_is(
    saved: dict[str, str], edits: dict[str, str]
) -> None:
    """And what was handed in stays as it was; a project without a bookmark begins at the edit."""
    before = document(saved)
    untouched = copy.deepcopy(before)
    merged = with_edits(before, [Row(key, date, "another") for key, date in edits.items()])
    found = {key: reached.date for key, reached in progress(merged.document).items()}
    assert found == {
        key: min(at[key] for at in (saved, edits) if key in at) for key in saved | edits
    }
    assert set(merged.ignored) == {key for key in saved if edits.get(key, "") > saved[key]}
    assert before == untouched


@given(saved=DATES)
def test_rows_that_nobody_has_edited_change_nothing(saved: dict[str, str]) -> None:
    """Also where they are older than the state, because a process died between the two writes."""
    rows = [Row(key, "1999-01-01T00:00:00.000Z", "1999-01-01T00:00:00.000Z") for key in saved]
    assert with_edits(document(saved), rows).document == document(saved)


@given(edit=MOMENTS, saved=MOMENTS)
def test_a_bookmark_that_goes_back_forgets_what_it_had_seen(edit: str, saved: str) -> None:
    """Else the issues at the old bookmark would be left out."""
    merged = with_edits(document({"ABC": saved}), [Row("ABC", edit)]).document
    (found,) = merged["completed"]["singer_state"]["bookmarks"]["issues"]["partitions"]
    assert ("seen" in found) == (edit >= saved)


def test_every_stream_and_both_parts_go_back() -> None:
    """Meltano puts the partial state over the completed one, so neither may be ahead."""
    late, early = "2026-03-01T00:00:00.000Z", "2026-01-31T00:00:00.000Z"
    before = {
        "completed": part(issues=[partition("ABC", late)], other=[partition("ABC", late)]),
        "partial": part(issues=[partition("ABC", late), partition("XY", late)]),
    }
    after = with_edits(before, [Row("ABC", "2026-01-31")]).document
    found = [
        [one["replication_key_value"] for one in bookmark["partitions"]]
        for name in ("completed", "partial")
        for bookmark in after[name]["singer_state"]["bookmarks"].values()
    ]
    assert found == [[early], [early], [early, late]]


def test_a_new_project_joins_the_partitions_that_meltano_hands_out() -> None:
    """Those of the partial state, where it has some: Meltano's merge replaces lists."""
    before = {"completed": part(issues=[]), "partial": part(issues=[])}
    after = with_edits(before, [Row("NEW", "2026-01-31")]).document
    counts = [
        len(after[name]["singer_state"]["bookmarks"]["issues"]["partitions"])
        for name in ("completed", "partial")
    ]
    assert counts == [0, 1]


def test_progress_is_that_of_the_stream_that_is_least_far() -> None:
    """One row for each project, whatever streams have a bookmark."""
    state = part(
        issues=[partition("ABC", "2026-03-01T00:00:00.000Z")],
        other=[partition("ABC", "2026-02-01T00:00:00Z"), partition("XY", None)],
    )
    assert progress({"completed": state, "partial": {}}) == {
        "ABC": Progress("2026-02-01T00:00:00.000Z", "id of ABC")
    }


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"completed": None, "partial": None},
        {"completed": {"singer_state": None}},
        {"completed": {"singer_state": {"bookmarks": []}}},
        {"completed": {"singer_state": {"bookmarks": {"a": 1, "b": {"partitions": 3}}}}},
        {"completed": part(issues=[partition("ABC", 7), "x", {"context": 3}])},
    ],
)
def test_states_of_other_taps_have_no_rows(state: dict[str, Any]) -> None:
    """They are kept as they are."""
    assert progress(state) == {}
    assert with_edits(state, []).document == state


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-01-31", "2026-01-31T00:00:00.000Z"),
        (" 2026-01-31 10:00 ", "2026-01-31T10:00:00.000Z"),
        ("2026/01/31 10:00", "2026-01-31T10:00:00.000Z"),
        ("2026-01-31T10:00:00Z", "2026-01-31T10:00:00.000Z"),
        ("2026-01-31T10:00:00.5z", "2026-01-31T10:00:00.500Z"),
        ("2026-01-31T10:00:00.123456789+02:00", "2026-01-31T08:00:00.123Z"),
        ("2026-01-31T10:00:00.123+0200", "2026-01-31T08:00:00.123Z"),
        ("0900-01-31", "0900-01-31T00:00:00.000Z"),
    ],
)
def test_dates_are_read_as_people_write_them(written: str, meant: str) -> None:
    """One without a zone is UTC."""
    assert parse_date(written, "ABC") == meant


@pytest.mark.parametrize("written", ["", "yesterday", "31.01.2026", "2026-13-01", 1767322984, None])
def test_what_is_no_date_is_refused(written: object) -> None:
    """With the project and what to write instead."""
    with pytest.raises(ConfigurationError, match=r"project ABC, which is no date. Write one such"):
        parse_date(written, "ABC")


def test_a_row_for_a_key_that_jira_cannot_have_is_refused() -> None:
    """It would wait for ever, and the person for the data."""
    with pytest.raises(ConfigurationError, match="'abc', but Jira's project keys are upper case"):
        with_edits(document({"ABC": "2026-03-01T00:00:00.000Z"}), [Row("abc", "2026-01-31")])


@given(moment=st.datetimes(datetime(2000, 1, 1), datetime(2099, 1, 1)))  # noqa: DTZ001 - the table has dates without a zone
def test_the_article_is_believed_less_one_hour(moment: datetime) -> None:
    """Because its program rounds up past what it has read."""
    found = progress(from_article([{"project": "abc", "last_ingest_date": moment.isoformat()}]))
    begin = datetime.fromisoformat(found["ABC"].date.replace("Z", "+00:00"))
    apart = moment.replace(tzinfo=timezone.utc) - begin
    assert timedelta(hours=1) <= apart < timedelta(hours=1, milliseconds=1)


def test_an_import_without_projects_is_refused() -> None:
    """A table of something else must not look like one without bookmarks."""
    with pytest.raises(ConfigurationError, match="no table of projects"):
        from_article([{"id": "states", "part": "one"}])
