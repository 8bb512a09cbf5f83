"""Runs of a command in processes that have imported everything already: a start costs more than most runs.

A process imports the command's module once and forks for each run. The child gets arguments,
environment, folder and streams, and runs the command as its script does, to the end of the
interpreter. What is killed or gets signals is started as people start it, by `subprocess`.
"""

from __future__ import annotations

import atexit
import functools
import gc
import importlib
import json
import operator
import os
import signal
import socket
import subprocess
import sys
import threading
from importlib.util import find_spec
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from measured import SWITCH, unmeasured

if TYPE_CHECKING:
    from collections.abc import Mapping

CAN_FORK = sys.platform == "linux"
"""On macOS a process that has loaded the system's network libraries must not fork."""

_NUMBER = 8
"""Bytes of a number on the socket."""


class Prepared:
    """The process that forks for one command; it ends when the socket to it is closed."""

    def __init__(self, entry: str) -> None:
        """Start it; `entry` is the command's entry point, `module:attribute`."""
        self._socket, there = socket.socketpair()
        self._lock = threading.Lock()
        with there:
            self._process = subprocess.Popen(
                [sys.executable, __file__, entry, str(there.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env=unmeasured() | {"PYTHONPATH": str(Path(__file__).parent)},
                pass_fds=(there.fileno(),),
            )

    def close(self) -> None:
        """End it."""
        self._socket.close()
        self._process.wait(10)

    def run(
        self, order: Mapping[str, Any], given: bytes, log: IO[bytes], seconds: float
    ) -> tuple[int, bytes]:
        """Fork, hand over what is `given` on standard input; return the exit status and what was printed."""
        read_input, write_input = os.pipe()
        read_output, write_output = os.pipe()
        text = json.dumps(order).encode()
        with (
            self._lock,
            os.fdopen(write_input, "wb") as feed,
            os.fdopen(read_output, "rb") as output,
        ):
            size = len(text).to_bytes(_NUMBER, "big")
            streams = (read_input, write_output, log.fileno())
            socket.send_fds(self._socket, [size], streams)
            self._socket.sendall(text)
            os.close(read_input)
            os.close(write_output)
            child = _number(self._socket)
            end = threading.Timer(seconds, os.kill, (child, signal.SIGKILL))
            feeder = threading.Thread(target=_feed, args=(feed, given), daemon=True)
            end.start()
            feeder.start()
            printed = output.read()
            status = _number(self._socket)
            end.cancel()
            feeder.join()
        assert status != -signal.SIGKILL, f"not done within {seconds} seconds"
        return status, printed


@functools.cache
def prepared(entry: str) -> Prepared:
    """Return the process of a command, one for each process that runs tests."""
    made = Prepared(entry)
    atexit.register(made.close)
    return made


def _feed(file: IO[bytes], given: bytes) -> None:
    try:
        file.write(given)
        file.close()
    except BrokenPipeError:  # the command has ended before its input did
        pass


def _number(connection: socket.socket) -> int:
    received = connection.recv(_NUMBER, socket.MSG_WAITALL)
    return int.from_bytes(received, "big", signed=True)


def _next_run(connection: socket.socket) -> dict[str, Any] | None:
    """Wait for the next run, and return what it is in the child that was forked for it; None at the end."""
    while True:
        size, streams, _, _ = socket.recv_fds(connection, _NUMBER, 3)
        if not size:
            return None
        text = connection.recv(int.from_bytes(size, "big"), socket.MSG_WAITALL)
        child = os.fork()
        if child == 0:
            connection.close()
            for stream, own in enumerate(streams):
                os.dup2(own, stream)
                os.close(own)
            return dict(json.loads(text))
        for stream in streams:
            os.close(stream)
        connection.sendall(child.to_bytes(_NUMBER, "big", signed=True))
        _, status = os.waitpid(child, 0)
        connection.sendall(os.waitstatus_to_exitcode(status).to_bytes(_NUMBER, "big", signed=True))


def _main(entry: str, descriptor: int) -> None:
    # Which the environment with the lowest versions does not have.
    coverage = importlib.import_module("coverage") if find_spec("coverage") else None
    module, _, attribute = entry.partition(":")
    imported = importlib.import_module(module)
    gc.collect()
    gc.freeze()
    run = _next_run(socket.socket(fileno=descriptor))
    if run is None:
        return
    os.environ.clear()
    os.environ.update(run["environment"])
    os.chdir(run["folder"])
    if coverage and SWITCH in os.environ:
        coverage.process_startup(force=True)
    sys.argv = run["arguments"]
    sys.exit(operator.attrgetter(attribute)(imported)())


if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]))
