"""Worklogs that change without their issue, as the real command against both flavours of Jira."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec
import pytest

from sandbox import Corpus, Sandbox
from tap.below import run_with, select
from tap_jira_oauth.worklog_log import LIST, UPDATED, changed_at

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox.journal import LogEntry
    from tap.command import Run

pytestmark = pytest.mark.any_version

STREAMS = ("issues", "issue_worklogs")
MINUTES = 120
"""Seconds after which Jira no longer holds a change back."""


@pytest.fixture
def flavor() -> Literal["data_center", "cloud"]:
    """Which Jira; a test that needs the other, or both, overrides this."""
    return "data_center"


@pytest.fixture
def jira(flavor: Literal["data_center", "cloud"]) -> Iterator[Sandbox]:
    """Twelve issues of two projects."""
    corpus = Corpus.generate(seed=7, issues=12, projects=2)
    with Sandbox(corpus=corpus, flavor=flavor) as sandbox:
        yield sandbox


def read(
    jira: Sandbox, folder: Path, before: Run | dict[str, Any] | None = None, **more: object
) -> Run:
    """Read issues and worklogs, from the last STATE of a run before."""
    user = {"auth_method": "basic", "username": "sandbox", "password": "sandbox"}
    config = {"api_url": jira.url, **user, "lookback_minutes": 1, **more}
    state = before if isinstance(before, dict) or before is None else before.states[-1]
    result = run_with(folder, config, select(folder, STREAMS), state)
    assert result.status == 0, result.log
    return result


def few(jira: Sandbox) -> list[str]:
    """The keys of issues to which work can be added, those of ALPHA first."""
    below = jira.world.corpus.children
    issues = jira.world.corpus.snapshot().issues
    return sorted(each.key for each in issues if len(below.worklogs(each)) < 10)


def asked(jira: Sandbox, path: str) -> int:
    """How often a path was asked for."""
    return sum(entry.path == path for entry in jira.requests)


@pytest.mark.parametrize("flavor", ["data_center", "cloud"])
def test_a_worklog_that_changed_without_its_issue_comes_once(jira: Sandbox, tmp_path: Path) -> None:
    """A new one and one that is edited; with the version of the issue that is there; redacted like all."""
    key = few(jira)[0]
    old = jira.log_work(key)
    settings: dict[str, Any] = {"redact_fields": ["worklog.comment"]}
    first = read(jira, tmp_path, **settings)
    assert asked(jira, UPDATED) == 0
    new = jira.log_work(key, silent=True)
    jira.log_work(key, old, silent=True)
    jira.clock.offset += MINUTES
    second = read(jira, tmp_path, first, **settings)
    assert second.of("issues") == []
    found = {record["id"]: record for record in second.of("issue_worklogs")}
    assert found.keys() == {old, new}
    (issue,) = [record for record in first.of("issues") if record["key"] == key]
    for record in found.values():
        assert record["issue_id"] == issue["id"]
        assert record["issue_updated"] == issue["updated"]
        assert record["project_id"] == issue["project_id"]
        assert "comment" not in record
    assert second.summary["streams"]["issue_worklogs"] == {
        "records": 2,
        "requests": 3,
        "truncated": 0,
        "vanished": 0,
        "unreadable": 0,
    }
    third = read(jira, tmp_path, second, **settings)
    assert third.records == []
    assert third.states[-1] == second.states[-1]


@pytest.mark.parametrize("again", [False, True])
def test_a_worklog_of_an_issue_that_was_changed_during_the_run_is_not_lost(
    jira: Sandbox, tmp_path: Path, *, again: bool
) -> None:
    """The run has read the issue before the worklog: no later one reads it, unless it is changed again."""
    first = read(jira, tmp_path)
    key = few(jira)[0]
    changed: list[str] = []
    logged: list[str] = []

    def live(entry: LogEntry) -> None:
        if (entry.jql or "").startswith("project =") and not changed:
            jira.clock.offset += 5
            changed.extend(jira.edit(keys=[key]))
        if entry.path == UPDATED and not logged:
            logged.append(jira.log_work(key, silent=True))
            if again:
                jira.edit(keys=[key])
            jira.clock.offset += MINUTES

    jira.before_request.append(live)
    second = read(jira, tmp_path, first)
    assert [record["key"] for record in second.of("issues")] == [key]
    found = [record["id"] for record in second.of("issue_worklogs")]
    assert (logged[0] in found) is not again
    third = read(jira, tmp_path, second)
    assert (logged[0] in {record["id"] for record in third.of("issue_worklogs")}) is again


def test_a_worklog_that_came_with_its_issue_does_not_come_again(
    jira: Sandbox, tmp_path: Path
) -> None:
    """Neither in the run that brought the issue nor in the next, when Jira no longer holds it back."""
    first = read(jira, tmp_path)
    keys = few(jira)
    one = jira.log_work(keys[0])
    jira.clock.offset += MINUTES
    held_back = jira.log_work(keys[1])
    second = read(jira, tmp_path, first)
    assert {one, held_back} <= {record["id"] for record in second.of("issue_worklogs")}
    jira.clock.offset += MINUTES
    third = read(jira, tmp_path, second)
    assert third.records == []
    assert asked(jira, LIST) == 0


def test_what_a_run_is_not_about_stays_out(jira: Sandbox, tmp_path: Path) -> None:
    """Worklogs of other projects, and of issues that `jql` or the dates leave out."""
    keys = few(jira)
    mine, other = keys[0], keys[-1]
    assert mine.split("-")[0] != other.split("-")[0]
    settings: dict[str, Any] = {"project_keys": [mine.split("-")[0]], "jql": f"key != {keys[1]}"}
    first = read(jira, tmp_path, **settings)
    wanted = jira.log_work(mine, silent=True)
    for key in (keys[1], other):
        jira.log_work(key, silent=True)
    jira.clock.offset += MINUTES
    second = read(jira, tmp_path, first, **settings)
    assert [record["id"] for record in second.records] == [wanted]
    none = read(jira, tmp_path, first, **settings, start_date="2035-01-01T00:00:00Z")
    assert none.records == []


def test_a_run_that_is_killed_leaves_no_gap(jira: Sandbox, tmp_path: Path) -> None:
    """What changes after the first run has read its issue, and before the next begins, comes."""
    whole = read(jira, tmp_path, page_size=3, pages_per_state=1)
    key = next(each["key"] for each in whole.of("issues")[:3] if each["key"] in few(jira))
    states = [
        each for each in whole.states if each["bookmarks"].get("issues", {}).get("partitions")
    ]
    new = jira.log_work(key, silent=True)
    jira.clock.offset += 10 * MINUTES
    again = read(jira, tmp_path, states[0])
    assert new in {record["id"] for record in again.of("issue_worklogs")}
    assert key not in {record["key"] for record in again.of("issues")}


def test_without_the_log_the_run_goes_on_and_says_what_is_missing(
    jira: Sandbox, tmp_path: Path
) -> None:
    """A server that has none, or does not show it; what was missed comes when it does."""
    first = read(jira, tmp_path)
    new = jira.log_work(few(jira)[0], silent=True)
    jira.clock.offset += MINUTES
    jira.fault(UPDATED, status=403)
    second = read(jira, tmp_path, first)
    assert second.records == []
    assert "changed without their issue are not seen" in second.log
    third = read(jira, tmp_path, second)
    assert [record["id"] for record in third.records] == [new]


@pytest.mark.parametrize("flavor", ["cloud"])
def test_an_issue_that_is_deleted_meanwhile_takes_no_other_one_with_it(
    jira: Sandbox, tmp_path: Path
) -> None:
    """Cloud refuses a query for several ids of which one is not there."""
    first = read(jira, tmp_path)
    keys = few(jira)[:3]
    found = [jira.log_work(key, silent=True) for key in keys]
    jira.clock.offset += MINUTES

    def delete(entry: LogEntry) -> None:
        if (entry.jql or "").startswith("id in") and keys[1] in few(jira):
            jira.delete(keys[1])

    jira.before_request.append(delete)
    second = read(jira, tmp_path, first)
    assert {record["id"] for record in second.records} == {found[0], found[2]}


def test_a_stream_map_that_chooses_among_issues_is_not_passed_by(
    jira: Sandbox, tmp_path: Path
) -> None:
    """Which issues it lets through is known of those that are at hand only; the log says so."""
    maps: dict[str, Any] = {"stream_maps": {"issues": {"__filter__": "key != 'ALPHA-1'"}}}
    first = read(jira, tmp_path, **maps)
    jira.log_work(few(jira)[0], silent=True)
    jira.clock.offset += MINUTES
    second = read(jira, tmp_path, first, **maps)
    assert second.records == []
    assert "not looked for" in second.log


def test_a_worklog_that_tells_no_time_is_no_error() -> None:
    """It may come again, when the log names it."""
    assert changed_at({}) is None
    assert changed_at({"updated": msgspec.Raw(b"null")}) is None
    assert changed_at({"updated": msgspec.Raw(b'"1970-01-01T00:00:01.000+0000"')}) == 1000
