"""Other taps: how each is told what to read, and what there is to read."""

from __future__ import annotations

import csv
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import partners
from swapped.cluster import Cluster
from swapped.hard_values import NUMBERS, TEXTS
from swapped.kept import Row, Rule, as_column, as_json, read_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Source = tuple[Path, Cluster | None]
"""A folder with files, and a PostgreSQL with a table."""

ROWS = 250
BATCH_ROWS = 100
"""More than one file is told of by BATCH."""


@dataclass(frozen=True)
class OtherTap:
    """A tap of the package index.

    Attributes:
        package: its name there, and that of its lock; Meltano calls it so, too.
        command: its command.
        stream: the one that it reads.
        config: its settings for a source.
        rows: what the source has, read without the tap.
        rule: what the tap makes of a value.
        metadata: what its catalog has to say of the stream beside that it is selected.
        batches: whether it hands over files.
    """

    package: str
    command: str
    stream: str
    config: Callable[[Source], dict[str, Any]]
    rows: Callable[[Source], list[Row]]
    rule: Rule
    metadata: dict[str, str] = field(default_factory=dict, hash=False)
    batches: bool = False

    def path(self) -> Path:
        """Return its command, installed."""
        return partners.installed(self.package, self.command)

    def settings(self, source: Source, batches: Path) -> dict[str, Any]:
        """Return its settings; files of batches go to a folder."""
        if not self.batches:
            return self.config(source)
        encoding = {"format": "jsonl", "compression": "gzip"}
        storage = {"root": batches.as_uri()}
        told = {"encoding": encoding, "storage": storage, "batch_size": BATCH_ROWS}
        return self.config(source) | {"batch_config": told}

    def differences(
        self, sent: Row, found: Row, schema: Mapping[str, Any]
    ) -> list[tuple[str, Any, Any]]:
        """Return each value of the source that was stored as another one, and what nobody sent."""
        added = {name: value for name, value in found.items() if not name.startswith("_sdc_")}
        return [
            (name, sent.get(name, "absent"), added.get(name, "absent"))
            for name in sorted(sent.keys() | added.keys())
            if name not in sent
            or name not in added
            or not self.rule(sent[name], added[name], schema["properties"][name])
        ]


def write_sources(folder: Path, cluster: Cluster | None) -> Source:
    """Write the files and fill the table."""
    lines = (
        {"id": number, "text": TEXTS[number % len(TEXTS)], "number": NUMBERS[number % len(NUMBERS)]}
        for number in range(ROWS)
    )
    (folder / "rows.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in lines))
    with (folder / "cells.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "name", "amount"])
        writer.writerows([number, TEXTS[number % len(TEXTS)], "1.10"] for number in range(ROWS))
    if cluster:
        rows = json.dumps([_item(number) for number in range(ROWS)])
        fill = f"jsonb_populate_recordset(NULL::shop.items, $rows${rows}$rows$)"
        cluster.sql(f"{_TABLE} INSERT INTO shop.items SELECT * FROM {fill};")  # noqa: S608 - a table of the test's own
    return folder, cluster


_TABLE = """
CREATE SCHEMA shop;
CREATE TABLE shop.items (
  id bigint PRIMARY KEY, small smallint, amount numeric, ratio double precision, name text,
  doc json, docb jsonb, tags text[], at timestamptz, local timestamp, day date, ok boolean,
  code uuid, fixed char(4), note varchar(20)
);
"""


def _item(number: int) -> Row:
    if number % 10 == 9:
        return {"id": number}
    return {
        "id": 9007199254740993 + number,
        "small": -32768,
        "amount": "12345678901234567890.123456789",
        "ratio": float(NUMBERS[number % len(NUMBERS)]),
        "name": TEXTS[number % len(TEXTS)],
        "doc": {"b": 1, "a": [1.5, None, TEXTS[number % 8]]},
        "docb": {"b": NUMBERS[number % len(NUMBERS)], "a": {}},
        "tags": ["a", "b c", '"{}"'],
        "at": "2024-02-29T23:59:59.123456+02:00",
        "local": "2024-02-29T23:59:59.5",
        "day": "0099-12-31",
        "ok": bool(number % 2),
        "code": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
        "fixed": "ab",
        "note": "",
    }


def _lines(source: Source) -> list[Row]:
    text = (source[0] / "rows.jsonl").read_text("utf-8")
    return [read_json(line) for line in text.split("\n") if line]


def _cells(source: Source) -> list[Row]:
    csv.field_size_limit(sys.maxsize)
    with (source[0] / "cells.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _database(source: Source) -> Cluster:
    assert source[1] is not None
    return source[1]


def as_pipelinewise_reads(sent: Any, found: Any, schema: Mapping[str, Any]) -> bool:
    """A list that is NULL is empty; the rest as in a column, days being moments."""
    if sent is None and "array" in schema["type"] and "object" not in schema["type"]:
        return bool(found == [])
    return as_column(sent, found, schema)


def as_spreadsheets_reads(sent: Any, found: Any, schema: Mapping[str, Any]) -> bool:
    """Each cell as text; a line break of Windows inside one is read as one of Unix."""
    return as_json(sent.replace("\r\n", "\n"), found, schema)


JSONL = OtherTap(
    package="tap-jsonl",
    command="tap-jsonl",
    stream="rows",
    config=lambda source: {
        "path": str(source[0] / "rows.jsonl"),
        "stream_name": "rows",
        "primary_keys": ["id"],
    },
    rows=_lines,
    rule=as_json,
    batches=True,
)

SPREADSHEETS = OtherTap(
    package="tap-spreadsheets",
    command="tap-spreadsheets",
    stream="cells",
    config=lambda source: {
        "files": [
            {
                "path": str(source[0] / "cells.csv"),
                "format": "csv",
                "table_name": "cells",
                "primary_keys": ["id"],
            }
        ]
    },
    rows=_cells,
    rule=as_spreadsheets_reads,
)

POSTGRES = OtherTap(
    package="meltanolabs-tap-postgres",
    command="tap-postgres",
    stream="shop-items",
    config=lambda source: _database(source).account | {"filter_schemas": ["shop"]},
    rows=lambda source: _database(source).rows("shop.items"),
    rule=as_column,
    batches=True,
)

PIPELINEWISE = OtherTap(
    package="pipelinewise-tap-postgres",
    command="tap-postgres",
    stream="shop-items",
    config=lambda source: _pipelinewise(_database(source).account),
    rows=lambda source: _database(source).rows("shop.items"),
    rule=as_pipelinewise_reads,
    metadata={"replication-method": "FULL_TABLE"},
)

TAPS = (JSONL, SPREADSHEETS, POSTGRES, PIPELINEWISE)


def _pipelinewise(account: dict[str, Any]) -> dict[str, Any]:
    renamed = {"dbname" if name == "database" else name: each for name, each in account.items()}
    return renamed | {"filter_schemas": "shop"}
