"""Histories tell what fields held: what is redacted of a field is redacted there, too."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tap_jira_oauth.field_redaction import redaction
from tap_jira_oauth.history_redaction import HistoryRedaction

NAMES = {
    "summary": "Summary",
    "issuelinks": "Linked Issues",
    "reporter": "Reporter",
    "timetracking": "Time tracking",
    "customfield_1": "Story Points",
    "customfield_2": "Team",
    "customfield_3": "Story points",
}


def kept(redact: list[str], *items: dict[str, Any]) -> list[str]:
    """What is left of a history, by what its items are called."""
    found = HistoryRedaction.of(redaction(redact, NAMES, ()), NAMES)
    history = {"id": msgspec.Raw(b'"1"'), "items": msgspec.Raw(msgspec.json.encode(items))}
    after = found.apply(history)
    assert after["id"] == history["id"]
    return [each["field"] for each in msgspec.json.decode(after["items"])]


def change(name: str, kind: str = "jira", **more: str) -> dict[str, Any]:
    """One item."""
    return {"field": name, "fieldtype": kind, "fromString": "a", "toString": "b", **more}


@pytest.mark.parametrize(
    ("redact", "gone"),
    [
        (["summary"], "summary"),
        (["issuelinks"], "Link"),
        (["timetracking"], "timespent"),
        (["reporter"], "reporter"),
        (["reporter.displayName"], "reporter"),
        (["reporter.emailAddress"], None),
        (["changelog.author"], None),
    ],
)
def test_system_fields_go_by_what_histories_call_them(redact: list[str], gone: str | None) -> None:
    """Which is not always the id; a part by which a history names a value counts as the whole."""
    every = ["summary", "Link", "timespent", "reporter", "status"]
    assert kept(redact, *map(change, every)) == [name for name in every if name != gone]


def test_custom_fields_go_by_id_or_by_name() -> None:
    """By id where the server says it; else whoever has the name goes, and so does a name that nobody has any more."""
    named = [change(name, "custom") for name in ("STORY POINTS", "Team", "Old name")]
    assert kept(["customfield_1"], *named) == ["Team"]
    assert kept(["summary"], *named) == ["STORY POINTS", "Team", "Old name"]
    by_id = [change("Story points", "custom", fieldId=f"customfield_{i}") for i in (1, 3)]
    assert len(kept(["customfield_1"], *by_id)) == 1
    assert kept(["summary"], change("Titel", fieldId="summary")) == []


@pytest.mark.parametrize("items", [b"null", b"7", b'[{"field": 7}]', b"[1]"])
def test_what_cannot_be_read_is_left_out(items: bytes) -> None:
    """Nobody can tell what it is about."""
    found = HistoryRedaction.of(redaction(["summary"], NAMES, ()), NAMES)
    assert found.apply({"items": msgspec.Raw(items)}) == {"items": msgspec.Raw(b"[]")}
    nothing = HistoryRedaction.of(redaction([], NAMES, ()), NAMES)
    assert nothing.apply({"items": msgspec.Raw(items)}) == {"items": msgspec.Raw(items)}
