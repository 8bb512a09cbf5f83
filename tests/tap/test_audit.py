"""The `audit_records` stream: all of the log once, then what is new, whatever stops it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sandbox import Corpus, Sandbox
from sandbox.audit import MADE
from tap.below import run_with, select

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox.journal import LogEntry

pytestmark = pytest.mark.any_version

RECORDS = "/rest/api/2/auditing/record"


@pytest.fixture(params=["data_center", "cloud"])
def jira(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """A server whose log has more records than an answer holds."""
    with Sandbox(corpus=Corpus.generate(seed=7, issues=5), flavor=request.param) as sandbox:
        yield sandbox


def config(jira: Sandbox, **more: object) -> dict[str, Any]:
    """Settings with a sign-in."""
    user = {"auth_method": "basic", "username": "sandbox", "password": "sandbox"}
    return {"api_url": jira.url, **user, **more}


def test_each_record_comes_once_also_while_the_log_grows(jira: Sandbox, tmp_path: Path) -> None:
    """Two pages of a log that grows in between; what is new comes with the next run, and only that."""

    def log(entry: LogEntry) -> None:
        if entry.path == RECORDS and dict(entry.query)["offset"] != "0":
            jira.world.audit.add(jira.clock.now_ms())

    jira.before_request.append(log)
    options = select(tmp_path, ("audit_records",))
    first = run_with(tmp_path, config(jira), options)
    assert first.status == 0, first.log
    ids = [record["id"] for record in first.of("audit_records")]
    assert len(ids) == len(set(ids)) >= MADE
    assert all(record["created"].endswith("Z") for record in first.of("audit_records"))
    jira.clock.offset += 30
    jira.world.audit.add(jira.clock.now_ms() - 2_000)  # Jira tells the time in seconds
    second = run_with(tmp_path, config(jira), options, first.states[-1])
    more = [record["id"] for record in second.of("audit_records")]
    assert sorted(ids + more) == list(range(1, MADE + 3))
    third = run_with(tmp_path, config(jira), options, second.states[-1])
    assert third.of("audit_records") == []


def test_a_log_that_may_not_be_seen_names_the_right_and_keeps_the_bookmark(
    jira: Sandbox, tmp_path: Path
) -> None:
    """Refused on the second page: the run fails, and the next one reads all of it again."""
    refused = {"errorMessages": ["You are not an administrator."]}
    json = {"Content-Type": "application/json"}
    jira.fault(RECORDS, status=403, headers=json, body=refused, skip=1)
    options = select(tmp_path, ("audit_records",))
    result = run_with(tmp_path, config(jira), options)
    assert result.status == 1
    assert "It takes the global permission 'Administer Jira'" in result.log
    assert "replication_key_value" not in result.states[-1]["bookmarks"].get("audit_records", {})
    again = run_with(tmp_path, config(jira), options, result.states[-1])
    assert len(again.of("audit_records")) == MADE


def created(record: dict[str, Any]) -> str:
    """When a record was logged; all moments are written alike."""
    found: str = record["created"]
    return found


def test_a_run_that_is_killed_goes_on_where_it_was(jira: Sandbox, tmp_path: Path) -> None:
    """The oldest records come first, and a STATE behind each page; nothing of it comes again."""
    options = select(tmp_path, ("audit_records",))
    whole = run_with(tmp_path, config(jira), options)
    assert whole.records == sorted(whole.records, key=created)
    at = next(
        at
        for at, each in enumerate(whole.messages)
        if "replication_key_value" in str(each.get("value"))
    )
    before = [each["record"]["id"] for each in whole.messages[:at] if each["type"] == "RECORD"]
    assert 0 < len(before) < MADE
    rest = run_with(tmp_path, config(jira), options, whole.messages[at]["value"])
    after = [record["id"] for record in rest.records]
    assert sorted(before + after) == list(range(1, MADE + 1))


def test_a_record_that_is_logged_late_moves_the_others_and_loses_none(
    jira: Sandbox, tmp_path: Path
) -> None:
    """It comes in front of the first page while the second one is asked for: the log is read anew."""
    late: list[int] = []

    def log(entry: LogEntry) -> None:
        if entry.path == RECORDS and dict(entry.query)["offset"] != "0" and not late:
            late.append(jira.clock.now_ms() - 10_000)
            jira.world.audit.add(late[0])

    jira.before_request.append(log)
    result = run_with(tmp_path, config(jira), select(tmp_path, ("audit_records",)))
    assert result.status == 0, result.log
    assert sorted(record["id"] for record in result.records) == list(range(1, MADE + 2))


def test_a_log_that_never_rests_is_an_error(jira: Sandbox, tmp_path: Path) -> None:
    """After some attempts; the bookmark covers what was printed."""

    def log(entry: LogEntry) -> None:
        if entry.path == RECORDS and dict(entry.query)["offset"] != "0":
            jira.world.audit.add(jira.clock.now_ms() - 10_000)

    jira.before_request.append(log)
    result = run_with(tmp_path, config(jira), select(tmp_path, ("audit_records",)))
    assert result.status == 1
    assert "never at rest" in result.log.splitlines()[-1]
