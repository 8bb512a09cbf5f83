"""Other targets: how each is told where to write, and how what it wrote is read, without a line of ours or of the target's."""

from __future__ import annotations

import csv
import subprocess
import sys
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import partners
from swapped.cluster import Cluster
from swapped.kept import Row, Rule, as_cell, as_column, as_json, as_loaded_text, columns, read_json

if TYPE_CHECKING:
    from collections.abc import Callable

Place = tuple[Path, Cluster | None]
"""A folder for one target, and the PostgreSQL of the session."""


@dataclass(frozen=True)
class OtherTarget:
    """A target of the package index.

    Attributes:
        package: its name there, and that of its lock.
        command: its command; Meltano calls it so, too.
        config: its settings for a place.
        rows: what it keeps of a stream in a place, with every run's rows in order where it keeps each.
        rule: what it makes of a value.
        newest_only: whether a later version of a row replaces the former.
        depth: how deep it lays objects flat into columns; None if it has records and no columns.
        lower: whether it writes the names of columns in lower case.
    """

    package: str
    command: str
    config: Callable[[Place], dict[str, Any]]
    rows: Callable[[Place, str], list[Row]]
    rule: Rule
    newest_only: bool = False
    depth: int | None = 0
    lower: bool = False

    def path(self) -> Path:
        """Return its command, installed."""
        return partners.installed(self.package, self.command)

    def kept(self, sent: list[Row]) -> list[Row]:
        """Return which of the rows that came it must have in the end, in the order of `ordered`."""
        if not self.newest_only:
            return sent
        return self.ordered(list({row["id"]: row for row in sent}.values()))

    def ordered(self, found: list[Row]) -> list[Row]:
        """Give rows of a table an order; lines of files have one."""
        return sorted(found, key=lambda row: str(row["id"])) if self.newest_only else found

    def differences(
        self, sent: Row, found: Row, schema: dict[str, Any]
    ) -> list[tuple[str, Any, Any]]:
        """Return each column (or the record) that does not hold what was sent: its name, and both values."""
        if self.depth is None:
            return [] if self.rule(sent, found, schema) else [("record", sent, found)]
        expected = [
            (name.lower() if self.lower else name, value, declared)
            for name, value, declared in columns(sent, schema, self.depth)
        ]
        return [
            (name, value, found.get(name, "no such column"))
            for name, value, declared in expected
            if not (name in found and self.rule(value, found[name], declared))
        ]


def _json_lines(place: Place, stream: str) -> list[Row]:
    files = sorted(place[0].glob(f"{stream}-*.jsonl"))
    lines = [line for path in files for line in path.read_text("utf-8").split("\n")]
    return [read_json(line) for line in lines if line]


def _cells(place: Place, stream: str) -> list[Row]:
    csv.field_size_limit(sys.maxsize)
    found: list[Row] = []
    for path in sorted(place[0].glob(f"{stream}-*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            found += csv.DictReader(file)
    return found


def _schema_of(place: Place) -> str:
    """Each place has a schema of its own in the one database."""
    return f"jira_{place[0].parent.name}"


def _database(place: Place) -> Cluster:
    assert place[1] is not None
    return place[1]


_DUCKDB = """
import duckdb, sys
connection = duckdb.connect(sys.argv[1], read_only=True)
if connection.execute("FROM information_schema.tables WHERE table_name = ?", [sys.argv[2]]).fetchall():
    for (row,) in connection.execute(f"SELECT to_json(kept) FROM jira.{sys.argv[2]} AS kept").fetchall():
        print(row)
"""
"""Run by the target's own Python: versions of DuckDB do not read each other's files."""


def _duckdb(package: str, place: Place, stream: str) -> list[Row]:
    python = partners.installed(package, "python")
    done = subprocess.run(
        [str(python), "-c", _DUCKDB, str(place[0] / "lake.duckdb"), stream],
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    return [read_json(line) for line in done.stdout.split("\n") if line]


JSONL = OtherTarget(
    package="target-jsonl",
    command="target-jsonl",
    config=lambda place: {"destination_path": str(place[0])},
    rows=_json_lines,
    rule=as_json,
    depth=None,
)

CSV = OtherTarget(
    package="meltanolabs-target-csv",
    command="target-csv",
    # Without flattening a cell with an object holds Python's repr of it, and without a name
    # for each run the second one would overwrite the file of the first.
    config=lambda place: {
        "output_path": str(place[0]),
        "file_naming_scheme": "{stream_name}-{timestamp}.csv",
        "timestamp_format": "%Y%m%dT%H%M%S%f",
        "flattening_enabled": True,
        "flattening_max_depth": 1,
    },
    rows=_cells,
    rule=as_cell,
    depth=1,
)

POSTGRES = OtherTarget(
    package="meltanolabs-target-postgres",
    command="target-postgres",
    config=lambda place: _database(place).account | {"default_target_schema": _schema_of(place)},
    rows=lambda place, stream: _database(place).rows(f"{_schema_of(place)}.{stream}"),
    rule=as_column,
    newest_only=True,
)

DUCKDB = OtherTarget(
    package="target-duckdb",
    command="target-duckdb",
    config=lambda place: {
        "path": str(place[0] / "lake.duckdb"),
        "default_target_schema": "jira",
        "temp_dir": str(place[0]),
    },
    rows=partial(_duckdb, "target-duckdb"),
    rule=as_loaded_text,
    newest_only=True,
    lower=True,
)

NEWEST_DUCKDB = replace(
    DUCKDB, package="target-duckdb-newest", rows=partial(_duckdb, "target-duckdb-newest")
)
"""The same release as it is installed by itself, with the DuckDB of the day."""

TARGETS = (JSONL, CSV, POSTGRES, DUCKDB)
