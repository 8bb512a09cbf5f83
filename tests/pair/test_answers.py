"""The queries of `docs/answers.md`, run over the sandbox's issues; each result is calculated once more, from the records."""

from __future__ import annotations

import json
import statistics
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest

from documents import ROOT
from pair.answers import ANSWERS, lake_of, printed_by_the_tap
from plots import PLOTS, drawn, label_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb
    from cryptography.hazmat.primitives.asymmetric import rsa

pytestmark = pytest.mark.workspace

Record = dict[str, Any]


class Truth:
    """The records as the tap printed them, by stream."""

    def __init__(self, output: bytes) -> None:
        """Take what one run of the tap printed."""
        self.streams: dict[str, list[Record]] = defaultdict(list)
        for message in map(json.loads, output.splitlines()):
            if message["type"] == "RECORD":
                self.streams[message["stream"]].append(message["record"])
        self.issues = self.streams["issues"]

    @property
    def open(self) -> list[Record]:
        """Issues that are not done."""
        return [each for each in self.issues if not is_done(each)]

    @property
    def status_changes(self) -> Iterator[tuple[Record, str]]:
        """Each change of a status with the new one."""
        for each in self.streams["issue_changelogs"]:
            for item in each["items"]:
                if item["field"] == "status":
                    yield each, item["toString"]


def is_done(issue: Record) -> bool:
    """Tell whether an issue is done."""
    return bool(issue["fields"]["status"]["statusCategory"]["key"] == "done")


def moment(text: str) -> datetime:
    """Read a time of the tap's, without its zone, as the views show it."""
    return datetime.fromisoformat(text.removesuffix("Z"))


@pytest.fixture(scope="module")
def output(private_key: rsa.RSAPrivateKey, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Run the tap once."""
    return printed_by_the_tap(tmp_path_factory.mktemp("answers-tap"), private_key)


@pytest.fixture(scope="module")
def lake(
    output: bytes, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    """The lake with its views."""
    with lake_of(tmp_path_factory.mktemp("answers"), output) as connection:
        yield connection


def test_there_are_ten() -> None:
    """Numbered as the page has them."""
    assert list(ANSWERS) == list(range(1, 11))


@pytest.mark.parametrize("number", ANSWERS)
def test_an_answer_is_right(number: int, output: bytes, lake: duckdb.DuckDBPyConnection) -> None:
    """The query's rows are those of the calculation, in its order."""
    found = [tuple(row) for row in lake.execute(ANSWERS[number]).fetchall()]
    expected = _CALCULATED[number](Truth(output))
    assert expected, "a question without an answer proves nothing"
    assert _rounded(found) == _rounded(expected)


@pytest.mark.parametrize("name", PLOTS)
def test_a_plot_shows_its_answer(name: str, lake: duckdb.DuckDBPyConnection) -> None:
    """The drawings in the docs are those of the script, and XML."""
    plot = drawn(name, lake)
    assert plot == (ROOT / "docs" / f"{name}.svg").read_text("utf-8")
    labels = [each.text for each in ET.fromstring(plot).iter(f"{_SVG}text")]  # noqa: S314 - our own drawing
    answer = lake.execute(ANSWERS[PLOTS[name].answer]).fetchall()
    assert label_of(PLOTS[name], answer[0]) in labels


_SVG = "{http://www.w3.org/2000/svg}"


def _rounded(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return [tuple(round(float(x), 1) if isinstance(x, int | float) else x for x in r) for r in rows]


def _versions(truth: Truth) -> list[tuple[Any, ...]]:
    groups: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for issue in truth.issues:
        for version in issue["fields"].get("fixVersions") or []:
            groups[issue["project_key"], version["name"]].append(issue)

    def hours(issues: list[Record], field: str) -> float | None:
        known = [each["fields"][field] for each in issues if each["fields"].get(field) is not None]
        return sum(known) / 3600 if known else None

    return [
        (
            *group,
            len(issues),
            sum(map(is_done, issues)),
            hours(issues, "timeoriginalestimate"),
            hours(issues, "timespent"),
        )
        for group, issues in sorted(groups.items())
    ]


def _cycle(truth: Truth) -> list[tuple[Any, ...]]:
    began: dict[str, datetime] = {}
    over: dict[str, datetime] = {}
    for change, status in truth.status_changes:
        id_, at = change["issue_id"], moment(change["created"])
        if status == "In Progress":
            began[id_] = min(at, began.get(id_, at))
        if status == "Closed":
            over[id_] = max(at, over.get(id_, at))
    spans = defaultdict(list)
    for issue in truth.issues:
        id_ = issue["id"]
        if is_done(issue) and id_ in began and id_ in over and over[id_] > began[id_]:
            first, last = (each[id_].replace(microsecond=0) for each in (began, over))
            spans[issue["project_key"]].append((last - first).total_seconds())
    return [
        (project, len(seconds), statistics.median(seconds) / 86400)
        for project, seconds in sorted(spans.items())
    ]


def _variance(truth: Truth) -> list[tuple[Any, ...]]:
    logged: Counter[str] = Counter()
    for each in truth.streams["issue_worklogs"]:
        logged[each["issue_id"]] += each["timeSpentSeconds"]
    rows = [
        (issue["key"], estimate / 3600, logged[issue["id"]] / 3600)
        for issue in truth.issues
        if issue["id"] in logged
        and (estimate := issue["fields"].get("timeoriginalestimate")) is not None
    ]
    told = [(key, estimate, hours, hours - estimate) for key, estimate, hours in rows]
    return sorted(told, key=lambda row: (-abs(row[3]), row[0]))


def _stale(truth: Truth) -> list[tuple[Any, ...]]:
    limit = max(moment(each["updated"]) for each in truth.issues) - timedelta(days=90)
    rows = [
        (each["key"], (each["fields"].get("assignee") or {}).get("name"), moment(each["updated"]))
        for each in truth.open
    ]
    return sorted((row for row in rows if row[2] < limit), key=lambda row: (row[2], row[0]))


def _reopened(truth: Truth) -> list[tuple[Any, ...]]:
    times: dict[str, list[datetime]] = defaultdict(list)
    for change, status in truth.status_changes:
        if status == "Reopened":
            times[change["issue_key"]].append(moment(change["created"]))
    rows = [(key, len(each), max(each)) for key, each in times.items() if len(each) > 1]
    return sorted(rows, key=lambda row: (-row[1], row[0]))


def _hours(truth: Truth) -> list[tuple[Any, ...]]:
    changes: Counter[str | None] = Counter()
    unusual: Counter[str | None] = Counter()
    for each in truth.streams["issue_changelogs"]:
        name, at = (each.get("author") or {}).get("name"), moment(each["created"])
        changes[name] += 1
        unusual[name] += at.hour < 7 or at.hour >= 19 or at.isoweekday() > 5
    rows = [(name, number, unusual[name]) for name, number in changes.items()]
    return sorted(rows, key=lambda row: (-row[2], row[0] is None, row[0]))


def _deactivated(truth: Truth) -> list[tuple[Any, ...]]:
    gone = {each["name"] for each in truth.streams["users"] if each.get("active") is False}
    touched = {
        (each["issue_id"], (each.get("author") or {}).get("name"))
        for stream in ("issue_changelogs", "issue_comments")
        for each in truth.streams[stream]
    }
    still_open = {each["id"] for each in truth.open}
    rows = [
        (name, len(ids), len(ids & still_open))
        for name in gone
        if (ids := {id_ for id_, who in touched if who == name})
    ]
    return sorted(rows, key=lambda row: (-row[1], row[0]))


def _filled(truth: Truth) -> list[tuple[Any, ...]]:
    used: Counter[str] = Counter()
    for issue in truth.issues:
        used.update(name for name, value in issue["fields"].items() if value is not None)
    rows = [
        (each["id"], each["name"], (each.get("schema") or {}).get("custom"), used[each["id"]])
        for each in truth.streams["fields"]
        if each["custom"]
    ]
    return sorted(rows, key=lambda row: (-row[3], row[0]))


def _workload(truth: Truth) -> list[tuple[Any, ...]]:
    groups: dict[str, list[float]] = defaultdict(list)
    for issue in truth.open:
        name = (issue["fields"].get("assignee") or {}).get("name") or "(nobody)"
        groups[name].append((issue["fields"].get("timeestimate") or 0) / 3600)
    rows = [(name, len(hours), sum(hours)) for name, hours in groups.items()]
    return sorted(rows, key=lambda row: (-row[1], row[0]))


def _flow(truth: Truth) -> list[tuple[Any, ...]]:
    came = Counter(each["created"][:7] for each in truth.issues)
    went = Counter(
        each["fields"]["resolutiondate"][:7]
        for each in truth.issues
        if each["fields"].get("resolutiondate")
    )
    rows, then = [], 0
    for month in sorted({*came, *went}):
        then += came[month] - went[month]
        rows.append((month, came[month], went[month], then))
    return rows


_CALCULATED = {
    1: _versions,
    2: _cycle,
    3: _variance,
    4: _stale,
    5: _reopened,
    6: _hours,
    7: _deactivated,
    8: _filled,
    9: _workload,
    10: _flow,
}
