"""From Jira's issue to the record, and from settings to Jira's `fields`."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap.answered import decoded
from tap_jira_oauth.errors import AnswerError, ConfigurationError
from tap_jira_oauth.fields import Shape, fields_to_ask, plain, record, record_lines
from tap_jira_oauth.jql import in_utc, parse_datetime

if TYPE_CHECKING:
    from tap_jira_oauth.answered_issue import Issue, Values


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


def issue(sent: dict[str, Any]) -> Issue[Values]:
    """Decode an issue out of a search's answer."""
    return decoded(msgspec.json.encode(sent))


def shape(declared: dict[str, Any] | None = None, *, is_open: bool = False, **more: Any) -> Shape:
    """Return the shape of a schema that declares some fields besides those of every record."""
    moment = {"type": ["string", "null"], "format": "date-time"}
    needed = {"project": {"type": ["object", "null"]}, "created": moment, "updated": moment}
    fields = {"additionalProperties": is_open, "properties": {**needed, **(declared or {})}}
    return Shape({"properties": {"fields": fields}}, in_utc, **more)


NOW = datetime(2026, 1, 3, tzinfo=timezone.utc)
MOMENT = {"type": ["string", "null"], "format": "date-time"}
NUMBER = {"type": ["number", "null"]}


def test_a_record_has_typed_fields_and_beside_them_what_is_not_of_its_type() -> None:
    """What can be converted without loss is; nulls and what nothing is declared of stay as sent."""
    sent = answer(
        resolutiondate="2026-01-01T01:00:00.000+0100",
        lastViewed="Today 2:52 PM",
        customfield_1="0.0",
        customfield_2="",
        customfield_3=None,
        customfield_4=None,
        customfield_5={"added": "after the discovery"},
    )
    declared = {
        "resolutiondate": MOMENT,
        "lastViewed": MOMENT,
        **dict.fromkeys(("customfield_1", "customfield_2", "customfield_3"), NUMBER),
    }
    assert plain(record(issue(sent), shape(declared))) == {
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
            "customfield_1": 0,
            "customfield_3": None,
        },
        "unconformed": {
            "lastViewed": "Today 2:52 PM",
            "customfield_2": "",
            "customfield_4": None,
            "customfield_5": {"added": "after the discovery"},
        },
    }


def test_an_open_schema_keeps_unknown_fields_among_the_others() -> None:
    """Without a discovery nothing is known of custom fields: they come as Jira sends them."""
    sent = answer(customfield_1="0.0", customfield_2="2026-01-01T01:00:00.000+0100", lastViewed=1)
    made = plain(record(issue(sent), shape({"lastViewed": MOMENT}, is_open=True)))
    assert made["fields"]["customfield_1"] == "0.0"
    assert made["fields"]["customfield_2"] == "2026-01-01T01:00:00.000+0100"
    assert made["unconformed"] == {"lastViewed": 1}


def test_a_schema_that_says_nothing_of_fields_lets_all_of_them_pass() -> None:
    """As a catalog made by hand may be."""
    made = plain(record(issue(answer(customfield_1=[1])), Shape({"properties": {}}, in_utc)))
    assert made["fields"]["customfield_1"] == [1]
    assert "unconformed" not in made


def test_a_field_is_printed_by_the_name_that_the_catalog_has_for_it() -> None:
    """The id stands in its description; in `unconformed` it has the same name, in the same place."""
    named = {**NUMBER, "description": "customfield_1; number"}
    sent = answer(customfield_1=3, summary="s")
    declared = {"story_points": named, "summary": {"type": ["string", "null"]}}
    made = plain(record(issue(sent), shape(declared)))
    assert list(made["fields"]) == ["project", "created", "updated", "story_points", "summary"]
    sent = answer(customfield_1="many", summary="s")
    assert plain(record(issue(sent), shape(declared)))["unconformed"] == {"story_points": "many"}
    deselected = shape(declared, deselected=["story_points"])
    assert deselected.left_out == ["customfield_1"]
    # Its SCHEMA has it no more, so it must not be printed either, should Jira send it all the same.
    made = plain(record(issue(answer(customfield_1=3, summary="s")), deselected))
    assert made["fields"].keys() == {"project", "created", "updated", "summary"}


def test_what_is_redacted_is_in_no_part_of_the_record() -> None:
    """Whole fields, and keys of the objects in a field, also where they are not of their type."""
    person = {"name": "fred", "emailAddress": "fred@example.com"}
    declared = {
        "reporter": {"type": ["object", "null"], "title": "Reporter"},
        "customfield_1": {"type": ["array", "null"], "title": "Reviewers"},
        "customfield_2": {**NUMBER, "title": "Salary"},
        "customfield_3": {**NUMBER, "title": "Boss"},
    }
    redact = ["Salary", "Reporter.emailAddress", "customfield_1.emailAddress", "Boss.emailAddress"]
    sent = answer(
        reporter=person, customfield_1=[person, "x", None], customfield_2=1, customfield_3=person
    )
    here = shape(declared, redact=redact)
    made = plain(record(issue(sent), here))
    assert made["fields"]["reporter"] == {"name": "fred"}
    assert made["fields"]["customfield_1"] == [{"name": "fred"}, "x", None]
    assert made["unconformed"] == {"customfield_3": {"name": "fred"}}
    assert "customfield_2" not in made["fields"]
    assert here.left_out == ["customfield_2"]


def test_what_is_redacted_is_not_shown_through_other_issues_either() -> None:
    """Nor in lists that a field wraps; a path may go further down, and a name may hold dots."""
    person = {"name": "fred", "emailAddress": "fred@example.com"}
    other = {"key": "ABC-2", "fields": {"summary": "secret", "status": {"name": "Done", "id": "3"}}}
    names = ("comment", "parent", "subtasks", "issuelinks", "summary", "status", "customfield_1")
    anything = {"type": ["object", "array", "string", "null"]}
    declared: dict[str, dict[str, Any]] = {name: {**anything} for name in names}
    declared["customfield_1"]["title"] = "Acme Inc. rating"
    redact = ["summary", "status.name", "comment.author.emailAddress", "Acme Inc. rating.by.name"]
    sent = answer(
        summary="secret",
        status={"name": "Done", "id": "3"},
        comment={"total": 1, "comments": [{"author": person, "body": "b"}]},
        parent=other,
        subtasks=[other],
        issuelinks=[{"inwardIssue": other}, {"outwardIssue": other}, {"outwardIssue": None}],
        customfield_1={"by": [person]},
    )
    made = plain(record(issue(sent), shape(declared, redact=redact)))["fields"]
    shown = {"key": "ABC-2", "fields": {"status": {"id": "3"}}}
    assert made["comment"] == {"total": 1, "comments": [{"author": {"name": "fred"}, "body": "b"}]}
    assert (made["parent"], made["subtasks"]) == (shown, [shown])
    links = [{"inwardIssue": shown}, {"outwardIssue": shown}, {"outwardIssue": None}]
    assert made["issuelinks"] == links
    assert made["customfield_1"] == {"by": [{"emailAddress": "fred@example.com"}]}
    assert made["status"] == {"id": "3"}
    assert "summary" not in made


@pytest.mark.parametrize(
    "name",
    ["Reporter", "reportr.emailAddress", "reporter.", "reporter..x", "created", "changelog.id", ""],
)
def test_a_redaction_that_would_redact_nothing_is_refused(name: str) -> None:
    """A misspelt name must not let through what somebody wants to keep back."""
    with pytest.raises(ConfigurationError, match=f"'redact_fields' names '{name}'"):
        shape({"reporter": {"type": ["object", "null"]}}, redact=[name])


def test_an_issue_without_its_bones_is_an_error_with_its_key() -> None:
    """Never a record with holes, never a silent skip."""
    sent = answer()
    del sent["fields"]["updated"]
    with pytest.raises(AnswerError, match="ABC-1 came without 'updated'"):
        record(issue(sent), shape())


def test_values_that_need_no_change_are_the_servers_own_bytes() -> None:
    """Numbers of any length, escapes, spaces and the order of keys, in the line as in the answer."""
    odd = b'{"b":1.10, "a":[12345678901234567890123456789,-0.0,1e400,"\\u00e9\\/\xc3\xa9"]}'
    body = msgspec.json.encode(answer(customfield_1=None)).replace(
        b'"customfield_1":null', b'"customfield_1":' + odd
    )
    for declared in ({"customfield_1": {"type": ["object", "null"]}}, {}):
        made = record(decoded(body), shape(declared))
        line = record_lines("issues", [made], NOW)
        assert b'"customfield_1":' + odd + b"}" in line
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
