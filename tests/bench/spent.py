"""What a command spends: seconds, CPU, and the peak of its own memory.

Linux counts a process's peak from that of the process which started it. So each command is started by a small one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import IO, TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_STARTER: Final = """
import json, os, sys, time
pipe, *command = sys.argv[1:]
os.set_inheritable(int(pipe), False)
began = time.perf_counter()
child = os.posix_spawnp(command[0], command, os.environ)
_, status, usage = os.wait4(child, 0)
spent = {
    "status": os.waitstatus_to_exitcode(status),
    "wall": time.perf_counter() - began,
    "cpu": usage.ru_utime + usage.ru_stime,
    "megabytes": usage.ru_maxrss / 1024,
}
os.write(int(pipe), json.dumps(spent).encode())
"""


class Spent(NamedTuple):
    """Of one command: how it ended, seconds by the clock and of CPU, and MB at its peak."""

    status: int
    wall: float
    cpu: float
    megabytes: float


def by(
    command: Sequence[str], folder: Path, env: Mapping[str, str], **streams: IO[bytes] | int
) -> Spent:
    """Run a command in a folder to its end; the streams are those of `subprocess`."""
    read, write = os.pipe()
    starter = [sys.executable, "-I", "-S", "-c", _STARTER, str(write), *command]
    standard: dict[str, Any] = {"stdin": subprocess.DEVNULL, **streams}
    with os.fdopen(read) as told:
        try:
            subprocess.run(
                starter, cwd=folder, env=dict(env), pass_fds=[write], check=True, **standard
            )
        finally:
            os.close(write)
        return Spent(**json.loads(told.read()))
