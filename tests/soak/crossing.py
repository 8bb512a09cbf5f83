"""One run of the pair by a plain pipe, with the state in a file, watched from outside: memory, open files, how both ended."""

from __future__ import annotations

import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tap import command as tap_command
from target import command as target_command

if TYPE_CHECKING:
    from soak.weather import Kill

_LOOK_EVERY: Final = 0.05
_LONGEST: Final = 300.0


@dataclass
class Watched:
    """One of the two processes.

    Attributes:
        status: how it ended, as `Popen.returncode`; None while it runs.
        megabytes: its peak of memory, by the system's own mark: what `wait4` tells begins with the parent's.
        files: the most files that it was seen to have open.
    """

    process: subprocess.Popen[bytes]
    status: int | None = None
    megabytes: float = 0
    files: int = 0

    def look(self) -> None:
        """Count its files, and note its end."""
        if self.status is not None:
            return
        about = Path(f"/proc/{self.process.pid}")
        with suppress(OSError, StopIteration):  # it may end at this moment
            self.files = max(self.files, len(list((about / "fd").iterdir())))
            lines = (about / "status").read_text().splitlines()
            peak = next(line for line in lines if line.startswith("VmHWM:"))
            self.megabytes = max(self.megabytes, int(peak.split()[1]) / 1024)
        self.status = self.process.poll()


@dataclass(frozen=True)
class Crossing:
    """How a run went."""

    tap: Watched
    target: Watched
    seconds: float
    was_killed: bool
    log: str

    @property
    def is_well(self) -> bool:
        """Whether both ended without an error."""
        return self.tap.status == 0 and self.target.status == 0


@dataclass(frozen=True)
class Route:
    """Where a run's settings, catalog and state lie, in a folder of its own; `name` is that of its state."""

    folder: Path
    name: str

    @property
    def state(self) -> Path:
        """The last STATE line."""
        return self.folder / f"{self.name}.state.json"

    def cross(self, kill: Kill | None) -> Crossing:
        """Run `tap | target` to the end, and keep the last whole STATE line, as Singer's documentation does it."""
        state = ["--state", str(self.state)] if self.state.exists() else []
        catalog = ["--catalog", str(self.folder / f"{self.name}.catalog.json")]
        spool = self.folder / "spool"
        spool.mkdir(exist_ok=True)
        printed = self.folder / "printed"
        began = time.monotonic()
        with (self.folder / "log").open("wb") as log, printed.open("wb") as output:
            source = subprocess.Popen(
                [tap_command.COMMAND, "--config", str(self.folder / "tap.json"), *catalog, *state],
                stdout=subprocess.PIPE,
                stderr=log,
                env=tap_command.environment(),
            )
            assert source.stdout is not None
            sink = subprocess.Popen(
                [target_command.COMMAND, "--config", str(self.folder / "target.json")],
                stdin=source.stdout,
                stdout=output,
                stderr=log,
                env=target_command.environment(self.folder) | {"TMPDIR": str(spool)},
            )
            source.stdout.close()
            was_killed = _watch(tap := Watched(source), target := Watched(sink), kill, began)
        lines = printed.read_bytes().splitlines(keepends=True)
        whole = [line for line in lines if line.endswith(b"\n")]
        if whole:
            self.state.write_bytes(whole[-1])
        text = (self.folder / "log").read_text("utf-8", "replace")
        return Crossing(tap, target, time.monotonic() - began, was_killed, text)


def _watch(tap: Watched, target: Watched, kill: Kill | None, began: float) -> bool:
    """Look at both until both have ended; RuntimeError, after ending them, when that takes too long."""
    was_killed = False
    while tap.status is None or target.status is None:
        time.sleep(_LOOK_EVERY)
        tap.look()
        target.look()
        passed = time.monotonic() - began
        victim = None if kill is None else tap if kill.victim == "tap" else target
        if kill and victim and victim.status is None and passed > kill.after and not was_killed:
            victim.process.send_signal(kill.signal)
            was_killed = True
        if passed > _LONGEST:
            for each in (tap, target):
                if each.status is None:
                    each.process.kill()
                    each.process.wait()
            raise RuntimeError(f"a run did not end in {_LONGEST:.0f} s")
    return was_killed
