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
