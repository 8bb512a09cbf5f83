"""The object that says how a run over all shards ended."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from run_manifest import manifest_counts, put, summary
from shard_report import Listener, Report, report_in
from target_s3_jsonl.errors import StoreError
from target_s3_jsonl.lake import open_lake
from target_s3_jsonl.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

A, B = "_catalog/runs/0a-1.jsonl", "_catalog/runs/0b-2.jsonl"
COUNTS = {
    A: {"objects": 1, "rows": 10, "bytes": 100, "rejected": 0},
    B: {"objects": 2, "rows": 5, "bytes": 50, "rejected": 1},
}


def report(
    shard: str, status: int = 0, *manifests: str, began: str = "2026-01-02T03:04:05Z"
) -> Report:
    """Return a report of a shard."""
    suffix = shard.replace("/", "-of-")
    return Report(shard, suffix, status, status != 0, began, "2026-01-02T04:00:00Z", manifests)


def test_a_run_is_complete_when_the_last_try_of_every_shard_has_succeeded() -> None:
    """The manifests of all tries count, each once."""
    reports = [
        report("1/2", 1, A),
        report("2/2"),
        report("1/2", 0, B, A, began="2026-01-01T00:00:00Z"),
    ]
    said = summary("r", ["1/2", "2/2"], reports, COUNTS)
    assert (said["complete"], said["failed"]) == (True, [])
    assert (said["objects"], said["rows"], said["bytes"], said["rejected"]) == (3, 15, 150, 1)
    assert said["parts"][0]["manifests"] == [A, B]
    assert said["parts"][1]["rows"] == 0
    assert said["began"] == "2026-01-01T00:00:00Z"


@pytest.mark.parametrize(
    "reports",
    [
        [report("1/2")],
        [report("1/2"), report("2/2", 143)],
        [report("1/2"), report("2/2"), report("2/2", 1)],
        [report("1/2"), report("2/3")],
        [],
    ],
)
def test_a_shard_that_failed_or_says_nothing_makes_a_run_incomplete(reports: list[Report]) -> None:
    """Silence is no success, nor is that of another count."""
    said = summary("r", ["1/2", "2/2"], reports, COUNTS)
    assert not said["complete"]
    assert "2/2" in said["failed"]


def test_the_try_that_ended_last_counts_wherever_it_stands() -> None:
    """Logs of several workers come in no order."""
    early = replace(report("1/1", 1), ended="2026-01-02T03:30:00Z")
    for reports in ([early, report("1/1")], [report("1/1"), early]):
        assert summary("r", ["1/1"], reports, COUNTS)["complete"]


def test_a_report_is_read_as_it_is_printed_and_nothing_else_is_one() -> None:
    """Whatever else the log holds."""
    told = report("1/2", 1, A)
    assert report_in(told.line().decode()) == told
    for line in ("", "{}", '"shard_report"', '{"shard_report": {}}', '{"shard_report": 1}'):
        assert report_in(line) is None


def test_the_targets_manifests_are_heard_in_every_format_of_the_log() -> None:
    """Meltano's own, with colours, and as JSON; each once."""
    listener = Listener()
    listener.hear(b'{"event": "Manifest of this run: _catalog/runs/0a-1.jsonl", "level": "info"}\n')
    listener.hear(b"\x1b[1m[info] Manifest of this run: _catalog/runs/0b-2.jsonl\x1b[0m\n")
    listener.hear(b"Manifest of this run: _catalog/runs/0b-2.jsonl\n")
    assert listener.manifests == [A, B]


def test_the_object_is_written_once_and_never_over_another(tmp_path: Path) -> None:
    """Its name tells the run, the outcome, and the content."""
    settings = Settings.from_config({"destination": str(tmp_path)})
    document = summary("manual__2026-01-02T03:04:05+00:00", ["1/1"], [report("1/1")], {})
    place = put(document, settings, "test")
    assert place == put(document, settings, "test")
    assert place.startswith("_catalog/loads/manual__2026-01-02T03_04_05+00_00/complete-")
    failed = put(summary("../../x", ["1/1"], [], {}), settings, "test")
    assert failed.startswith("_catalog/loads/.._.._x/failed-")
    assert json.loads((tmp_path / place).read_text()) == document
    assert len([*tmp_path.rglob("*.json")]) == 2


def written(folder: Path, place: str, *lines: object) -> None:
    """Write a manifest."""
    (folder / place).parent.mkdir(parents=True, exist_ok=True)
    (folder / place).write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_what_was_stored_is_what_the_targets_manifests_say(tmp_path: Path) -> None:
    """One that is not there is an error: a sum without it would be wrong."""
    written(tmp_path, A, {"type": "stream", "rows": 7}, {"type": "run", **COUNTS[A]})
    lake = open_lake(Settings.from_config({"destination": str(tmp_path)}), version="test")
    assert manifest_counts(lake, [report("1/1", 0, A)]) == {A: COUNTS[A]}
    with pytest.raises(StoreError, match="0b-2"):
        manifest_counts(lake, [report("1/1", 0, A, B)])


def test_an_object_that_two_tries_have_stored_counts_once(tmp_path: Path) -> None:
    """The state of the first one was lost; the second one stored the same rows by the same names, and more."""
    first = {"type": "object", "key": "issues/0a-0-1.jsonl", "rows": 10, "bytes": 100}
    wrong = {
        "type": "object",
        "key": "_rejects/0a-1-2.jsonl",
        "rows": 1,
        "bytes": 9,
        "rejected": True,
    }
    more = {"type": "object", "key": "issues/0a-2-3.jsonl", "rows": 5, "bytes": 50}
    written(tmp_path, A, first, wrong, {"type": "run", **COUNTS[A], "rejected": 1})
    both = {"objects": 2, "rows": 15, "bytes": 150, "rejected": 1}
    written(tmp_path, B, first, wrong, more, {"type": "run", **both})
    lake = open_lake(Settings.from_config({"destination": str(tmp_path)}), version="test")
    reports = [report("1/1", 143, A), report("1/1", 0, B)]
    said = summary("r", ["1/1"], reports, manifest_counts(lake, reports))
    assert {name: said[name] for name in both} == both
