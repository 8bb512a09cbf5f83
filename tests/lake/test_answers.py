"""The queries of docs/answers.md over what the pair stored, against counts made from the sandbox itself."""

from __future__ import annotations

import json
import re
import runpy
import subprocess
import sys
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from itertools import accumulate, pairwise
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

import duckdb
import pytest

from documents import ROOT
from sandbox import Corpus, Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.workspace

BIN = Path(sys.executable).parent
STREAMS = ("issues", "issue_changelogs", "issue_worklogs", "users")
QUERIES = dict(
    re.findall(r"(?s)```sql\n-- (\w+)\n(.*?)```", (ROOT / "docs/answers.md").read_text("utf-8"))
)
TEN = 10


class Lake(NamedTuple):
    """What landed, and the Jira that it came from."""

    jira: Sandbox
    database: duckdb.DuckDBPyConnection
    views: str

    def answer(self, name: str) -> list[tuple[Any, ...]]:
        """Run a query of the page."""
        return self.database.sql(QUERIES[name]).fetchall()

    @property
    def issues(self) -> list[Any]:
        """The issues of the sandbox."""
        return list(self.jira.corpus.snapshot().by_id.values())

    def moves(self, issue: Any) -> list[tuple[datetime, int, str, str]]:
        """Return the changes of an issue's status in order: when, id, from, to."""
        found = [
            (utc(history["created"]), int(history["id"]), item["fromString"], item["toString"])
            for history in self.jira.corpus.children.histories(issue)
            for item in history["items"]
            if item["field"] == "status"
        ]
        return sorted(found, key=lambda move: move[:2])


def utc(text: str) -> datetime:
    """Return a moment of Jira's without its zone, as the views have it."""
    moment = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z")
    return (moment - (moment.utcoffset() or timedelta())).replace(tzinfo=None)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """Load once what the queries need; some issues have a plan for their time."""
    folder = tmp_path_factory.mktemp("answers")
    with Sandbox(corpus=Corpus.generate(seed=1, issues=250)) as jira:
        planned = list(jira.corpus.snapshot().by_id)[::5]
        jira.corpus.change(
            planned,
            lambda issue: issue.changed(issue.updated_ms, timeoriginalestimate=3600 * issue.number),
        )
        token = {"auth_method": "personal_token", "personal_token": "sandbox-token"}
        configured(folder / "tap.json", {"api_url": jira.url, **token})
        configured(folder / "target.json", {"destination": str(folder / "lake")})
        found = run("tap-jira-oauth", "--config", folder / "tap.json", "--discover")
        configured(folder / "catalog.json", selected(json.loads(found)))
        records = run(
            *("tap-jira-oauth", "--config", folder / "tap.json"),
            *("--catalog", folder / "catalog.json"),
        )
        run("target-s3-jsonl", "--config", folder / "target.json", given=records)
        views = run(
            *("target-s3-jsonl", "ddl", "--for", "duckdb", "--config", folder / "target.json")
        )
        with duckdb.connect() as database:
            database.execute(views.decode())
            yield Lake(jira, database, views.decode())


def configured(path: Path, content: Any) -> None:
    """Write a file of JSON."""
    path.write_text(json.dumps(content))


def selected(catalog: dict[str, Any]) -> dict[str, Any]:
    """Return a catalog in which only what the queries need is chosen."""
    for stream in catalog["streams"]:
        top = next(each for each in stream["metadata"] if not each["breadcrumb"])
        top["metadata"]["selected"] = stream["tap_stream_id"] in STREAMS
    return catalog


def run(command: str, *arguments: str | Path, given: bytes = b"") -> bytes:
    """Run one of the commands; return what it printed."""
    done = subprocess.run(
        [str(BIN / command), *map(str, arguments)], input=given, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()[-3000:]
    return done.stdout


def test_there_are_ten() -> None:
    """Each is tested below."""
    assert len(QUERIES) == TEN


def test_progress(lake: Lake) -> None:
    """An issue with two versions counts in both."""
    all_, done = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for issue in lake.issues:
        for version in issue.fields["fixVersions"]:
            all_[issue.project.key, version["name"]] += 1
            done[issue.project.key, version["name"]] += issue.fields["resolution"] is not None
    found = lake.answer("progress")
    assert [row[:4] for row in found] == [(*k, all_[k], done[k]) for k in sorted(all_)]
    assert all(abs(row[4] - 100 * row[3] / row[2]) <= 0.5 for row in found)


def test_flow(lake: Lake) -> None:
    """What is open at the end is what has no resolution."""
    created, resolved = Counter[tuple[str, date]](), Counter[tuple[str, date]]()
    for issue in lake.issues:
        key = issue.project.key
        created[key, utc(issue.fields["created"]).date().replace(day=1)] += 1
        if issue.fields["resolutiondate"]:
            resolved[key, utc(issue.fields["resolutiondate"]).date().replace(day=1)] += 1
    expected = []
    for key in sorted({key for key, _ in created}):
        months = sorted({month for each, month in created | resolved if each == key})
        rest = accumulate(created[key, month] - resolved[key, month] for month in months)
        expected += [
            (key, month, created[key, month], resolved[key, month], left)
            for month, left in zip(months, rest, strict=True)
        ]
    assert lake.answer("flow") == expected


def test_cycle_time(lake: Lake) -> None:
    """Only of closed issues that were once in progress before."""
    days = defaultdict(list)
    for issue in lake.issues:
        moves = lake.moves(issue)
        began = [moment for moment, _, _, to in moves if to == "In Progress"]
        ended = [moment for moment, _, _, to in moves if to == "Closed"]
        closed = issue.fields["status"]["name"] == "Closed"
        if began and ended and max(ended) > min(began) and closed:
            took = (max(ended) - min(began)) / timedelta(days=1)
            days[issue.project.key, issue.fields["issuetype"]["name"]].append(took)
    expected = [(*key, len(days[key]), pytest.approx(median(days[key]))) for key in sorted(days)]
    assert len(expected) > 1
    assert lake.answer("cycle_time") == expected


def test_time_in_status(lake: Lake) -> None:
    """From one change to the next."""
    stays = defaultdict(list)
    for issue in lake.issues:
        for before, after in pairwise(lake.moves(issue)):
            stays[before[3]].append((after[0] - before[0]) / timedelta(days=1))
    expected = [
        (name, len(stays[name]), pytest.approx(median(stays[name]))) for name in sorted(stays)
    ]
    assert len(expected) > 1
    assert lake.answer("time_in_status") == expected


def test_effort_variance(lake: Lake) -> None:
    """An issue without any work counts with zero hours."""
    expected = []
    for issue in lake.issues:
        if planned := issue.fields["timeoriginalestimate"]:
            entries = lake.jira.corpus.children.worklogs(issue)
            logged = sum(entry["timeSpentSeconds"] for entry in entries) / 3600
            expected.append((issue.key, planned / 3600, logged, logged - planned / 3600))
    assert len(expected) == 50
    assert lake.answer("effort_variance") == sorted(expected, key=lambda row: (-row[3], row[0]))


def test_stale(lake: Lake) -> None:
    """Days are counted from midnight to midnight."""
    newest = max(utc(issue.fields["updated"]) for issue in lake.issues)
    expected = []
    for issue in lake.issues:
        updated = utc(issue.fields["updated"])
        if issue.fields["resolution"] is None and updated < newest - timedelta(days=90):
            name = (issue.fields["assignee"] or {}).get("displayName")
            days = (newest.date() - updated.date()).days
            expected.append((issue.project.key, issue.key, name, days))
    assert expected
    assert lake.answer("stale") == sorted(expected, key=lambda row: (-row[3], row[1]))


def test_reopened(lake: Lake) -> None:
    """Whatever follows a close but another one."""
    times, issues = Counter[str](), Counter[str]()
    for issue in lake.issues:
        again = [move for move in lake.moves(issue) if move[2] == "Closed" != move[3]]
        times[issue.project.key] += len(again)
        issues[issue.project.key] += bool(again)
    assert lake.answer("reopened") == [(key, times[key], issues[key]) for key in sorted(times)]


def test_unusual_hours(lake: Lake) -> None:
    """Of each person who changed anything."""
    all_, odd = Counter[str](), Counter[str]()
    for issue in lake.issues:
        for history in lake.jira.corpus.children.histories(issue):
            if author := history.get("author"):
                moment = utc(history["created"])
                person = author.get("key") or author["name"]
                all_[person] += 1
                odd[person] += moment.hour >= 22 or moment.hour < 5 or moment.isoweekday() >= 6
    found = lake.answer("unusual_hours")
    expected = sorted(all_, key=lambda person: (-odd[person], person))
    assert [row[:3] for row in found] == [(each, all_[each], odd[each]) for each in expected]


def test_left_behind(lake: Lake) -> None:
    """The view of users is joined by the id that both editions have."""
    left = defaultdict(list)
    gone = {each.get("key") for each in lake.jira.corpus.reference.users if not each["active"]}
    gone.discard(None)
    for issue in lake.issues:
        assignee = issue.fields["assignee"]
        if assignee and assignee.get("key") in gone and issue.fields["resolution"] is None:
            left[assignee["key"]].append(issue.key)
    expected = [(person, len(keys), sorted(keys)) for person, keys in left.items()]
    assert expected
    assert lake.answer("left_behind") == sorted(expected, key=lambda row: (-row[1], row[0]))


def test_mapping(lake: Lake) -> None:
    """Fields of which every value is empty are not worth a migration."""
    found = {row[0]: row[1:] for row in lake.answer("mapping")}
    for name in ("summary", "labels", "fixVersions", "resolution", "assignee"):
        held = [issue for issue in lake.issues if issue.fields[name] not in (None, [], "")]
        projects = {issue.project.key for issue in held}
        assert found[name][:2] == (len(held), len(projects)), name
    assert found["summary"][2] == len({issue.fields["summary"] for issue in lake.issues} - {""})


def test_three_of_them_are_drawn(lake: Lake, tmp_path: Path) -> None:
    """By the script beside the page, out of a database that holds the views."""
    database = tmp_path / "lake.duckdb"
    with duckdb.connect(str(database)) as fresh:
        fresh.execute(lake.views)
    script = runpy.run_path(str(ROOT / "docs/answers.py"))
    script["main"](database, tmp_path / "plots")
    drawn = sorted(path.name for path in (tmp_path / "plots").iterdir())
    assert drawn == sorted(path.name for path in (ROOT / "docs/answers").iterdir())
