"""Streams that a Jira cannot serve are errors with advice, after all others; lists of many things overlap."""

from __future__ import annotations

import re
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import Corpus, Sandbox
from sandbox.agile import sprint_body
from sandbox.texts import board_of_sprint
from tap.below import catalog, run_with, select
from tap.command import Run, messages, started
from tap_jira_oauth.errors import AccessError, ConfigurationError
from tap_jira_oauth.streams.served import lacking
from tap_jira_oauth.tap import TapJiraOAuth
from tap_jira_oauth.unserved import Needs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox.journal import LogEntry

pytestmark = pytest.mark.any_version

JSON = {"Content-Type": "application/json"}
NOWHERE = {"message": "null for uri", "status-code": 404}
REFUSED = {"errorMessages": ["You are not allowed."]}
PROJECTS = 5


@pytest.fixture
def jira() -> Iterator[Sandbox]:
    """A Data Center with a few projects."""
    with Sandbox(corpus=Corpus.generate(seed=7, issues=40, projects=PROJECTS)) as sandbox:
        yield sandbox


def config(jira: Sandbox, **more: object) -> dict[str, Any]:
    """Settings with a sign-in."""
    user = {"auth_method": "basic", "username": "sandbox", "password": "sandbox"}
    return {"api_url": jira.url, **user, **more}


def last_lines(run: Run) -> list[str]:
    """What the log says at its end about streams that could not be served."""
    return [line for line in run.log.splitlines() if "CRITICAL" in line]


def versions(run: Run) -> dict[str, int]:
    """The version that was said of each stream."""
    said = [each for each in run.messages if each["type"] == "ACTIVATE_VERSION"]
    assert len({each["stream"] for each in said}) == len(said)
    return {each["stream"]: each["version"] for each in said}


def test_what_cannot_be_served_ends_the_run_after_all_others(jira: Sandbox, tmp_path: Path) -> None:
    """Boards that are not there, a project, priorities that are refused: a line each; what was read is whole."""
    jira.fault("/rest/agile/1.0/board", status=404, headers=JSON, body=NOWHERE)
    jira.fault("/rest/api/2/priority", status=403, headers=JSON, body=REFUSED)
    # Jira says 401 to users without a right, too; they are still signed in.
    jira.fault("/rest/api/2/resolution", status=401, headers=JSON, body=REFUSED)
    streams = ("boards", "issues", "labels", "priorities", "resolutions", "statuses", "users")
    keys = [project.key for project in jira.world.corpus.snapshot().projects]
    settings = config(jira, project_keys=[*keys, "SECRET"])
    result = run_with(tmp_path, settings, select(tmp_path, streams))
    assert result.status == 1
    assert len(result.of("issues")) == 40
    assert result.of("statuses")
    assert result.of("users")
    boards, issues, labels, priorities, resolutions = last_lines(result)
    assert "cannot see project SECRET" in issues
    assert "only Jira Cloud has /rest/api/2/label, and this is Jira Data Center" in labels
    assert "cannot serve the stream 'boards': it has nothing at /rest/agile/1.0/board" in boards
    assert "It takes Jira Software; deselect" in boards
    assert "does not let the signed-in user read the stream 'priorities'" in priorities
    assert "/rest/api/2/priority: HTTP 403: You are not allowed." in priorities
    assert "Ask a Jira administrator for it, or deselect the stream" in priorities
    assert "'resolutions'" in resolutions
    assert versions(result).keys() == {"statuses", "users"}, "of what was read whole"
    with started(tmp_path, config(jira), None, "--discover") as process:
        process.communicate(timeout=60)
    said = (tmp_path / "log").read_text()
    assert re.search("Not to be selected, since only Jira Cloud has them: .*labels", said)


def test_a_401_of_a_sign_in_that_has_ended_ends_the_run_at_once(
    jira: Sandbox, tmp_path: Path
) -> None:
    """No stream after it is asked for: it is not a matter of one stream."""
    jira.fault("/rest/api/2/myself", status=401, headers=JSON, body=REFUSED, skip=1)
    jira.fault("/rest/api/2/resolution", status=401, headers=JSON, body=REFUSED)
    result = run_with(tmp_path, config(jira), select(tmp_path, ("resolutions", "statuses")))
    assert result.status == 1
    assert "Check the credentials" in last_lines(result)[0]
    assert not result.of("statuses")


def test_what_may_not_be_seen_of_one_project_is_named(jira: Sandbox, tmp_path: Path) -> None:
    """All others are read, and the run fails, unless `on_inaccessible_project` lets it pass."""
    projects = jira.world.corpus.snapshot().projects
    path = f"/rest/api/2/project/{projects[1].id}/versions"
    options = select(tmp_path, ("project_role_actors", "project_versions", "users"))
    last = max(projects, key=lambda project: project.key)
    found = []
    for setting in ("fail", "skip"):
        jira.fault(path, status=403, headers=JSON, body=REFUSED)
        # The lists of the projects before it are under way when this one is refused.
        jira.fault(f"/rest/api/2/project/{last.id}/role", status=403, headers=JSON, body=REFUSED)
        settings = config(jira, on_inaccessible_project=setting)
        result = run_with(tmp_path, settings, options)
        found.append(result)
        keys = {record["project_key"] for record in result.of("project_versions")}
        assert keys == {project.key for project in projects} - {projects[1].key}
        keys = {record["project_key"] for record in result.of("project_role_actors")}
        assert keys == {project.key for project in projects} - {last.key}
        assert versions(result).keys() == {"users"}
        assert f"Of project {last.key}: Jira does not let" in result.log
        assert f"Of project {projects[1].key}: Jira does not let" in result.log
    assert [result.status for result in found] == [1, 0]
    jira.fault("/rest/api/2/project/", status=403, headers=JSON, body=REFUSED, count=99)
    settings = config(jira, on_inaccessible_project="skip")
    nothing = run_with(tmp_path, settings, select(tmp_path, ("project_versions",)))
    assert nothing.status == 1, "what may be seen of no project at all is no success"


def test_a_project_that_is_deleted_meanwhile_has_no_versions(jira: Sandbox, tmp_path: Path) -> None:
    """That is no error: Jira itself says that there is none of that id."""
    gone = jira.world.corpus.snapshot().projects[1]
    body = {"errorMessages": ["No project could be found."]}
    path = f"/rest/api/2/project/{gone.id}/versions"
    jira.fault(path, status=404, headers=JSON, body=body)
    result = run_with(tmp_path, config(jira), select(tmp_path, ("project_versions",)))
    assert result.status == 0, result.log
    assert f"project_versions: there are none of project {gone.key}" in result.log
    assert versions(result).keys() == {"project_versions"}


@pytest.mark.parametrize(("mine", "other"), [("cloud", "data_center"), ("data_center", "cloud")])
def test_a_stream_of_the_other_flavour_says_so(mine: str, other: str) -> None:
    """Without a request, by the name of the stream."""
    is_cloud = mine == "cloud"
    needs = Needs("labels", "/rest/api/2/label", frozenset({other}), "Jira", "")
    said = needs.wrong_flavor(is_cloud=is_cloud)
    assert said is not None
    assert "'labels'" in said
    assert "Deselect the stream" in said
    both = Needs("labels", "/rest/api/2/label", frozenset({mine}), "Jira", "")
    assert both.wrong_flavor(is_cloud=is_cloud) is None


def test_a_refusal_names_the_right_and_an_absence_the_product() -> None:
    """What a person has to ask for stands in the line."""
    needs = Needs("screens", "/rest/x", frozenset({"cloud"}), "Jira Software", "'Administer Jira'")
    assert "It takes 'Administer Jira'." in needs.refused(AccessError("HTTP 403."))
    assert "It takes Jira Software;" in needs.refused(ConfigurationError("HTTP 404."))


def test_lists_of_many_things_overlap_within_the_budget_and_keep_their_order(
    jira: Sandbox, tmp_path: Path
) -> None:
    """As many requests as `max_concurrent_requests`, and never more; records in the order of the projects."""
    jira.before_request.append(lambda _: sleep(0.03))
    options = select(tmp_path, ("project_versions", "board_issues"))
    result = run_with(tmp_path, config(jira, max_concurrent_requests=3), options)
    assert result.status == 0, result.log
    for end in ("/versions", "/issue"):
        flights = [each.in_flight for each in jira.requests if each.path.endswith(end)]
        assert max(flights) == 3, end
    assert max(each.in_flight for each in jira.requests) == 3
    came = list(dict.fromkeys(each["project_key"] for each in result.of("project_versions")))
    assert came == sorted(each.key for each in jira.world.corpus.snapshot().projects)
    positions = [each["position"] for each in result.of("board_issues") if each["board_id"] == 1]
    assert positions == list(range(len(positions)))


def test_a_stop_while_lists_are_read_ends_the_run_cleanly(jira: Sandbox, tmp_path: Path) -> None:
    """Status 143 in a wait that would last for minutes; no version is said of a part of a list."""
    path = f"/rest/api/2/project/{jira.world.corpus.snapshot().projects[3].id}/versions"
    jira.fault(path, status=429, headers={"Retry-After": "500"}, count=9)
    options = select(tmp_path, ("project_versions", "users"))
    with started(tmp_path, config(jira), None, *options) as process:
        deadline = monotonic() + 30
        while "waiting" not in (tmp_path / "log").read_text() and monotonic() < deadline:
            sleep(0.05)
        process.terminate()
        output, _ = process.communicate(timeout=10)
    stopped = Run(process.returncode, messages(output), "")
    assert stopped.status == 143
    assert versions(stopped) == {}
    assert stopped.of("users") == []


def test_a_stop_between_two_lists_asks_for_no_more(jira: Sandbox, tmp_path: Path) -> None:
    """Also where nothing has to wait: what is under way is printed, the rest is not asked for."""

    def slow(entry: LogEntry) -> None:
        if entry.path.endswith("/versions"):
            sleep(0.3)

    jira.before_request.append(slow)
    options = select(tmp_path, ("project_versions", "users"))
    settings = config(jira, max_concurrent_requests=1)
    with started(tmp_path, settings, None, *options) as process:
        assert process.stdout is not None
        output = b"".join(process.stdout.readline() for _ in range(3))
        process.terminate()
        output += process.stdout.read()
        assert process.wait(timeout=10) == 143
    stopped = Run(143, messages(output), "")
    assert stopped.of("project_versions")
    assert versions(stopped) == {}
    assert stopped.of("users") == []
    assert sum(1 for each in jira.requests if each.path.endswith("/versions")) < PROJECTS


def test_a_sprint_on_two_boards_is_asked_for_once(jira: Sandbox, tmp_path: Path) -> None:
    """It is a record for each board, and its issues are in it once."""
    other = next(number for number in (2, 3) if number != board_of_sprint(1))
    page = {"maxResults": 50, "startAt": 0, "isLast": True, "values": [sprint_body(1)]}
    path = f"/rest/agile/1.0/board/{other}/sprint"
    jira.fault(path, status=200, headers=JSON, body=page, count=2)
    result = run_with(tmp_path, config(jira), select(tmp_path, ("sprint_issues", "sprints")))
    assert result.status == 0, result.log
    boards = {each["board_id"] for each in result.of("sprints") if each["id"] == 1}
    assert boards == {board_of_sprint(1), other}
    asked = [each.path for each in jira.requests if each.path.endswith("/sprint/1/issue")]
    assert len(asked) == 1


def test_a_version_follows_the_last_record_and_rises_with_the_servers_clock(
    jira: Sandbox, tmp_path: Path
) -> None:
    """Each record carries it; before the first one none is said, since a target would delete too early."""
    options = select(tmp_path, ("issues", "statuses"))
    first = run_with(tmp_path, config(jira), options)
    jira.clock.offset += 5
    second = run_with(tmp_path, config(jira), options)
    off = run_with(tmp_path, config(jira, emit_activate_version_messages=False), options)
    said = [versions(each)["statuses"] for each in (first, second)]
    assert 5 <= said[1] - said[0] < 60
    assert said[1] < 2**31, "SQL targets of the SDK keep 32 bits"
    mine = [each for each in first.messages if each.get("stream") == "statuses"]
    assert {each["version"] for each in mine if each["type"] == "RECORD"} == {said[0]}
    types = [each["type"] for each in mine]
    assert types[0] == "SCHEMA"
    assert types[1:] == ["RECORD"] * (len(types) - 2) + ["ACTIVATE_VERSION"]
    assert not any("version" in each for each in first.messages if each.get("stream") == "issues")
    assert versions(off) == {}
    assert not any("version" in each for each in off.messages if each["type"] == "RECORD")


def test_a_board_with_more_rows_than_a_search_gives_is_not_cut_short_in_silence(
    tmp_path: Path,
) -> None:
    """At once and not after many retries; other boards are read, and no version is said of the list."""
    corpus = Corpus.generate(seed=7, issues=60, projects=3)
    homes = [issue.project.key for issue in corpus.snapshot().issues]
    with Sandbox(corpus=corpus, page_cap=10, window=20) as jira:
        options = select(tmp_path, ("board_issues", "statuses"))
        began = monotonic()
        failed = run_with(tmp_path, config(jira), options)
        assert monotonic() - began < 20
        skipped = run_with(tmp_path, config(jira, on_inaccessible_project="skip"), options)
    assert [failed.status, skipped.status] == [1, 0]
    (line,) = last_lines(failed)
    assert "Of board 1" in line
    assert "Search limit exceeded" in line
    assert "jira.search.platform.max.result.window" in line
    for run in (failed, skipped):
        assert versions(run).keys() == {"statuses"}
        rows = [record["issue_key"].split("-")[0] for record in run.of("board_issues")]
        assert rows.count("OPS") >= homes.count("OPS")
    assert "Search limit exceeded" in skipped.log


def test_lists_that_are_nowhere_are_an_error_where_each_should_be_somewhere(
    jira: Sandbox, tmp_path: Path
) -> None:
    """Every screen has tabs. That no board has sprints is no wonder."""
    nothing = {"errorMessages": ["There is none."]}
    for path in ("/rest/api/2/screens/", "/rest/agile/1.0/board/"):
        jira.fault(path, status=404, headers=JSON, body=nothing, count=999)
    streams = ("screen_tabs", "sprints", "statuses")
    result = run_with(tmp_path, config(jira), select(tmp_path, streams))
    assert result.status == 1
    (line,) = last_lines(result)
    assert "screen_tabs: Jira says that there are none of screen" in line
    assert "which is all: " in line
    assert versions(result).keys() == {"sprints", "statuses"}


def test_a_board_that_jira_cannot_show_is_named_and_keeps_the_version_back(
    jira: Sandbox, tmp_path: Path
) -> None:
    """Its filter is broken, for one: what a target has of it stays."""
    broken = {"errorMessages": ["The filter of the board does not work."]}
    path = "/rest/agile/1.0/board/1/configuration"
    jira.fault(path, status=400, headers=JSON, body=broken)
    streams = ("board_configurations", "statuses")
    result = run_with(tmp_path, config(jira), select(tmp_path, streams))
    assert result.status == 0, result.log
    ids = {record["id"] for record in result.of("board_configurations")}
    assert 1 not in ids
    assert ids
    (line,) = [line for line in result.log.splitlines() if "there are none of board 1:" in line]
    assert "WARNING" in line
    assert versions(result).keys() == {"statuses"}


def test_a_look_at_what_is_served_leaves_nothing_behind(
    jira: Sandbox, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    """Who discovers and reads with one and the same tap has the whole lists."""
    streams = ("project_versions", "users")
    tap = TapJiraOAuth(config=config(jira), catalog=catalog(streams))
    tap.sync_all()
    whole = Run(0, messages(capsysbinary.readouterr().out), "")
    tap = TapJiraOAuth(config=config(jira), catalog=catalog(streams))
    lacks, untried = lacking(tap.served, tap.jira)
    assert (set(lacks), untried) == ({"field_contexts", "labels", "screen_schemes"}, {})
    tap.sync_all()
    after = Run(0, messages(capsysbinary.readouterr().out), "")
    for stream in streams:
        assert len(after.of(stream)) == len(whole.of(stream)) > 1
