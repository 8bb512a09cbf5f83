"""Jira Cloud, as the real command against a sandbox that has only what Cloud has."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from sandbox import Corpus, Sandbox
from sandbox.script import Order, Step
from tap.command import Run, messages, run, started
from tap.test_issues import newest, truth
from tap_jira_oauth.jql import parse_datetime
from tap_jira_oauth.span import lower_bound

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox.journal import LogEntry

pytestmark = pytest.mark.any_version

SEARCH = "/rest/api/2/search/jql"
COUNT = "/rest/api/2/search/approximate-count"
MINUTE = 60
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def corpus() -> Corpus:
    """The issues of `site`; a test that needs others overrides this."""
    return Corpus.generate(seed=7, issues=60, projects=3)


@pytest.fixture
def site(corpus: Corpus) -> Iterator[Sandbox]:
    """A Cloud site."""
    with Sandbox(corpus=corpus, flavor="cloud") as jira:
        yield jira


def signed_in(site: Sandbox, **more: object) -> dict[str, Any]:
    """Settings of a tap that is signed in with name and password, as Cloud takes its API tokens."""
    return {
        "api_url": site.url,
        "auth_method": "basic",
        "username": "sandbox",
        "password": "sandbox",
        **more,
    }


def asked(site: Sandbox, path: str) -> int:
    """How often a path was asked for."""
    return sum(entry.path == path for entry in site.requests)


def test_every_issue_arrives_once_and_conforms_to_the_schema_of_data_center(
    site: Sandbox, tmp_path: Path
) -> None:
    """All projects, in pages of any length, each issue in its newest version, texts as wiki text."""
    result = run(tmp_path, signed_in(site, page_size=7))
    assert result.status == 0, result.log
    assert newest(result) == truth(site)
    assert len(result.records) == 60
    schema = next(message["schema"] for message in result.messages if message["type"] == "SCHEMA")
    checker = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
    for record in result.records:
        checker.validate(record)
    descriptions = [record["fields"]["description"] for record in result.records]
    assert {type(text) for text in descriptions} == {str, type(None)}
    assert asked(site, "/rest/api/2/search") == 0


def test_fields_are_always_named(site: Sandbox, tmp_path: Path) -> None:
    """Cloud would send the id alone; narrow fields still give whole records."""
    result = run(tmp_path, signed_in(site, fields=["summary"]))
    assert result.status == 0, result.log
    assert len(result.records) == 60
    assert all({"summary", "updated"} <= record["fields"].keys() for record in result.records)
    assert not any("description" in record["fields"] for record in result.records)


def test_a_second_run_brings_only_what_changed_with_one_request_a_project(
    site: Sandbox, tmp_path: Path
) -> None:
    """The half hour that is looked at again repeats nothing, and a single page is not counted."""
    first = run(tmp_path, signed_in(site))
    before = asked(site, SEARCH), asked(site, COUNT)
    assert run(tmp_path, signed_in(site), first.states[-1]).records == []
    assert (asked(site, SEARCH), asked(site, COUNT)) == (before[0] + 3, before[1])
    edited = site.edit(count=5, seed=1)
    second = run(tmp_path, signed_in(site), first.states[-1])
    assert second.keys == sorted(edited)
    assert newest(first, second) == truth(site)


@pytest.mark.parametrize(("more", "minutes"), [({}, 30), ({"lookback_minutes": 7}, 7)])
def test_cloud_is_looked_back_on_for_half_an_hour_unless_said_otherwise(
    site: Sandbox, tmp_path: Path, more: dict[str, int], minutes: int
) -> None:
    """From the bookmark to the lower bound of the next run's query."""
    config = signed_in(site, project_keys=["OPS"])
    state = run(tmp_path, config).states[-1]
    bookmark = state["bookmarks"]["issues"]["partitions"][0]["replication_key_value"]
    run(tmp_path, config | more, state)
    query = next(entry.jql for entry in reversed(site.requests) if entry.path == SEARCH)
    assert query is not None
    lower = lower_bound(parse_datetime(bookmark), minutes * 60_000)
    assert query.startswith(f'project = "OPS" AND updated >= {lower} ORDER BY')


def test_a_token_that_expires_between_two_pages_costs_nothing_but_a_window(
    site: Sandbox, tmp_path: Path
) -> None:
    """Seven days pass: the search begins anew where it was, and nothing comes twice."""
    late: list[LogEntry] = []

    def a_week_later(entry: LogEntry) -> None:
        if entry.page_token and not late:
            late.append(entry)
            site.clock.offset += 8 * 86_400

    site.before_request.append(a_week_later)
    result = run(tmp_path, signed_in(site, page_size=5))
    assert result.status == 0, result.log
    assert late
    assert [entry.status for entry in late] == [400]
    assert "begins anew" in result.log
    assert newest(result) == truth(site)
    assert len(result.records) == 60


@pytest.mark.parametrize(("more", "level"), [(0, None), (1, "INFO"), (50, "WARNING")])
def test_issues_that_jira_counts_and_does_not_show_are_looked_for_and_said(
    site: Sandbox, tmp_path: Path, more: int, level: str | None
) -> None:
    """Once more behind the last one; a warning where they are many."""
    there = sum(issue["project"] == "ALPHA" for issue in site.issues)
    body = json.dumps({"count": there + more})
    site.fault(COUNT, status=200, headers=JSON, body=body)
    result = run(tmp_path, signed_in(site, project_keys=["ALPHA"], page_size=5))
    assert result.status == 0, result.log
    assert len(result.records) == there
    said = [line for line in result.log.splitlines() if f"showed {more} fewer" in line]
    assert [level in line for line in said if level] == ([True] if level else [])
    windows = [entry for entry in site.requests if entry.path == SEARCH and not entry.page_token]
    assert len(windows) == (2 if more else 1)
    assert result.summary["requests"] == asked(site, SEARCH) + asked(site, COUNT)
    assert result.summary["reanchored_windows"] == len(windows) - 1


def test_a_bad_request_without_a_token_ends_the_run(site: Sandbox, tmp_path: Path) -> None:
    """It is not taken for an expired token, and said in Jira's words."""
    result = run(tmp_path, signed_in(site, jql="status ="))
    assert result.status == 1
    assert "HTTP 400" in result.log.splitlines()[-1]
    assert result.records == []


def test_the_removed_search_is_explained(site: Sandbox, tmp_path: Path) -> None:
    """A Cloud that is read as a Data Center answers 410; the line says which setting to change."""
    result = run(tmp_path, signed_in(site, api_flavor="data_center", project_keys=["OPS"]))
    assert result.status == 1
    last = result.log.splitlines()[-1]
    assert "HTTP 410" in last
    assert "Set 'api_flavor' to 'auto' or 'cloud'" in last
    assert result.records == []


def test_the_flavour_may_be_said_instead_of_asked(site: Sandbox, tmp_path: Path) -> None:
    """What serverInfo says does not matter then."""
    site.fault(
        "/rest/api/2/serverInfo", body=json.dumps({"version": "1"}), status=200, headers=JSON
    )
    result = run(tmp_path, signed_in(site, api_flavor="cloud"))
    assert result.status == 0, result.log
    assert newest(result) == truth(site)


def test_a_wrong_token_of_the_user_is_no_empty_success(site: Sandbox, tmp_path: Path) -> None:
    """Cloud answers searches of nobody with nothing; the sign-in is checked before."""
    result = run(tmp_path, signed_in(site, password="wrong"))
    assert result.status == 1
    assert result.records == []
    assert "Check the credentials" in result.log.splitlines()[-1]


def test_an_invisible_project_is_named(site: Sandbox, tmp_path: Path) -> None:
    """The others are read before the run fails."""
    result = run(tmp_path, signed_in(site, project_keys=["OPS", "NOPE"]))
    assert result.status == 1
    assert "cannot see project NOPE" in result.log.splitlines()[-1]
    assert {record["project_key"] for record in result.records} == {"OPS"}


@pytest.mark.parametrize(("times", "status"), [(2, 0), (3, 1)])
def test_a_list_of_projects_that_is_not_whole_is_read_again(
    site: Sandbox, tmp_path: Path, times: int, status: int
) -> None:
    """A project may come or go between two pages; a list that stays short is an error."""
    short = json.dumps({"values": [], "total": 3, "isLast": True})
    site.fault("/rest/api/2/project/search", status=200, headers=JSON, body=short, count=times)
    result = run(tmp_path, signed_in(site))
    assert result.status == status, result.log
    assert len(result.records) == (0 if status else 60)
    if status:
        assert "has 3 projects, and lists 0" in result.log.splitlines()[-1]


class TestManyProjects:
    """More projects than a page of projects holds."""

    @pytest.fixture
    def corpus(self) -> Corpus:
        """So many projects of few issues."""
        return Corpus.generate(seed=2, issues=130, projects=120)

    def test_every_page_of_projects_is_read(self, site: Sandbox, tmp_path: Path) -> None:
        """Issues of all of them arrive."""
        result = run(tmp_path, signed_in(site, fields=["summary"]))
        assert result.status == 0, result.log
        assert newest(result) == truth(site)
        assert asked(site, "/rest/api/2/project/search") == 3


def test_a_killed_run_in_a_lively_cloud_is_made_good_by_the_next_ones(tmp_path: Path) -> None:
    """After a kill, a live run and a quiet one, nothing is missing or old; one more brings nothing."""
    corpus = Corpus.generate(seed=1, issues=400, projects=2)
    nodes = {"a": (0, 0.1), "b": (0, 30)}
    with Sandbox(corpus=corpus, nodes=nodes, flavor="cloud", seed=1) as site:
        config = signed_in(site, page_size=20, pages_per_state=1, fields=["summary"])
        bulk = (Step("bulk", before_request=9, count=80), Step("bulk", before_request=20, count=40))
        site.play(Order(steps=bulk, per_request=1.0, seed=1))
        with started(tmp_path, config) as process:
            assert process.stdout is not None
            printed = b"".join(process.stdout.readline() for _ in range(100))
            process.kill()
            printed += process.stdout.read()
        runs = [Run(-9, messages(printed), "")]
        runs.append(run(tmp_path, config, runs[-1].states[-1]))
        assert len(site.deeds) > 20
        site.play(Order())
        site.clock.offset += 2 * MINUTE  # the index catches up
        runs.append(run(tmp_path, config, runs[-1].states[-1]))
        runs.append(run(tmp_path, config, runs[-1].states[-1]))
        assert [each.status for each in runs[1:]] == [0, 0, 0]
        emitted = newest(*runs)
        assert {id_: emitted.get(id_) for id_ in truth(site)} == truth(site)
        assert runs[-1].records == []
