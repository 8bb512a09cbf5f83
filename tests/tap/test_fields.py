"""From Jira's issue to the record, and from settings to Jira's `fields`."""

from __future__ import annotations

from typing import Any

import pytest

from tap_jira_oauth.errors import AnswerError
from tap_jira_oauth.fields import fields_to_ask, record
from tap_jira_oauth.jql import format_datetime, parse_datetime


def to_utc(text: str) -> str:
    """Rewrite one datetime as the stream does."""
    return format_datetime(parse_datetime(text))


def issue(**fields: Any) -> dict[str, Any]:
    """Build an issue as a search answers it."""
    return {
        "expand": "operations",
        "id": "20017",
        "key": "ABC-1",
        "self": "https://jira.example.com/rest/api/2/issue/20017",
        "fields": {
            "project": {"id": "10001", "key": "ABC"},
            "created": "2026-01-01T01:00:00.000+0100",
            "updated": "2026-01-02T03:04:05.678+0000",
            **fields,
        },
    }


def test_only_declared_datetimes_are_rewritten() -> None:
    """Numbers as texts, nulls and custom datetimes stay as Jira sends them."""
    given = issue(
        resolutiondate="2026-01-01T01:00:00.000+0100",
        lastViewed="Today 2:52 PM",
        customfield_1="2026-01-01T01:00:00.000+0100",
        customfield_2="0.0",
        customfield_3=None,
    )
    made = record(given, frozenset({"created", "updated", "resolutiondate", "lastViewed"}), to_utc)
    assert made == {
        "id": "20017",
        "key": "ABC-1",
        "self": "https://jira.example.com/rest/api/2/issue/20017",
        "project_id": "10001",
        "project_key": "ABC",
        "created": "2026-01-01T00:00:00.000Z",
        "updated": "2026-01-02T03:04:05.678Z",
        "fields": {
            "project": {"id": "10001", "key": "ABC"},
            "created": "2026-01-01T00:00:00.000Z",
            "updated": "2026-01-02T03:04:05.678Z",
            "resolutiondate": "2026-01-01T00:00:00.000Z",
            "lastViewed": "Today 2:52 PM",
            "customfield_1": "2026-01-01T01:00:00.000+0100",
            "customfield_2": "0.0",
            "customfield_3": None,
        },
    }


def test_an_issue_without_its_bones_is_an_error_with_its_key() -> None:
    """Never a record with holes, never a silent skip."""
    given = issue()
    del given["fields"]["updated"]
    with pytest.raises(AnswerError, match="ABC-1 came without 'updated'"):
        record(given, frozenset(), to_utc)


@pytest.mark.parametrize(
    ("wanted", "deselected", "asked"),
    [
        (["*all"], [], ["*all", "project", "created", "updated"]),
        (["*all"], ["comment"], ["*all", "project", "created", "updated", "-comment"]),
        (
            ["summary", "comment"],
            ["comment"],
            ["summary", "project", "created", "updated", "-comment"],
        ),
        (["updated"], ["updated"], ["updated", "project", "created"]),
    ],
)
def test_what_nobody_wants_is_not_asked_for(
    wanted: list[str], deselected: list[str], asked: list[str]
) -> None:
    """What every record is built from is asked for in any case."""
    assert fields_to_ask(wanted, deselected) == asked
