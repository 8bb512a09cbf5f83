"""The census and what is deleted, against both flavours of Jira.

Most of it runs in this process, which takes a tenth of the time of the command.
"""

from __future__ import annotations

import io
import json
import re
import signal
from contextlib import redirect_stdout
from copy import deepcopy
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, Literal

import duckdb
import pytest

from sandbox import Corpus, Sandbox
from sandbox.script import Order
from sandbox.server import DEFAULT_USERS
from sandbox.users import User
from tap.below import catalog, run_with, select
from tap.command import Run, messages, started
from tap_jira_oauth.errors import TapError
from tap_jira_oauth.gate import StopRequestedError
from tap_jira_oauth.tap import TapJiraOAuth

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.journal import LogEntry

pytestmark = pytest.mark.any_version

README = Path(__file__).resolve().parents[2] / "tap-jira-oauth" / "README.md"
Flavor = Literal["data_center", "cloud"]
JSON = {"Content-Type": "application/json"}
STREAMS = ("issue_census", "deleted_issues")
CATALOG = catalog(STREAMS)
NARROW = User("narrow", "Sees one project", password="narrow", projects=frozenset({"ALPHA"}))


@pytest.fixture(params=["data_center", "cloud"])
def flavor(request: pytest.FixtureRequest) -> Flavor:
    """Each test runs with both."""
    found: Flavor = request.param
    return found


@pytest.fixture
def jira(flavor: Flavor) -> Iterator[Sandbox]:
    """60 issues in ALPHA (36), OPS (18) and WEB2 (6); a Data Center answers seven at a time."""
    corpus = Corpus.generate(seed=7, issues=60, projects=3)
    users = (*DEFAULT_USERS, NARROW)
    with Sandbox(corpus=corpus, flavor=flavor, page_cap=7, users=users) as sandbox:
        yield sandbox


def config(jira: Sandbox, **more: object) -> dict[str, Any]:
    """Settings of a user who may read everything."""
    user = {"auth_method": "basic", "username": "sandbox", "password": "sandbox"}
    return {"api_url": jira.url, **user, **more}


def read(
    settings: dict[str, Any],
    state: dict[str, Any] | None = None,
    selected: dict[str, Any] = CATALOG,
) -> Run:
    """Run the tap here; its log is the error that ended it."""
    output = io.TextIOWrapper(io.BytesIO())
    error = ""
    with redirect_stdout(output):
        try:
            TapJiraOAuth(config=settings, catalog=selected, state=deepcopy(state)).sync_all()
        except TapError as raised:
            error = str(raised)
    output.flush()
    printed = output.buffer
    assert isinstance(printed, io.BytesIO)
    return Run(1 if error else 0, messages(printed.getvalue()), error)


def there(jira: Sandbox, *projects: str) -> dict[str, str]:
    """The keys of the issues that there are, by id; of some projects alone."""
    issues = jira.world.corpus.snapshot().issues
    return {i.id: i.key for i in issues if not projects or i.project.key in projects}


def counted(run: Run) -> dict[str, str]:
    """The keys of a census, by id; it is one, and whole by its own word."""
    records = run.of("issue_census")
    assert len({(each["census_id"], each["taken_at"]) for each in records}) == 1
    assert {each["issues_in_census"] for each in records} == {len(records)}
    found = {each["id"]: each["key"] for each in records}
    assert len(found) == len(records)
    return found


def outcomes(run: Run) -> dict[str, tuple[str, str | None]]:
    """What became of each issue, with its new key, by id."""
    records = run.of("deleted_issues")
    found = {each["id"]: (each["outcome"], each["new_key"]) for each in records}
    assert len(found) == len(records)
    return found


def remembered(state: dict[str, Any]) -> dict[str, str]:
    """The ids of each project in a state, as they stand there."""
    partitions = state["bookmarks"].get("deleted_issues", {}).get("partitions", [])
    return {each["project_key"]: each["ids"] for each in partitions}


def id_of(jira: Sandbox, key: str) -> str:
    """The id of an issue."""
    return jira.world.corpus.snapshot().by_key[key].id


def test_what_is_gone_is_told_once_and_told_apart(jira: Sandbox, tmp_path: Path) -> None:
    """Deleted, and moved out of the projects to read; not what is moved between those, new, or edited."""
    settings = config(
        jira, project_keys=["alpha", "OPS"], jql="status = Done", start_date="2030-01-01"
    )
    options = select(tmp_path, STREAMS)
    first = run_with(tmp_path, settings, options)
    assert first.status == 0, first.log
    assert jira.requests[0].path == "/rest/api/2/myself", "who we are is asked first"
    assert counted(first) == there(jira, "ALPHA", "OPS")
    assert outcomes(first) == {}
    assert [set(remembered(state)) for state in first.states][-2:] == [set(), {"ALPHA", "OPS"}]
    moved, inside, gone = (id_of(jira, f"ALPHA-{number}") for number in (3, 4, 2))
    jira.delete("ALPHA-2")
    new_key = jira.move("ALPHA-3", "WEB2")
    jira.move("ALPHA-4", "OPS")
    jira.create("OPS")
    jira.edit(count=5)
    second = run_with(tmp_path, settings, options, first.states[-1])
    assert second.status == 0, second.log
    assert counted(second) == there(jira, "ALPHA", "OPS")
    assert inside in counted(second)
    assert outcomes(second) == {gone: ("deleted", None), moved: ("moved", new_key)}
    for record in second.of("deleted_issues"):
        assert record["project_key"] == "ALPHA"
        assert record["last_seen_at"] == first.of("issue_census")[0]["taken_at"]
        assert record["noticed_at"] >= second.of("issue_census")[0]["taken_at"]
    third = read(settings, second.states[-1])
    assert outcomes(third) == {}
    assert remembered(third.states[-1]) == remembered(second.states[-1])
    # A project that is not read is not compared; when it is again, its census is still there.
    jira.delete("OPS-2")
    alone = read(config(jira, project_keys=["ALPHA"]), third.states[-1])
    assert outcomes(alone) == {}
    fourth = read(settings, alone.states[-1])
    assert [what for what, _ in outcomes(fourth).values()] == ["deleted"]


def test_nothing_is_missed_while_people_move_and_delete(jira: Sandbox) -> None:
    """Before nearly every request something happens; what stays is counted, what goes is told in this run or the next."""
    first = read(config(jira, max_deleted_percent=100))
    before = there(jira)
    jira.play(Order(per_request=0.9, mix={"delete": 1.0, "move": 1.0, "create": 0.5}, seed=3))
    second = read(config(jira, max_deleted_percent=100), first.states[-1])
    assert second.status == 0, second.log
    assert len(jira.deeds) > 10
    jira.play(Order())
    moves = [key for deed in jira.deeds if deed.action == "move" for key in deed.keys]
    assert moves
    assert before.keys() & there(jira).keys() <= counted(second).keys()
    third = read(config(jira, max_deleted_percent=100), second.states[-1])
    assert counted(third) == there(jira)
    gone = {**outcomes(second), **outcomes(third)}
    assert {what for what, _ in gone.values()} == {"deleted"}
    assert before.keys() - there(jira).keys() <= gone.keys()
    assert not gone.keys() & there(jira).keys()


def test_a_lost_permission_is_no_deletion(jira: Sandbox) -> None:
    """More than a share of a project is not believed, and the old census stays; a few issues are said to be invisible."""
    first = read(config(jira))
    narrow = config(jira, username="narrow", password="narrow")
    second = read(narrow, first.states[-1])
    assert second.status == 1
    said = second.log
    assert "OPS: more than 10 % of its 18 issues are gone at once" in said
    assert "max_deleted_percent" in said
    assert counted(second) == there(jira, "ALPHA")
    assert set(outcomes(second)) == set(there(jira, "WEB2"))
    assert {what for what, _ in outcomes(second).values()} == {"invisible"}
    old, new = remembered(first.states[-1]), remembered(second.states[-1])
    assert new == {"ALPHA": old["ALPHA"], "OPS": old["OPS"]}
    back = read(config(jira), second.states[-1])
    assert (back.status, outcomes(back)) == (0, {})
    believed = {**narrow, "max_deleted_percent": 100}
    third = read(believed, second.states[-1])
    assert third.status == 0, third.log
    assert set(outcomes(third)) == set(there(jira, "OPS"))
    assert remembered(third.states[-1]) == {"ALPHA": old["ALPHA"]}


def test_a_great_deletion_is_believed_when_somebody_says_so(jira: Sandbox) -> None:
    """Until then the project's old census stays, beside the new ones of the others."""
    first = read(config(jira))
    gone = {id_of(jira, key) for key in sorted(there(jira, "ALPHA").values())[:12]}
    for id_ in gone:
        jira.delete(there(jira)[id_])
    other = id_of(jira, "OPS-2")
    jira.delete("OPS-2")
    second = read(config(jira), first.states[-1])
    assert "ALPHA: more than 10 % of its 36 issues" in second.log
    assert outcomes(second) == {other: ("deleted", None)}
    old, new = remembered(first.states[-1]), remembered(second.states[-1])
    assert (new["ALPHA"], new["WEB2"]) == (old["ALPHA"], old["WEB2"])
    assert new["OPS"] != old["OPS"]
    third = read(config(jira, max_deleted_percent=34), second.states[-1])
    assert outcomes(third) == dict.fromkeys(gone, ("deleted", None))


def test_an_issue_that_the_search_does_not_find_is_not_gone(jira: Sandbox) -> None:
    """It is looked for by its id, and remembered."""
    only = config(jira, project_keys=["WEB2"])
    first = read(only)
    issues = [{"id": id_, "key": key} for id_, key in counted(first).items()]
    shown = [issues[0], *issues[2:]]
    body = {"issues": shown, "total": len(shown), "maxResults": 7, "isLast": True}
    jira.fault("/rest/api/2/search", status=200, headers=JSON, body=body)
    second = read(only, first.states[-1])
    assert len(counted(second)) == len(issues) - 1
    assert outcomes(second) == {}
    assert remembered(second.states[-1]) == remembered(first.states[-1])


def test_a_project_that_cannot_be_read_makes_no_half_census(jira: Sandbox) -> None:
    """The run fails without a record; with `skip` it is left out, and compared with nothing."""
    first = read(config(jira))
    keys = {"project_keys": ["ALPHA", "NOPE"]}
    failed = read(config(jira, **keys), first.states[-1])
    assert failed.status == 1
    assert "NOPE" in failed.log
    assert failed.records == []
    assert remembered(failed.states[-1]) == remembered(first.states[-1])
    skip = config(jira, **keys, on_inaccessible_project="skip")
    skipped = read(skip, first.states[-1])
    assert skipped.status == 0, skipped.log
    assert counted(skipped) == there(jira, "ALPHA")
    search = "/rest/api/2/search/jql" if jira.flavor == "cloud" else "/rest/api/2/search"
    body = {"errorMessages": ["The value 'ALPHA' does not exist for the field 'project'."]}
    jira.fault(search, status=400, headers=JSON, body=body)
    hidden = {**config(jira), "on_inaccessible_project": "skip", "max_concurrent_requests": 1}
    half = read(hidden, first.states[-1])
    assert half.status == 0, half.log
    assert counted(half) == there(jira, "OPS", "WEB2")
    assert outcomes(half) == {}
    assert remembered(half.states[-1]) == remembered(first.states[-1])


def test_a_census_that_is_stopped_is_none(jira: Sandbox, tmp_path: Path) -> None:
    """No record of it is printed, the old one stays, and the next run finds what was deleted."""
    options = select(tmp_path, STREAMS)
    first = read(config(jira))
    jira.delete("ALPHA-2")
    busy = {"Retry-After": "500"}
    jira.fault("/rest/api/2/search", status=429, headers=busy, skip=2)
    with started(tmp_path, config(jira), first.states[-1], *options) as process:
        deadline = monotonic() + 30
        while "waiting" not in (tmp_path / "log").read_text() and monotonic() < deadline:
            sleep(0.05)
        process.terminate()
        output, _ = process.communicate(timeout=10)
    assert process.returncode == 143
    stopped = Run(143, messages(output), "")
    assert stopped.records == []
    assert remembered(stopped.states[-1]) == remembered(first.states[-1])
    again = read(config(jira), stopped.states[-1])
    assert [what for what, _ in outcomes(again).values()] == ["deleted"]


def test_issues_are_looked_at_one_by_one_where_that_tells_more(
    jira: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """403 is invisible, not deleted; and what is not found together is not yet gone."""
    first = read(config(jira, project_keys=["ALPHA"]))
    moved, hidden = id_of(jira, "ALPHA-3"), id_of(jira, "ALPHA-2")
    jira.delete("ALPHA-2")
    new_key = jira.move("ALPHA-3", "OPS")
    body = {"errorMessages": ["You do not have the permission to see the specified issue."]}
    jira.fault(f"/rest/api/2/issue/{hidden}", status=403, headers=JSON, body=body)
    bulk = "/rest/api/2/issue/bulkfetch"
    if jira.flavor == "data_center":
        bulk = "/rest/api/2/search"
        # The census has six pages: 34 issues, seven in each, tied by one row; and one more look.
        jira.fault(bulk, status=400, headers=JSON, body={"errorMessages": ["No."]}, skip=7)
    else:
        jira.fault(bulk, status=403, headers=JSON, body={"errorMessages": ["No."]})
    second = read(config(jira, project_keys=["ALPHA"]), first.states[-1])
    assert second.status == 0, second.log
    assert "These issues are not looked for together" in caplog.text
    assert outcomes(second) == {hidden: ("invisible", None), moved: ("moved", new_key)}


class TestOnDataCenter:
    """What does not depend on the flavour."""

    @pytest.fixture
    def flavor(self) -> Flavor:
        """One of them is enough."""
        return "data_center"

    def test_a_damaged_state_is_refused(self, jira: Sandbox) -> None:
        """With what to do; the census itself is printed."""
        first = read(config(jira))
        state = first.states[-1]
        state["bookmarks"]["deleted_issues"]["partitions"][0]["ids"] = "AAAA"
        second = read(config(jira), state)
        assert second.status == 1
        assert "The state of deleted_issues is unreadable" in second.log
        assert counted(second) == there(jira)

    def test_a_stop_is_heeded_before_the_next_page(self, jira: Sandbox) -> None:
        """Nothing of the census is printed."""
        tap = TapJiraOAuth(config=config(jira, max_concurrent_requests=1), catalog=CATALOG)
        searches: list[str] = []

        def stop(entry: LogEntry) -> None:
            searches.extend([entry.path] if entry.path.endswith("/search") else [])
            if len(searches) == 3:
                tap._handle_termination(signal.SIGTERM, None)  # noqa: SLF001 - what the signal calls

        jira.before_request.append(stop)
        output = io.TextIOWrapper(io.BytesIO())
        with redirect_stdout(output), pytest.raises(StopRequestedError):
            tap.sync_all()
        assert len(searches) == 3
        output.flush()
        assert isinstance(output.buffer, io.BytesIO)
        assert Run(0, messages(output.buffer.getvalue()), "").records == []

    def test_a_stop_while_a_census_is_printed_ends_the_run_there(self, jira: Sandbox) -> None:
        """What is deleted is for the next run to tell: the old census stays."""
        first = read(config(jira))
        jira.delete("ALPHA-2")
        tap = TapJiraOAuth(config=config(jira), catalog=CATALOG, state=first.states[-1])

        class Output(io.BytesIO):
            """Stops the tap when a record is printed."""

            def write(self, text: Any) -> int:
                if b'"RECORD"' in bytes(text):
                    tap._handle_termination(signal.SIGTERM, None)  # noqa: SLF001 - what the SDK calls on SIGTERM
                return super().write(text)

        printed = Output()
        output = io.TextIOWrapper(printed, write_through=True)
        with redirect_stdout(output), pytest.raises(StopRequestedError):
            tap.sync_all()
        stopped = Run(143, messages(printed.getvalue()), "")
        assert stopped.messages[-1]["type"] == "STATE"
        assert len(stopped.of("issue_census")) == 59
        assert stopped.of("deleted_issues") == []
        assert remembered(stopped.states[-1]) == remembered(first.states[-1])

    def test_the_sql_of_the_readme_says_what_is_there_and_what_is_gone(
        self, jira: Sandbox, tmp_path: Path
    ) -> None:
        """The newest versions of what there is, what came back included; what the last whole census lacks."""
        chosen = catalog(("issues", *STREAMS))
        both = config(jira, project_keys=["ALPHA", "OPS"])
        runs = [read(both, selected=chosen)]
        jira.edit(count=3)
        gone = {id_of(jira, key) for key in ("ALPHA-2", "ALPHA-3", "OPS-2")}
        jira.delete("ALPHA-2")
        jira.delete("OPS-2")
        away = jira.move("ALPHA-3", "WEB2")
        jira.clock.offset += 60
        runs.append(read(both, runs[-1].states[-1], chosen))
        jira.clock.offset += 60
        cut = read(both, runs[-1].states[-1], CATALOG).of("issue_census")[:10]
        newest, compared = (query_of(tmp_path, runs, cut, number) for number in (0, 1))
        assert sorted(newest) == sorted(there(jira, "ALPHA", "OPS").items())
        assert {id_ for id_, _ in compared} == gone
        assert len(compared) == len(gone)
        jira.move(away, "ALPHA")
        jira.clock.offset += 60
        one = config(jira, project_keys=["ALPHA"])
        runs.append(read(one, runs[-1].states[-1], chosen))
        newest, compared = (query_of(tmp_path, runs, cut, number) for number in (0, 1))
        assert sorted(newest) == sorted(there(jira, "ALPHA", "OPS").items())
        assert compared == []


def query_of(
    folder: Path, runs: list[Run], cut: list[dict[str, Any]], number: int
) -> list[tuple[str, str]]:
    """Put the README's query of that number to what runs printed, and a census that was cut; return ids and keys."""
    query = re.findall(r"```sql\n(.*?)```", README.read_text("utf-8"), re.DOTALL)[number]
    database = duckdb.connect()
    for stream in ("issues", *STREAMS):
        rows = [row for run in runs for row in run.of(stream)]
        rows += cut if stream == "issue_census" else []
        lines = (json.dumps({k: v for k, v in row.items() if k != "fields"}) for row in rows)
        path = folder / f"{stream}.jsonl"
        path.write_text("\n".join(lines))
        database.read_json(str(path)).create_view(stream)
    found = database.sql(query).select("id, key").fetchall()
    return [(str(id_), key) for id_, key in found]
