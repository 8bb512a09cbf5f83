"""A terminal in which a person runs commands: a session, which is closed with all that is left in it."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@contextmanager
def terminal(
    commands: str, folder: Path, environment: Mapping[str, str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """Run commands beside the block; at its end no process of theirs is left."""
    with log.open("wb") as shown:
        process = subprocess.Popen(
            ["/bin/bash", "-ec", commands],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=shown,
            stderr=shown,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        # After Ctrl-C the scheduler of Airflow 3.3.2 waits for its idle workers for ever.
        for pid in _session(process.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait(10)


def _session(leader: int) -> list[int]:
    """Return the processes of a session, its leader first."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if path.read_text("utf-8").rpartition(") ")[2].split()[3] == str(leader):
                found.append(int(path.parent.name))
    return sorted(found, key=lambda pid: pid != leader)
