"""Remote links, watchers, votes, transitions and properties: what is in no search, of the issues that changed."""

from __future__ import annotations

from collections import Counter
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import Corpus, Sandbox
from sandbox.cloud import account_id
from sandbox.faults import Fault
from sandbox.reference import STATUSES
from tap.below import run_with, select
from tap.command import Run, messages, started
from tap_jira_oauth.streams.of_issues import OF_ISSUES_STREAMS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox.issue import Issue

pytestmark = pytest.mark.any_version

NAMES = tuple(stream.name for stream in OF_ISSUES_STREAMS)
ISSUES = 24
JSON = {"Content-Type": "application/json"}

Below = dict[str, dict[str, set[str]]]


@pytest.fixture
def flavor() -> str:
    """Which Jira it is; a test that wants another one says so by a parameter."""
    return "data_center"


@pytest.fixture
def jira(flavor: Any) -> Iterator[Sandbox]:
    """A few issues, of which some have each of the lists and some have not."""
    corpus = Corpus.generate(seed=7, issues=ISSUES, projects=2)
    with Sandbox(corpus=corpus, flavor=flavor) as sandbox:
        yield sandbox


def config(jira: Sandbox, **more: object) -> dict[str, Any]:
    """Settings that both flavours take, with pages so small that there are several."""
    user = {"auth_method": "basic", "username": "sandbox", "password": "sandbox"}
    return {"api_url": jira.url, **user, "page_size": 5, "pages_per_state": 1, **more}


def there(jira: Sandbox) -> Below:
    """What is below each issue that has anything: ids, by stream."""
    found: Below = {}
    for issue in jira.world.corpus.snapshot().issues:
        for stream, ids in of_issue(jira, issue).items():
            if ids:
                found.setdefault(stream, {})[issue.id] = ids
    return found


def of_issue(jira: Sandbox, issue: Issue) -> dict[str, set[str]]:
    """The ids of everything below one issue."""
    below = jira.world.corpus.children

    def people(kind: str) -> set[str]:
        users = below.people(kind, issue.id)
        if jira.flavor == "cloud":
            return {account_id(user["name"]) for user in users}
        return {user["key"] for user in users}

    status = issue.fields["status"]["id"]
    return {
        "issue_remote_links": {str(link["id"]) for link in below.remote_links(issue)},
        "issue_watchers": people("watchers"),
        "issue_votes": people("votes"),
        "issue_transitions": {f"{each['id']}1" for each in STATUSES if each["id"] != status},
        "issue_properties": set(below.properties(issue.id)),
    }


def came(*runs: Run) -> Below:
    """The ids below the newest printed version of each issue."""
    newest: dict[str, str] = {}
    for run in runs:
        for record in run.of("issues"):
            newest[record["id"]] = max(record["updated"], newest.get(record["id"], ""))
    found: Below = {}
    for run in runs:
        for stream in NAMES:
            for record in run.of(stream):
                if record["issue_updated"] == newest.get(record["issue_id"]):
                    ids = found.setdefault(stream, {}).setdefault(record["issue_id"], set())
                    ids.add(record["id"])
    return found


@pytest.mark.parametrize("flavor", ["data_center", "cloud"])
def test_all_of_it_comes_once_of_the_issues_that_changed_and_survives_a_kill(
    jira: Sandbox, tmp_path: Path
) -> None:
    """A request an issue at most, none for transitions, for votes and watchers only where the search counts any."""
    options = select(tmp_path, ("issues", *NAMES))
    first = run_with(tmp_path, config(jira), options)
    assert first.status == 0, first.log
    truth = there(jira)
    assert set(truth) == set(NAMES)
    assert came(first) == truth
    ids = [(name, each["issue_id"], each["id"]) for name in NAMES for each in first.of(name)]
    assert len(ids) == len(set(ids))
    asked = Counter(each.path.rsplit("/", 1)[1] for each in jira.requests)
    assert asked["remotelink"] == ISSUES
    assert asked["transitions"] == 0
    assert asked["watchers"] == len(truth["issue_watchers"])
    assert asked["votes"] == len(truth["issue_votes"])
    for name in NAMES:
        tally = first.summary["streams"][name]
        assert tally["records"] == len(first.of(name))
        assert tally["requests"] <= ISSUES
    values = {each["id"]: each["value"] for each in first.of("issue_properties")}
    assert values["app.note"] == "a/b"
    assert values["app.checklist"]["items"][0]["done"] is False

    before = len(jira.requests)
    edited = jira.edit(count=2, seed=3)
    second = run_with(tmp_path, config(jira), options, first.states[-1])
    assert {each["issue_key"] for each in second.of("issue_transitions")} == set(edited)
    assert came(first, second) == there(jira)
    again = [each for each in jira.requests[before:] if each.path.endswith("/remotelink")]
    assert len(again) == len(edited)

    states = [at for at, each in enumerate(first.messages) if each["type"] == "STATE"]
    killed = Run(-9, first.messages[: (states[2] + states[3]) // 2], "")
    resumed = run_with(tmp_path, config(jira), options, killed.states[-1])
    assert came(killed, resumed) == there(jira)


def test_lists_that_may_not_be_seen_are_counted_and_named(jira: Sandbox, tmp_path: Path) -> None:
    """Watchers that the search counts and Jira does not show, and a 403: neither looks like nobody."""
    watched, voted = (
        next(
            issue
            for issue in jira.world.corpus.snapshot().issues
            if jira.world.corpus.children.people(kind, issue.id)
        )
        for kind in ("watchers", "votes")
    )
    hidden = {"watchCount": 2, "watchers": []}
    path = f"/rest/api/2/issue/{watched.id}/watchers"
    jira.fault(path, status=200, headers=JSON, body=hidden)
    body = {"errorMessages": ["You may not see who voted."]}
    jira.fault(f"/rest/api/2/issue/{voted.id}/votes", status=403, headers=JSON, body=body)
    options = select(tmp_path, ("issues", "issue_votes", "issue_watchers"))
    result = run_with(tmp_path, config(jira, page_size=100, fields=["summary"]), options)
    assert result.status == 0, result.log
    for name, issue in (("issue_watchers", watched), ("issue_votes", voted)):
        assert result.summary["streams"][name]["unreadable"] == 1
        assert f"{name}: 1 list may not be seen by the signed-in user, of {issue.key}" in result.log
        left = there(jira)[name]
        del left[issue.id]
        assert came(result)[name] == left
    assert not any(record["fields"].keys() & {"votes", "watches"} for record in result.of("issues"))


def test_a_run_that_is_to_stop_finishes_no_page_of_slow_lists(
    jira: Sandbox, tmp_path: Path
) -> None:
    """Each is a request, and there may be hundreds; the page comes again, with all its lists."""
    lists = Fault("/rest/api/2/issue/", count=10**6, delay=1.0)
    jira.world.faults.add(lists)
    mine = config(jira, page_size=100, max_concurrent_requests=1, fields=["summary"])
    options = select(tmp_path, ("issues", "issue_remote_links"))
    with started(tmp_path, mine, None, *options) as process:
        deadline = monotonic() + 30
        while not any("/remotelink" in entry.path for entry in jira.requests):
            assert monotonic() < deadline
            sleep(0.05)
        process.terminate()
        output, _ = process.communicate(timeout=8)
    assert process.returncode == 143
    lists.count = 0
    stopped = Run(143, messages(output), "")
    again = run_with(tmp_path, mine, options, stopped.states[-1])
    name = "issue_remote_links"
    assert came(stopped, again) == {name: there(jira)[name]}
