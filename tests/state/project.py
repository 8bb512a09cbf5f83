"""A Meltano project of a test, with a tap and a target that do next to nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from measured import unmeasured
from prepared import CAN_FORK, prepared
from state.dynamodb import KEYS, REGION

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

BIN = Path(sys.executable).parent
STATE_ID = "dev:tap-small-to-target-small"
SECONDS = 60.0

# The tap prints the state it is given, notes it, and waits until `wait` is gone.
TAP = """
import json, os, pathlib, sys, time
begun = {}
if "--state" in sys.argv:
    begun = json.loads(pathlib.Path(sys.argv[sys.argv.index("--state") + 1]).read_text())
with open("begun", "a") as notes:
    notes.write(json.dumps(begun) + "\\n")
next_one = json.loads(os.environ["NEXT_STATE"])
for value in (begun or {"bookmarks": {}}, next_one):
    print(json.dumps({"type": "STATE", "value": value}), flush=True)
    while pathlib.Path("wait").exists():
        time.sleep(0.02)
"""
TARGET = """
import json, sys
for line in sys.stdin:
    print(json.dumps(json.loads(line)["value"]), flush=True)
"""
PROJECT = """
requires_meltano: ">=4.4,<5"
default_environment: dev
environments: [{{name: dev}}]
state_backend: {{uri: "{uri}"}}
plugins:
  extractors:
  - {{name: tap-small, namespace: tap_small, executable: ./tap, capabilities: [state]}}
  loaders:
  - {{name: target-small, namespace: target_small, executable: ./target}}
"""


@dataclass(frozen=True)
class Done:
    """How a command of Meltano ended."""

    status: int
    printed: str
    log: str


class Project:
    """A folder in which Meltano runs."""

    def __init__(self, folder: Path, uri: str, endpoint: str) -> None:
        """Write the project; `uri` is the state backend's."""
        self.folder = folder
        self._endpoint = endpoint
        (folder / "meltano.yml").write_text(PROJECT.format(uri=uri))
        for name, text in (("tap", TAP), ("target", TARGET)):
            (folder / name).write_text(f"#!{sys.executable}{text}")
            (folder / name).chmod(0o755)

    @property
    def waits(self) -> Path:
        """While this file is there, the tap waits after its first STATE."""
        return self.folder / "wait"

    def begun(self) -> list[dict[str, Any]]:
        """Return the states that the taps were given, of all runs so far."""
        notes = self.folder / "begun"
        return [json.loads(line) for line in notes.read_text().splitlines()]

    def run(self, *arguments: str, **more: str) -> Done:
        """Run a command of Meltano to its end."""
        if not CAN_FORK:
            process = self._start(*arguments, **more)
            printed, log = process.communicate(timeout=SECONDS)
            return Done(process.returncode, printed.decode(), log.decode())
        order = {
            "arguments": ["meltano", *arguments],
            "environment": self._environment(os.environ, more),
            "folder": str(self.folder),
        }
        with (self.folder / "log").open("w+b") as log_file:
            status, output = prepared("meltano.cli:main").run(order, b"", log_file, SECONDS)
        return Done(status, output.decode(), (self.folder / "log").read_text())

    @contextmanager
    def started(self, *arguments: str, **more: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run a command of Meltano beside the block, which waits for its end, or kills it."""
        with self._start(*arguments, **more) as process:
            try:
                yield process
            except BaseException:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                raise

    def _start(self, *arguments: str, **more: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [str(BIN / "meltano"), *arguments],
            cwd=self.folder,
            env=self._environment(unmeasured(), more),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def _environment(self, around: Mapping[str, str], more: Mapping[str, str]) -> dict[str, str]:
        kept = {
            name: text
            for name, text in around.items()
            if not name.startswith(("AWS_", "MELTANO_", "TAP_", "TARGET_"))
        }
        return kept | {
            "HOME": str(self.folder),
            "PATH": f"{BIN}{os.pathsep}{kept['PATH']}",
            "NO_PROXY": "127.0.0.1",
            "MELTANO_SEND_ANONYMOUS_USAGE_STATS": "false",
            "MELTANO_CLI_DISABLE_VERSION_CHECK": "1",
            "MELTANO_STATE_BACKEND_DYNAMODB_ENDPOINT_URL": self._endpoint,
            "MELTANO_STATE_BACKEND_DYNAMODB_LEASE_SECONDS": "3",
            "MELTANO_STATE_BACKEND_LOCK_TIMEOUT_SECONDS": "1",
            "AWS_REGION": REGION,
            "NEXT_STATE": '{"bookmarks": {}}',
            **{name.upper(): text for name, text in KEYS.items()},
            **more,
        }
