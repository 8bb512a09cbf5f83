"""Runs one shard, wherever: `python orchestrate/dags/shard.py 7/32`, or without a name where the environment tells the index.

Prints what Meltano says, and at the end a line of JSON: the report of the shard. SIGTERM, SIGINT, SIGHUP, or with
`--with-parent` the end of the process that started it, stop the shard in good order: the tap is asked, and `SHARD_DRAIN_SECONDS`
(120) later all its processes are; `SHARD_LAST_SECONDS` (30) after that they are killed.
Needs Python 3.10 and nothing else.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from shard_command import ShardCommand, ShardError, command_of, shard_named, shard_of_worker
from shard_report import Listener, Report
from stopping import Patience, Run, StopWish, guard, printer

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str]) -> int:
    """Run a shard to its end; return the status for the shell."""
    parser = argparse.ArgumentParser(description="Run one shard of all projects.")
    parser.add_argument("shard", nargs="?", help="such as 7/32")
    parser.add_argument("--with-parent", action="store_true", help="stop when the parent is gone")
    given = parser.parse_args(arguments)
    wish = StopWish(with_parent=given.with_parent)
    try:
        shard = shard_named(given.shard) if given.shard else shard_of_worker(os.environ)
        patience = Patience(
            _seconds("SHARD_DRAIN_SECONDS", 120), _seconds("SHARD_LAST_SECONDS", 30)
        )
    except ShardError as error:
        print(error, file=sys.stderr)
        return 2
    command = command_of(shard, os.environ, Path.cwd())
    prepare(command)
    began = _now()
    listener, show = Listener(), printer()

    def hear(line: bytes) -> None:
        listener.hear(line)
        show(line)

    try:
        run = Run(command.arguments, command.environment, command.folder)
    except OSError as error:
        print(
            f"{error}. SHARD_MELTANO and SHARD_PROJECT say what to start, and where.",
            file=sys.stderr,
        )
        return 2
    reader = run.lines(hear)
    status = guard(run, command.pair, patience, wanted=wish, now=time.monotonic)
    reader.join(5)  # what has left the session may hold the pipe open
    report = Report(
        shard=str(shard),
        state_id_suffix=shard.suffix,
        status=status,
        stopped=wish(),
        began=began,
        ended=_now(),
        manifests=tuple(listener.manifests),
    )
    show(report.line())
    return status


def prepare(command: ShardCommand) -> None:
    """Make the shard's own system folder, with the plugins of the project in it. Several may do so at a time.

    It is for the owner's eyes only: Meltano writes settings to it while it runs.
    """
    command.system.mkdir(mode=0o700, parents=True, exist_ok=True)
    for link, there in command.links.items():
        if there.is_dir():
            # Another worker's, or what Meltano has made before the project had plugins of its own.
            with contextlib.suppress(FileExistsError):
                link.symlink_to(there)


def _seconds(name: str, default: float) -> float:
    text = os.environ.get(name) or str(default)
    try:
        return float(text)
    except ValueError:
        raise ShardError(f"{name} must be a number of seconds, not '{text}'.") from None


def _now() -> str:
    return f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%SZ}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
