"""One run of the pair without Meltano: tap | target, its state kept elsewhere, ended in good order before a deadline.

For places that give a process some minutes and then kill it, such as AWS Lambda. When time runs out
the tap is asked to stop: it finishes its page and prints its state, the target stores what it has
and hands that state back, and the next run goes on there. Nothing is kept that the target did not
acknowledge, so a run that is killed all the same costs only the work since the last object.
"""

from __future__ import annotations

import functools
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections import deque
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

TAP = (sys.executable, "-m", "tap_jira_oauth", "--config", "ENV")
TARGET = (sys.executable, "-m", "target_s3_jsonl", "--config", "ENV")

STOPPED = (143, -signal.SIGTERM)
"""Status of a tap that was asked to stop, and did so in good order; or before it had begun to listen for that."""

_BAD = ("ERROR", "CRITICAL")
_LEVEL = re.compile(r"\| (DEBUG|INFO|WARNING|ERROR|CRITICAL) +\| (\S+) +\| (.*)")


class PipelineError(Exception):
    """The pair failed; the text says which of the two, and in its own words why."""


class State(Protocol):
    """The state of a pipeline, while its lock is held."""

    def read(self) -> Mapping[str, Any] | None:
        """Return it; None before the first run."""

    def write(self, state: Mapping[str, Any], /) -> None:
        """Keep it.

        Raises:
            Exception: It could not be kept, or somebody else holds the lock now.
        """


@dataclass(frozen=True)
class Deadline:
    """When a run must be over, in seconds from its start.

    `margin` before it the tap is asked to stop: time to finish a page and to store the open objects.
    `last` before it whatever still runs is killed, so that there is time left to say so.
    """

    seconds: float
    margin: float = 60.0
    last: float = 5.0


@dataclass(frozen=True)
class Outcome:
    """How a run ended: whether Jira was read to its end, and how many states were kept."""

    finished: bool
    states: int


class Part:
    """One of the two processes."""

    def __init__(
        self, name: str, process: subprocess.Popen[bytes], log: Callable[[str], None]
    ) -> None:
        """Begin to hand on what it says."""
        self.process = process
        self.listener = threading.Thread(target=self._listen, daemon=True)
        self._name = name
        self._log = log
        self._last: deque[str] = deque(maxlen=3)
        self.listener.start()

    @property
    def failure(self) -> PipelineError:
        """The error that it ended with, in its own last words."""
        self.listener.join()
        said = " ".join(self._last) or "It said nothing."
        return PipelineError(
            f"The {self._name} ended with status {self.process.returncode}. {said}"
        )

    def _listen(self) -> None:
        for line in _lines(self.process.stderr):
            level, logger, message = _parsed(line)
            if level in _BAD or not logger:
                self._last.append(message)
            self._log(
                json.dumps({"level": level, "source": logger or self._name, "message": message})
            )


@dataclass(frozen=True)
class Pipeline:
    """What is run: two commands, both with variables of its environment beside those of this process."""

    tap: Sequence[str] = TAP
    target: Sequence[str] = TARGET
    environment: Mapping[str, str] = field(default_factory=dict)

    def run(
        self,
        state: State,
        deadline: Deadline | None = None,
        log: Callable[[str], None] = print,
        began: Callable[[Callable[[], None]], None] = lambda _: None,
    ) -> Outcome:
        """Run to the end, or until the deadline is near.

        `log` takes one line of JSON for each line that either of the two says. `began` is given what
        ends the run early and in good order, for a handler of SIGTERM.

        Raises:
            PipelineError: One of the two failed. What was acknowledged until then is kept.
        """
        with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
            tap, target = stack.enter_context(self._running(Path(folder), state.read(), log))
            stopped = threading.Event()

            def stop() -> None:
                stopped.set()
                tap.process.terminate()

            began(stop)
            if deadline:
                stack.enter_context(_after(deadline.seconds - deadline.margin, stop))
                kill = functools.partial(_kill, tap, target)
                stack.enter_context(_after(deadline.seconds - deadline.last, kill))
            kept = 0
            for line in _lines(target.process.stdout):
                state.write(json.loads(line))
                kept += 1
            target.process.wait()
            tap.process.wait()
        return Outcome(_finished(tap, target, stopped=stopped.is_set()), kept)

    @contextmanager
    def _running(
        self, folder: Path, state: Mapping[str, Any] | None, log: Callable[[str], None]
    ) -> Iterator[tuple[Part, Part]]:
        """Start both; within the block they run, and after it neither does."""
        options: list[str] = []
        if state is not None:
            (folder / "state.json").write_text(json.dumps(state))
            options = ["--state", str(folder / "state.json")]
        # Where the plugins are found, this process knows; Lambda has no environment of their own.
        path = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        env = {**os.environ, **path, **self.environment}

        def start(
            command: Sequence[str], given: IO[bytes] | None = None
        ) -> subprocess.Popen[bytes]:
            pipe = subprocess.PIPE
            return subprocess.Popen(command, stdin=given, stdout=pipe, stderr=pipe, env=env)

        with _ended(Part("tap", start([*self.tap, *options]), log)) as tap:
            target = Part("target", start(self.target, tap.process.stdout), log)
            with _ended(target):
                if tap.process.stdout:  # the target's now; if it dies, the tap has to notice
                    tap.process.stdout.close()
                yield tap, target


def _finished(tap: Part, target: Part, *, stopped: bool) -> bool:
    """Tell whether Jira was read to its end.

    Raises:
        PipelineError: One of the two failed.
    """
    if target.process.returncode:
        raise target.failure
    if tap.process.returncode and not (stopped and tap.process.returncode in STOPPED):
        raise tap.failure
    return tap.process.returncode == 0


@contextmanager
def _ended(part: Part) -> Iterator[Part]:
    """Within the block a process runs; an error ends it."""
    try:
        yield part
    finally:
        _kill(part)
        part.process.wait()
        part.listener.join()
        for pipe in (part.process.stdout, part.process.stderr):
            if pipe:
                pipe.close()


def _kill(*parts: Part) -> None:
    for part in parts:
        part.process.kill()  # nothing where it has ended


def _parsed(line: str) -> tuple[str, str, str]:
    """Return level, logger and text of a line as the Singer SDK writes it; other lines have no logger."""
    found = _LEVEL.search(line)
    return (found[1], found[2], found[3]) if found else ("INFO", "", line)


def _lines(pipe: IO[bytes] | None) -> Iterator[str]:
    for line in pipe or ():
        if text := line.decode("utf-8", "replace").strip():
            yield text


@contextmanager
def _after(seconds: float, do: Callable[[], None]) -> Iterator[None]:
    timer = threading.Timer(max(0.0, seconds), do)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
