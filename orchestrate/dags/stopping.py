"""A command that is stopped in good order: first the tap, later everything, at last by force.

`meltano run` that gets SIGTERM passes it on to tap and target at once, and does not wait for the STATE
that the target prints at its end (4.4.1): what was stored since the STATE before comes again. A tap
that is asked alone finishes its page and ends; the target then stores what it has as at any end,
Meltano saves the STATE and gives the lock back. So the tap is asked first. Whoever asked may be
gone by then (Airflow kills a task's process after five seconds), so this runs in a process of its own.

A tap that has ended by itself has nobody to be asked: the target stores what it has, and gets its time for it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

PROCESSES = Path("/proc")
"""Linux only. Elsewhere all processes are asked at once, and the last STATE may be lost."""

LOOK_SECONDS = 0.2


@dataclass(frozen=True)
class Patience:
    """Seconds that a run gets to end by itself, and after SIGTERM to all of its processes."""

    drain: float = 120.0
    last: float = 30.0


class Step(Enum):
    """What to do with a run that is to stop."""

    ASK_TAP = auto()
    ASK_ALL = auto()
    KILL = auto()


def step(
    seconds: float, patience: Patience, *, tap_runs: bool, target_runs: bool, done: Step | None
) -> Step | None:
    """Return what is due so many seconds after the wish to stop, None if nothing new is. Pure.

    `done` is what was done last.
    """
    if seconds >= patience.drain + patience.last:
        due = Step.KILL
    elif seconds >= patience.drain or (done is None and not tap_runs and not target_runs):
        due = Step.ASK_ALL
    elif tap_runs:
        due = Step.ASK_TAP
    else:
        return None
    return due if done is None or due.value > done.value else None


class Process(NamedTuple):
    """A running process: its number, its parent's, and its arguments."""

    pid: int
    parent: int
    arguments: tuple[str, ...]


def plugins_among(processes: Iterable[Process], meltano: int, name: str) -> list[int]:
    """Return the processes of a plugin that Meltano has started. Pure.

    By the name of the command, or of the folder that Meltano keeps its configuration in: a plugin
    that inherits another one has that one's command.
    """
    return [
        each.pid
        for each in processes
        if each.parent == meltano
        and any(name in argument.split("/")[-2:] for argument in each.arguments)
    ]


def running(root: Path = PROCESSES) -> Iterator[Process]:
    """Yield the processes of this machine that can be seen; none where there is no such folder."""
    for entry in root.glob("[0-9]*"):
        # One that has ended meanwhile is none.
        with contextlib.suppress(OSError):
            arguments = (entry / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
            # pid (name) state parent ...; a name may hold spaces and parentheses.
            after = (entry / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
            yield Process(int(entry.name), int(after[1]), tuple(arguments))


class Run:
    """A command in a session of its own, with all that it starts."""

    def __init__(
        self, arguments: Sequence[str], environment: Mapping[str, str], folder: Path
    ) -> None:
        """Start it."""
        self._process = subprocess.Popen(
            arguments,
            env=dict(environment),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def lines(self, hear: Callable[[bytes], None]) -> threading.Thread:
        """Have each line that it prints heard, in a thread that ends with it."""
        assert self._process.stdout is not None  # noqa: S101 - for the type checker
        thread = threading.Thread(target=_read, args=(self._process.stdout, hear), daemon=True)
        thread.start()
        return thread

    def ended(self, seconds: float) -> int | None:
        """Wait so long for its end; return the status, as a shell has it, or None."""
        try:
            status = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        return status if status >= 0 else 128 - status

    def plugins(self, name: str) -> list[int]:
        """Return the processes of one of its plugins."""
        return plugins_among(running(), self._process.pid, name)

    def stop(self, step: Step, taps: Sequence[int]) -> None:
        """Do a step."""
        if step is Step.ASK_TAP:
            for pid in taps:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGTERM)
        else:
            self.signal_all(signal.SIGTERM if step is Step.ASK_ALL else signal.SIGKILL)

    def signal_all(self, signum: signal.Signals) -> None:
        """Send a signal to whatever is left of the session."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signum)


def _read(stream: IO[bytes], hear: Callable[[bytes], None]) -> None:
    for line in stream:
        hear(line)


def guard(
    run: Run,
    pair: tuple[str, str],
    patience: Patience,
    *,
    wanted: Callable[[], bool],
    now: Callable[[], float],
) -> int:
    """Wait for the end of a run of a tap and a target, or bring it about when it is `wanted`; nothing of it is left then.

    Return its status.
    """
    asked: float | None = None
    done: Step | None = None
    while (status := run.ended(LOOK_SECONDS)) is None:
        if asked is None and wanted():
            asked = now()
        if asked is None:
            continue
        taps, targets = map(run.plugins, pair) if done is None else ([], [])
        due = step(
            now() - asked, patience, tap_runs=bool(taps), target_runs=bool(targets), done=done
        )
        if due is not None:
            run.stop(due, taps)
            done = due
    run.signal_all(signal.SIGKILL)
    return status


class StopWish:
    """Whether a run is to stop: a signal came, or the process that wanted it is gone."""

    def __init__(self, *, with_parent: bool) -> None:
        """Take over the signals; `with_parent` makes the end of the parent process a wish, too."""
        self.signal: int | None = None
        self._parent = os.getppid() if with_parent else None
        for signum in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signum, self._heard)
        # A terminal that is closed; `nohup` has it ignored.
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            signal.signal(signal.SIGHUP, self._heard)

    def __call__(self) -> bool:
        """Tell."""
        return self.signal is not None or self.orphaned

    @property
    def orphaned(self) -> bool:
        """Whether the parent is gone."""
        return self._parent is not None and os.getppid() != self._parent

    def _heard(self, signum: int, _: object) -> None:
        self.signal = self.signal or signum


def printer() -> Callable[[bytes], None]:
    """Return what prints lines, as long as they can be: a reader that is gone, or a full disk, must not end or hold up a run."""
    output = sys.stdout.buffer

    def hear(line: bytes) -> None:
        try:
            output.write(line)
            output.flush()
        except OSError:
            # What is left in the buffer would fail again, at the latest when Python ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), output.fileno())

    return hear
