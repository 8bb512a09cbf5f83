"""The stream of deleted worklogs, as the real command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sandbox import Corpus, Sandbox
from sandbox.worklog_log import PAGE
from tap.below import run_with, select
from tap_jira_oauth.jql import parse_datetime

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DELETED = "/rest/api/2/worklog/deleted"
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def jira() -> Iterator[Sandbox]:
    """A Data Center in which some worklogs were deleted."""
    with Sandbox(corpus=Corpus.generate(seed=7, issues=200, projects=2)) as sandbox:
        yield sandbox


def config(jira: Sandbox, **more: object) -> dict[str, Any]:
    """Settings of a user who may read everything."""
    user = {"auth_method": "basic", "username": "sandbox", "password": "sandbox"}
    return {"api_url": jira.url, **user, **more}


def page(entries: list[tuple[int, int]], until: int, *, last: bool) -> dict[str, Any]:
    """An answer of the resource, from (id, ms)."""
    values = [{"worklogId": id_, "updatedTime": at} for id_, at in entries]
    return {"values": values, "since": 0, "until": until, "lastPage": last}


def gone(jira: Sandbox) -> dict[str, int]:
    """When each worklog was deleted, by id."""
    held = jira.world.corpus
    every = [held.children.deleted_worklogs(issue) for issue in held.snapshot().issues]
    return {id_: at for some in every for id_, at in some}


def test_every_deletion_comes_once_and_a_quiet_run_brings_none(
    jira: Sandbox, tmp_path: Path
) -> None:
    """Also though each run looks back by a minute; the bookmark is the server's own time."""
    there = gone(jira)
    options = select(tmp_path, ("worklogs_deleted",))
    first = run_with(tmp_path, config(jira), options)
    assert first.status == 0, first.log
    came = {record["worklog_id"]: parse_datetime(record["updated_at"]) for record in first.records}
    assert there
    assert came == there
    assert len(first.records) == len(there)
    bookmark = first.states[-1]["bookmarks"]["worklogs_deleted"]
    assert parse_datetime(bookmark["replication_key_value"]) == max(there.values())
    again = run_with(tmp_path, config(jira), options, first.states[-1])
    assert again.records == []
    assert again.states[-1] == first.states[-1]
    assert dict(jira.requests[-1].query) == {"since": str(max(there.values()) - 60_000)}


def test_a_deletion_that_shows_late_is_still_read(jira: Sandbox, tmp_path: Path) -> None:
    """It lies before the bookmark, by less than the minute that is looked back."""
    options = select(tmp_path, ("worklogs_deleted",))
    jira.fault(DELETED, status=200, headers=JSON, body=page([(1, 90_000)], 90_000, last=True))
    first = run_with(tmp_path, config(jira), options)
    late = page([(2, 50_000), (1, 90_000)], 90_000, last=True)
    jira.fault(DELETED, status=200, headers=JSON, body=late)
    second = run_with(tmp_path, config(jira), options, first.states[-1])
    assert [record["worklog_id"] for record in second.records] == ["2"]


def test_pages_follow_the_servers_own_time(jira: Sandbox, tmp_path: Path) -> None:
    """What ends a page begins the next one and is printed once; a STATE after each page covers it."""
    many = [(number, 1000 * number) for number in range(1, PAGE + 1)]
    jira.fault(DELETED, status=200, headers=JSON, body=page(many, many[-1][1], last=False))
    rest = page([many[-1], (5000, 2_000_000)], 2_000_000, last=True)
    jira.fault(DELETED, status=200, headers=JSON, body=rest)
    result = run_with(tmp_path, config(jira), select(tmp_path, ("worklogs_deleted",)))
    assert result.status == 0, result.log
    assert len(result.records) == PAGE + 1
    asked = [dict(entry.query) for entry in jira.requests if entry.path == DELETED]
    assert asked == [{"since": "0"}, {"since": str(many[-1][1])}]
    printed = 0
    for message in result.messages:
        printed += message["type"] == "RECORD"
        bookmark = message.get("value", {}).get("bookmarks", {}).get("worklogs_deleted", {})
        if "replication_key_value" in bookmark:
            until = parse_datetime(bookmark["replication_key_value"])
            assert printed == (PAGE if until == many[-1][1] else PAGE + 1)


def test_more_deletions_in_a_millisecond_than_a_page_holds_do_not_hold_the_run(
    jira: Sandbox, tmp_path: Path
) -> None:
    """Jira does not tell the rest of them; the run says so and goes on."""
    for _ in range(2):
        stuck = page([(1, 70_000)], 70_000, last=False)
        jira.fault(DELETED, status=200, headers=JSON, body=stuck)
    jira.fault(DELETED, status=200, headers=JSON, body=page([(2, 80_000)], 80_000, last=True))
    result = run_with(tmp_path, config(jira), select(tmp_path, ("worklogs_deleted",)))
    assert result.status == 0, result.log
    assert [record["worklog_id"] for record in result.records] == ["1", "2"]
    assert "than Jira lists in one answer" in result.log
    asked = [dict(entry.query)["since"] for entry in jira.requests if entry.path == DELETED]
    assert asked == ["0", "70000", "70001"]
