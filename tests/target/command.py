"""Runs the real `target-s3-jsonl` command, and reads what it left behind."""

from __future__ import annotations

import gzip
import json
import os
import select
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prepared import CAN_FORK, prepared

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from local_s3 import LocalS3

COMMAND = str(Path(sys.executable).with_name("target-s3-jsonl"))
SECONDS = 30.0


def s3_config(server: LocalS3, bucket: str, **more: object) -> dict[str, Any]:
    """Return the settings that reach a bucket of the local server."""
    return {
        "destination": f"s3://{bucket}/jira",
        "endpoint_url": server.endpoint_url,
        "region": server.region,
        "aws_access_key_id": server.access_key,
        "aws_secret_access_key": server.secret_key,
        "addressing_style": "path",
        **more,
    }


def schema(stream: str = "issues", **properties: object) -> bytes:
    """Return a SCHEMA line whose key is `id`."""
    message = {
        "type": "SCHEMA",
        "stream": stream,
        "schema": {"type": "object", "properties": {"id": {"type": "integer"}, **properties}},
        "key_properties": ["id"],
    }
    return json.dumps(message).encode() + b"\n"


def record(number: int, stream: str = "issues") -> bytes:
    """Return a RECORD line with a little incompressible text."""
    body = {"id": number, "text": os.urandom(24).hex()}
    return json.dumps({"type": "RECORD", "stream": stream, "record": body}).encode() + b"\n"


def raw_record(raw: bytes, stream: str = "issues") -> bytes:
    """Return a RECORD line around a record's own bytes."""
    return b'{"type":"RECORD","stream":"%b","record":%b}\n' % (stream.encode(), raw)


def state(number: int) -> bytes:
    """Return a STATE line that says how many records came before it."""
    return b'{"type": "STATE", "value": {"n": %d}}\n' % number


def environment(home: Path) -> dict[str, str]:
    """Return an environment without any AWS settings of the person who runs the tests."""
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.upper().startswith(("AWS_", "TARGET_"))
    }
    nothing = str(home / "none")
    return kept | {
        "HOME": str(home),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": nothing,
        "AWS_SHARED_CREDENTIALS_FILE": nothing,
        "NO_PROXY": "127.0.0.1",
    }


def _arguments(
    folder: Path,
    config: Mapping[str, object],
    options: tuple[str, ...],
    command: tuple[str, ...] = (),
) -> list[str]:
    config_file = folder / "config.json"
    config_file.write_text(json.dumps(config))
    return [COMMAND, *command, "--config", str(config_file), *options]


@contextmanager
def started(
    folder: Path,
    config: Mapping[str, object],
    *options: str,
    command: tuple[str, ...] = (),
    **variables: str,
) -> Iterator[subprocess.Popen[bytes]]:
    """Start the command with pipes; what it logs goes to `log` in the folder. It is killed at the end at the latest."""
    arguments = _arguments(folder, config, options, command)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=folder,
            env=environment(folder) | variables,
            bufsize=0,
        )
        with process:
            try:
                yield process
            finally:
                process.kill()


def run(
    folder: Path,
    config: Mapping[str, object],
    lines: Iterable[bytes],
    *options: str,
    command: tuple[str, ...] = (),
    **variables: str,
) -> tuple[int, list[bytes], str]:
    """Run the command to its end; return its exit code, the lines that it printed (STATEs) and the log.

    `command` names one beside loading; `variables` go into the environment.
    """
    data = b"".join(lines)
    if not CAN_FORK:
        with started(folder, config, *options, command=command, **variables) as process:
            output, _ = process.communicate(data, timeout=SECONDS)
            return process.returncode, output.splitlines(), log_of(folder)
    order = {
        "arguments": _arguments(folder, config, options, command),
        "environment": environment(folder) | variables,
        "folder": str(folder),
    }
    with (folder / "log").open("wb") as log:
        prepared_command = prepared("target_s3_jsonl.target:TargetS3Jsonl.cli")
        status, output = prepared_command.run(order, data, log, SECONDS)
    return status, output.splitlines(), log_of(folder)


def read_line(process: subprocess.Popen[bytes]) -> bytes:
    """Return the next line that the command prints; it has to come in time."""
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], SECONDS)
    assert ready, "no STATE in time"
    return process.stdout.readline()


def log_of(folder: Path) -> str:
    """Return what the command logged."""
    return (folder / "log").read_text()


def files(folder: Path, *, catalog: bool = False, hidden: bool = True) -> dict[str, bytes]:
    """Return every file of the streams below a folder by its relative path, or those of `_catalog/`.

    Not the `hidden` ones while a run is under way: they become objects at any moment.
    """
    found = {
        str(path.relative_to(folder)): path
        for path in folder.rglob("*")
        if (hidden or not path.name.startswith(".")) and path.is_file()
    }
    return {
        name: path.read_bytes()
        for name, path in found.items()
        if name.startswith("_catalog/") is catalog
    }


def lines_of(objects: Mapping[str, bytes]) -> list[bytes]:
    """Return the lines of all objects; each must be whole, not empty, and end with a newline."""
    lines: list[bytes] = []
    for path, stored in sorted(objects.items()):
        content = gzip.decompress(stored) if path.endswith(".gz") else stored
        assert content.endswith(b"\n"), path
        lines += content[:-1].split(b"\n")
    return lines


def ids(objects: Mapping[str, bytes]) -> list[int]:
    """Return the `id` of every stored record, sorted."""
    return sorted(json.loads(line)["id"] for line in lines_of(objects))


def covered(lines: Iterable[bytes]) -> int:
    """Return how many records the last STATE line says are stored."""
    return max((json.loads(line)["n"] for line in lines), default=0)
