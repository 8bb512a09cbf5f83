"""All statements of a lake for one engine, in an order in which they can be run. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from target_s3_jsonl.ddl import views
from target_s3_jsonl.ddl.table import manifests

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from target_s3_jsonl.ddl.dialect import Dialect
    from target_s3_jsonl.ddl.table import Table


def script(lake: Mapping[str, Table], dialect: Dialect, only: Collection[str] = ()) -> str:
    """Return the statements, each with a semicolon; `only` are the streams to make tables of, all if empty."""
    chosen = [table for stream, table in lake.items() if not only or stream in only]
    # Views of what hangs below issues refer to those of the issues.
    chosen.sort(key=lambda table: (table.stream != "issues", table.stream))
    lines = [f"-- {note}" for table in chosen for note in notes(table)]
    statements: list[str] = []
    for table in (manifests(), *chosen):
        statements += [*dialect.raw(table), views.typed(table, dialect)]
    statements += [views.newest(table, lake, dialect) for table in chosen]
    return "\n".join([*lines, *(f"{each};\n" for each in statements)])


def notes(table: Table) -> Iterator[str]:
    """Tell what of a stream is not as its SCHEMA says."""
    for note in table.columns.notes:
        yield f"{table.stream}: {note}"
    if not table.keys:
        yield f"{table.stream}: it has no keys, so {table.newest} cannot tell versions of a row apart."
