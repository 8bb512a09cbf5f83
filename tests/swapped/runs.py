"""Runs of pairs by a pipe, and how pairs fared."""

from __future__ import annotations

import gzip
import json
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pair.test_pair import SECONDS, piped, without_settings
from swapped.kept import Row, read_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

WAYS = ("pipe", "meltano")


@dataclass
class Outcome:
    """How one pair fared: after each of its runs the status, the STATE (by a pipe), and what was logged last."""

    folder: Path
    statuses: list[int] = field(default_factory=list)
    states: list[Any] = field(default_factory=list)
    log: str = ""

    def assert_succeeded(self, *, runs: int) -> None:
        """Every run has ended well."""
        assert self.statuses == [0] * runs, self.log[-4000:]


def run_pipe(outcome: Outcome, tap: list[str], target: list[str]) -> None:
    """Run `tap | target` with the STATE that this target has printed last."""
    folder = outcome.folder
    state = folder / "state.json"
    known = ["--state", str(state)] if state.exists() else []
    with piped(folder, [*tap, *known], target) as (source, sink):
        output, _ = sink.communicate(timeout=SECONDS)
        status = source.wait(timeout=SECONDS) or sink.returncode
    outcome.statuses.append(status)
    outcome.log = (folder / "tap.log").read_text() + (folder / "target.log").read_text()
    if lines := output.splitlines():
        state.write_bytes(lines[-1])
        outcome.states.append(json.loads(lines[-1]))


def lake(folder: Path, stream: str) -> list[Row]:
    """Return every row of a stream that our target has stored, with every digit, in the order of storing."""
    paths = sorted((folder / stream).rglob("*.jsonl.gz"), key=lambda path: path.stat().st_mtime_ns)
    return [
        read_json(line)
        for path in paths
        for line in gzip.decompress(path.read_bytes()).splitlines()
    ]


def schema_of(folder: Path, stream: str) -> dict[str, Any]:
    """Return the one schema that our target has noted of a stream."""
    (path,) = (folder / "_catalog/schemas" / stream).glob("*.json")
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))["schema"]
    return found


def with_catalog(
    tap: list[str], folder: Path, chosen: Mapping[str, Mapping[str, str]]
) -> list[str]:
    """Discover, and select the chosen streams with what is to be said of each; return the tap's command with that catalog."""
    done = subprocess.run(
        [*tap, "--discover"],
        env=without_settings(),
        capture_output=True,
        timeout=SECONDS,
        check=True,
    )
    catalog = json.loads(done.stdout)
    for stream in catalog["streams"]:
        top = next(each["metadata"] for each in stream["metadata"] if not each["breadcrumb"])
        top["selected"] = stream["tap_stream_id"] in chosen
        top |= chosen.get(stream["tap_stream_id"], {})
    path = folder / "catalog.json"
    path.write_text(json.dumps(catalog))
    return [*tap, "--catalog", str(path)]
