"""Commands beside loading: `ddl` tells engines about the lake, `verify` looks whether it is as its manifests say."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from target_s3_jsonl.errors import TargetError

if TYPE_CHECKING:
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
        from target_s3_jsonl import inspection  # noqa: PLC0415 - loading does not wait for it

        with _errors():
            inspection.ddl(*load(config), **given)

    @click.command()
    @_config
    @_streams
    @click.option(
        "--run", "runs", multiple=True, help="Only the objects of this manifest, by its name."
    )
    def verify(config: Sequence[str], **given: Any) -> None:
        """Read the objects again, and tell which are missing, damaged, or in no manifest."""
        from target_s3_jsonl import inspection  # noqa: PLC0415 - reading a lake takes libraries that loading does not

        with _errors():
            verdict = inspection.verify(*load(config), **given)
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
