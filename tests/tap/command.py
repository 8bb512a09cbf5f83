"""Runs the real `tap-jira-oauth` command, and reads what it printed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema_rs

from prepared import CAN_FORK, prepared

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

COMMAND = str(Path(sys.executable).with_name("tap-jira-oauth"))
SECONDS = 60.0


@dataclass(frozen=True)
class Run:
    """What one run printed and how it ended."""

    status: int
    messages: list[dict[str, Any]]
    log: str

    @property
    def records(self) -> list[dict[str, Any]]:
        """Every record, in order."""
        return [message["record"] for message in self.messages if message["type"] == "RECORD"]

    def of(self, stream: str) -> list[dict[str, Any]]:
        """Every record of one stream, in order."""
        kinds = [message for message in self.messages if message["type"] == "RECORD"]
        return [message["record"] for message in kinds if message["stream"] == stream]

    @property
    def states(self) -> list[dict[str, Any]]:
        """Every state, in order."""
        return [message["value"] for message in self.messages if message["type"] == "STATE"]

    @property
    def summary(self) -> dict[str, Any]:
        """What the log says at the end that the run came to."""
        (line,) = [line for line in self.log.splitlines() if '{"summary":' in line]
        found: dict[str, Any] = json.loads(line[line.index('{"summary"') :])["summary"]
        return found

    @property
    def keys(self) -> list[str]:
        """The keys of the issues, sorted."""
        return sorted(record["key"] for record in self.records)


def environment() -> dict[str, str]:
    """Return an environment without any settings of the person who runs the tests."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("TAP_JIRA_")}
    return {"NO_PROXY": "127.0.0.1"} | kept


def _arguments(
    folder: Path,
    config: Mapping[str, Any],
    state: Mapping[str, Any] | None,
    options: tuple[str, ...],
) -> list[str]:
    (folder / "config.json").write_text(json.dumps(config))
    arguments = [COMMAND, "--config", str(folder / "config.json"), *options]
    if state is None:
        return arguments
    (folder / "state.json").write_text(json.dumps(state))
    return [*arguments, "--state", str(folder / "state.json")]


@contextmanager
def started(
    folder: Path,
    config: Mapping[str, Any],
    state: Mapping[str, Any] | None = None,
    *options: str,
) -> Iterator[subprocess.Popen[bytes]]:
    """Start the command; what it logs goes to `log` in the folder. It is killed at the latest."""
    arguments = _arguments(folder, config, state, options)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            arguments, stdout=subprocess.PIPE, stderr=log, cwd=folder, env=environment()
        )
        with process:
            try:
                yield process
            finally:
                process.kill()


def ended(
    folder: Path,
    config: Mapping[str, Any],
    state: Mapping[str, Any] | None = None,
    *options: str,
) -> tuple[int, bytes]:
    """Run the command to its end, in a prepared process; return its exit status and what it printed."""
    if not CAN_FORK:
        with started(folder, config, state, *options) as process:
            output, _ = process.communicate(timeout=SECONDS)
            return process.returncode, output
    order = {
        "arguments": _arguments(folder, config, state, options),
        "environment": environment(),
        "folder": str(folder),
    }
    with (folder / "log").open("wb") as log:
        return prepared("tap_jira_oauth.tap:main").run(order, b"", log, SECONDS)


def run(
    folder: Path,
    config: Mapping[str, Any],
    state: Mapping[str, Any] | None = None,
    *options: str,
) -> Run:
    """Run the command to its end."""
    status, output = ended(folder, config, state, *options)
    log = (folder / "log").read_text()
    return Run(status, messages(output) if not options else [], log)


def messages(output: bytes) -> list[dict[str, Any]]:
    """Decode whole lines; a last one that was cut by a kill is left out, as a target would.

    Every one of them is checked as a strict target would: its members, a SCHEMA before the RECORDs
    of a stream, and each RECORD against it.
    """
    lines = output.splitlines(keepends=True)
    found = [json.loads(line) for line in lines if line.endswith(b"\n")]
    check(found)
    return found


def check(found: list[dict[str, Any]]) -> None:
    """Refuse what is no Singer message, or comes out of turn."""
    schemas: dict[str, tuple[jsonschema_rs.Validator, list[str]]] = {}
    for message in found:
        kind = message["type"]
        if kind == "SCHEMA":
            validator = jsonschema_rs.validator_for(message["schema"], validate_formats=True)
            schemas[message["stream"]] = (validator, message["key_properties"])
        elif kind == "RECORD":
            validator, keys = schemas[message["stream"]]
            validator.validate(message["record"])
            assert all(message["record"].get(key) is not None for key in keys), message
            assert datetime.fromisoformat(message["time_extracted"].replace("Z", "+00:00")).tzinfo
        elif kind == "STATE":
            assert isinstance(message["value"], dict), message
        else:
            assert kind == "ACTIVATE_VERSION", message
