"""From Jira's issue to the record, and from settings to Jira's `fields`."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_jira_oauth.errors import AnswerError
from tap_jira_oauth.fields import Issue, fields_to_ask, plain, record, record_line
from tap_jira_oauth.jql import in_utc, parse_datetime


def answer(**fields: Any) -> dict[str, Any]:
    """Return an issue as a search answers it."""
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


def issue(sent: dict[str, Any]) -> Issue:
    """Decode an issue out of a search's answer."""
    return msgspec.json.decode(msgspec.json.encode(sent), type=Issue)


def test_only_declared_datetimes_are_rewritten() -> None:
    """Numbers as texts, nulls and custom datetimes stay as Jira sends them."""
    sent = answer(
        resolutiondate="2026-01-01T01:00:00.000+0100",
        lastViewed="Today 2:52 PM",
        customfield_1="2026-01-01T01:00:00.000+0100",
        customfield_2="0.0",
        customfield_3=None,
    )
    made = record(issue(sent), ("created", "updated", "resolutiondate", "lastViewed"), in_utc)
    assert plain(made) == {
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
    sent = answer()
    del sent["fields"]["updated"]
    with pytest.raises(AnswerError, match="ABC-1 came without 'updated'"):
        record(issue(sent), (), in_utc)


def test_values_that_need_no_change_are_the_servers_own_bytes() -> None:
    """Numbers of any length, escapes, spaces and the order of keys, in the line as in the answer."""
    odd = b'{"b":1.10, "a":[12345678901234567890123456789,-0.0,1e400,"\\u00e9\\/\xc3\xa9"]}'
    body = msgspec.json.encode(answer(customfield_1=None)).replace(
        b'"customfield_1":null', b'"customfield_1":' + odd
    )
    made = record(msgspec.json.decode(body, type=Issue), (), in_utc)
    line = record_line("issues")(made, b"now")
    assert b'"customfield_1":' + odd + b"}}," in line
    assert json.loads(line)["record"]["key"] == "ABC-1"


@given(st.integers(-(10**11), 10**13), st.integers(-14 * 60, 14 * 60))
def test_a_datetime_in_any_offset_is_the_same_moment_in_utc(moment: int, minutes: int) -> None:
    """As Jira prints it: milliseconds, and an offset without a colon."""
    zone = timezone(timedelta(minutes=minutes))
    there = (datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(milliseconds=moment)).astimezone(
        zone
    )
    text = f"{there:%Y-%m-%dT%H:%M:%S}.{there.microsecond // 1000:03}{there:%z}"
    assert parse_datetime(in_utc(text)) == parse_datetime(text) == moment


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
