"""Commands beside loading: `ddl` tells engines about the lake, `verify` looks whether it is as its manifests say."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import click

from target_s3_jsonl.compress import SUFFIXES
from target_s3_jsonl.ddl import glue
from target_s3_jsonl.ddl.athena import Athena
from target_s3_jsonl.ddl.documents import first_days, tables_of
from target_s3_jsonl.ddl.duckdb import DuckDB
from target_s3_jsonl.ddl.script import notes, script
from target_s3_jsonl.ddl.spark import Spark
from target_s3_jsonl.ddl.table import manifests
from target_s3_jsonl.errors import ConfigurationError, TargetError
from target_s3_jsonl.inventory import Inventory
from target_s3_jsonl.lake import open_lake
from target_s3_jsonl.layout import Layout
from target_s3_jsonl.store import folder_of
from target_s3_jsonl.verify import Verdict, Verification

if TYPE_CHECKING:
    from target_s3_jsonl.ddl.dialect import Dialect
    from target_s3_jsonl.ddl.table import Table
    from target_s3_jsonl.settings import Settings

Load = Callable[[Sequence[str]], "tuple[Settings, str]"]
"""Makes the settings of what `--config` names, and tells the version of the target."""

_config = click.option(
    "--config", multiple=True, help="Configuration file, or ENV, as for loading."
)
_streams = click.option(
    "--stream", "streams", multiple=True, help="Only this stream; may be given several times."
)


class Commands(click.Command):
    """The command that loads, unless the first argument names another one."""

    def __init__(self, loading: click.Command, others: Sequence[click.Command]) -> None:
        """Take the commands."""
        named = ", ".join(f"`{each.name}`" for each in others)
        loading.epilog = f"Other commands: {named}; each has a --help of its own."
        super().__init__(loading.name, params=loading.params, callback=loading.callback)
        self._loading = loading
        self._others = {each.name: each for each in others}

    def main(self, args: Sequence[str] | None = None, **more: Any) -> Any:  # type: ignore[override]  # all but the arguments are passed on
        """Run the command that the arguments name."""
        given = list(sys.argv[1:] if args is None else args)
        other = self._others.get(given[0]) if given else None
        if other is None:
            return self._loading.main(given, **more)
        return other.main(given[1:], **more | {"prog_name": f"{self.name} {other.name}"})


def commands(load: Load) -> list[click.Command]:
    """Return the commands beside loading."""

    @click.command()
    @_config
    @_streams
    @click.option(
        "--for",
        "engine",
        type=click.Choice(["athena", "glue", "duckdb", "spark"]),
        required=True,
        help="Whose words to use.",
    )
    @click.option(
        "--database", default="default", show_default=True, help="Database of the Glue tables."
    )
    @click.option(
        "--apply", "applies", is_flag=True, help="Make the Glue tables, or bring them up to date."
    )
    def ddl(config: Sequence[str], **given: Any) -> None:
        """Print tables and views of the lake, from the SCHEMAs that runs have left there."""
        with _errors():
            _ddl(*load(config), **given)

    @click.command()
    @_config
    @_streams
    @click.option(
        "--run", "runs", multiple=True, help="Only the objects of this manifest, by its name."
    )
    def verify(config: Sequence[str], **given: Any) -> None:
        """Read the objects again, and tell which are missing, damaged, or in no manifest."""
        with _errors():
            verdict = _verify(*load(config), **given)
        click.echo(json.dumps(verdict.as_json()))
        sys.exit(1 if verdict.faults else 0)

    return [ddl, verify]


@contextmanager
def _errors() -> Iterator[None]:
    """Let an error of ours be one line on standard error and an exit code."""
    try:
        yield
    except TargetError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(error.exit_code)


def _ddl(  # noqa: PLR0913 - what the command line asks
    settings: Settings,
    version: str,
    *,
    streams: Sequence[str],
    engine: str,
    database: str,
    applies: bool,
) -> None:
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


def _verify(
    settings: Settings, version: str, *, streams: Sequence[str], runs: Sequence[str]
) -> Verdict:
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
    from target_s3_jsonl.glue_catalog import GlueCatalog  # noqa: PLC0415 - same

    catalog = GlueCatalog(glue_client(settings, version), database)
    for each in inputs:
        click.echo(f"{database}.{each['Name']}: {catalog.put(each)}")


def _path(settings: Settings) -> str:
    """Return the destination as engines open it."""
    folder = folder_of(settings.destination)
    return settings.destination if folder is None else str(folder)
