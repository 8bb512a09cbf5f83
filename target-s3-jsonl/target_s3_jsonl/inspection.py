"""What the commands `ddl` and `verify` do. Loading needs none of it."""

from __future__ import annotations

import json
import sys
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

import click

from target_s3_jsonl.compress import SUFFIXES
from target_s3_jsonl.ddl import glue
from target_s3_jsonl.ddl.athena import Athena
from target_s3_jsonl.ddl.documents import first_days, tables_of
from target_s3_jsonl.ddl.duckdb import DuckDB
from target_s3_jsonl.ddl.script import notes, script
from target_s3_jsonl.ddl.spark import Spark
from target_s3_jsonl.ddl.table import manifests
from target_s3_jsonl.errors import ConfigurationError
from target_s3_jsonl.inventory import Inventory
from target_s3_jsonl.lake import open_lake
from target_s3_jsonl.layout import Layout
from target_s3_jsonl.store import folder_of
from target_s3_jsonl.verify import Verdict, Verification

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from target_s3_jsonl.ddl.dialect import Dialect
    from target_s3_jsonl.ddl.table import Table
    from target_s3_jsonl.settings import Settings


def ddl(  # noqa: PLR0913 - what the command line asks
    settings: Settings,
    version: str,
    *,
    streams: Sequence[str],
    engine: str,
    database: str,
    applies: bool,
) -> None:
    """Print the tables and views of `streams` (of all, if empty) as an engine takes them, or make those of Glue.

    Raises:
        ConfigurationError: What is asked for cannot be.
        StoreError: The lake cannot be read, or has no SCHEMA.
        GlueError: Glue does not take a table.
    """
    if applies and engine != "glue":
        raise ConfigurationError("--apply is for Glue: run the printed statements elsewhere.")
    root = settings.destination
    if engine in {"athena", "glue"} and not root.startswith("s3://"):
        raise ConfigurationError(f"Athena and Glue read S3 only, and destination is {root!r}.")
    lake = open_lake(settings, version=version)
    known = tables_of(lake, Layout(settings.path_template, SUFFIXES[settings.compression]))
    for stream in streams:
        if stream not in known:
            raise ConfigurationError(
                f"The catalog has no stream {stream!r}. It has: {', '.join(known)}."
            )
    days = first_days(lake, known) if engine in {"athena", "glue"} else {}
    if engine == "glue":
        chosen = [table for stream, table in known.items() if not streams or stream in streams]
        _glue(settings, version, chosen, days, database=database, applies=applies)
        return
    dialects: dict[str, Dialect] = {
        "athena": Athena(root, days),
        "duckdb": DuckDB(_path(settings)),
        "spark": Spark(_path(settings)),
    }
    click.echo(script(known, dialects[engine], streams))


def verify(
    settings: Settings, version: str, *, streams: Sequence[str], runs: Sequence[str]
) -> Verdict:
    """Look at the objects, with a progress bar on a terminal, and say each finding on standard error.

    Raises:
        ConfigurationError: The destination cannot be looked into.
        StoreError: It cannot be read.
    """
    lake = open_lake(settings, version=version)

    on_terminal = sys.stderr.isatty()

    def say(line: str) -> None:
        click.echo(f"\r\x1b[K{line}" if on_terminal else line, err=True)

    with Inventory() as inventory:
        names = [run.removesuffix(".jsonl") for run in runs]
        look = Verification(lake, inventory, streams=streams, runs=names, say=say)
        number = look.read_manifests()
        bar: AbstractContextManager[Iterable[None]] = (
            click.progressbar(look.objects(), length=number, label="Objects", file=sys.stderr)
            if on_terminal
            else nullcontext(look.objects())
        )
        with bar as objects:
            for _ in objects:
                pass
        look.unlisted()
        return look.finish()


def _glue(  # noqa: PLR0913 - what the command line asks
    settings: Settings,
    version: str,
    chosen: Sequence[Table],
    days: dict[str, str],
    *,
    database: str,
    applies: bool,
) -> None:
    inputs = [
        glue.table_input(table, settings.destination, days.get(table.stream, ""))
        for table in (manifests(), *chosen)
    ]
    for note in (note for table in chosen for note in notes(table)):
        click.echo(note, err=True)
    if not applies:
        click.echo(json.dumps({"DatabaseName": database, "Tables": inputs}, indent=2))
        return
    from target_s3_jsonl.aws import glue_client  # noqa: PLC0415 - boto3 takes a while to load
    from target_s3_jsonl.glue_catalog import GlueCatalog  # noqa: PLC0415 - boto3 takes a while to load

    catalog = GlueCatalog(glue_client(settings, version), database)
    for each in inputs:
        click.echo(f"{database}.{each['Name']}: {catalog.put(each)}")


def _path(settings: Settings) -> str:
    """Return the destination as engines open it."""
    folder = folder_of(settings.destination)
    return settings.destination if folder is None else str(folder)
