"""What targets acknowledge although it is not stored: `./dev bench acknowledged`.

Each gets the same rows and one STATE behind them, three times: where its destination cannot be written; killed by SIGKILL
when it prints a STATE; stopped by SIGTERM while it stores. The store takes a second for an object. What counts is whether
a STATE says more than there is: the next run begins behind it.
"""

from __future__ import annotations

import gzip
import json
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import partners
from local_s3 import LocalS3
from target.command import COMMAND, environment, s3_config
from target.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

ROWS: Final = 500
HOLD: Final = 1.0
SECONDS: Final = 60.0
MAGIC: Final = b"\x1f\x8b"
"""How gzip begins."""

LINES: Final = b"".join(
    json.dumps(message).encode() + b"\n"
    for message in (
        {
            "type": "SCHEMA",
            "stream": "issues",
            "schema": {"type": "object", "properties": {"id": {"type": "integer"}}},
            "key_properties": ["id"],
        },
        *(
            {"type": "RECORD", "stream": "issues", "record": {"id": number}}
            for number in range(ROWS)
        ),
        {"type": "STATE", "value": {"n": ROWS}},
    )
)


class Ending(NamedTuple):
    """How a run ended: its status, the rows that its last STATE covers, and those that are there."""

    status: int
    acknowledged: int
    stored: int

    @property
    def lost(self) -> bool:
        """Whether rows that are not there will never be sent again."""
        return self.acknowledged > self.stored

    def __str__(self) -> str:
        """Say it in a cell of a table."""
        end = f"status {self.status}" if self.status >= 0 else signal.Signals(-self.status).name
        return f"{self.acknowledged} acknowledged, {self.stored} stored; {end}"


@dataclass(frozen=True)
class Place:
    """Where a target writes: a folder, or a bucket at an address."""

    folder: Path
    server: LocalS3
    bucket: str
    url: str
    proxy: Proxy | None = None

    def stored(self) -> int:
        """Count the rows that are there."""
        files = [each for each in (self.folder / "lake").rglob("*.jsonl*") if each.is_file()]
        bodies = [file.read_bytes() for file in files]
        with closing(self.server.client()) as client:
            names = [each["Name"] for each in client.list_buckets()["Buckets"]]
        if self.bucket in names:
            bodies += self.server.objects(self.bucket).values()
        return sum(_lines(body) for body in bodies)

    def is_written_to(self) -> bool:
        """Tell whether the target has begun to store."""
        begun = self.proxy is not None and self.proxy.asked.is_set()
        return begun or any((self.folder / "lake").rglob("*"))


def _lines(body: bytes) -> int:
    plain = gzip.decompress(body) if body.startswith(MAGIC) else body
    return plain.count(b"\n")


Settings = dict[str, Any]


@dataclass(frozen=True)
class Contender:
    """A target, and its settings for a place."""

    command: list[str]
    settings: Callable[[Place], Settings]
    stores_at_once: bool = False
    """Row by row, so it is stopped while its input is open; others store at the end of it."""


def _ours(place: Place) -> Settings:
    return s3_config(place.server, place.bucket, endpoint_url=place.url)


def _s3_jsonl(place: Place) -> Settings:
    return {
        "compression": "gzip",
        "work_dir": ".",
        "s3_bucket": place.bucket,
        "aws_endpoint_url": place.url,
    }


def contenders() -> dict[str, Contender]:
    """Return all of them, by name and version; the SDK's own is the plainest sink that one can write with it."""
    sdk = [sys.executable, str(Path(__file__).with_name("target_sdk.py"))]
    folder: Settings = {"folder": "lake", "seconds": HOLD}
    lenient: Settings = {**folder, "takes_empty": True}
    return {
        "target-s3-jsonl of this repository": Contender([COMMAND], _ours),
        "target-s3-jsonl 2.0.1": Contender([str(partners.installed("target-s3-jsonl"))], _s3_jsonl),
        "target-jsonl 0.1.4": Contender(
            [str(partners.installed("target-jsonl"))],
            lambda _: {"destination_path": "lake"},
            stores_at_once=True,
        ),
        f"a BatchSink of the Singer SDK {version('singer-sdk')}": Contender(sdk, lambda _: folder),
        "the same, which takes an empty batch": Contender(sdk, lambda _: lenient),
    }


@contextmanager
def started(contender: Contender, place: Place) -> Iterator[subprocess.Popen[bytes]]:
    """Start a target and hand all lines to it, but not the end of its input."""
    config = place.folder / "config.json"
    config.write_text(json.dumps(contender.settings(place)))
    keys = {
        "AWS_ACCESS_KEY_ID": place.server.access_key,
        "AWS_SECRET_ACCESS_KEY": place.server.secret_key,
        "AWS_DEFAULT_REGION": place.server.region,
    }
    with (
        (place.folder / "log").open("wb") as log,
        subprocess.Popen(
            [*contender.command, "--config", str(config)],
            cwd=place.folder,
            env=environment(place.folder) | keys,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
        ) as process,
    ):
        assert process.stdin is not None
        process.stdin.write(LINES)
        process.stdin.flush()
        try:
            yield process
        finally:
            process.kill()


def _acknowledged(printed: bytes) -> int:
    states = [json.loads(line) for line in printed.splitlines() if line.endswith(b"}")]
    return max((state.get("n", 0) for state in states), default=0)


def not_there(contender: Contender, place: Place) -> tuple[int, int]:
    """Let it run to its end; return its status and what it acknowledges."""
    with started(contender, place) as process:
        printed, _ = process.communicate(timeout=SECONDS)
        return process.returncode, _acknowledged(printed)


def killed_at_state(contender: Contender, place: Place) -> tuple[int, int]:
    """Kill it when it prints a STATE."""
    with started(contender, place) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        printed = process.stdout.readline()
        process.kill()
        return process.wait(), _acknowledged(printed.rstrip())


def stopped_while_storing(contender: Contender, place: Place) -> tuple[int, int]:
    """Stop it by SIGTERM once it has begun to store."""
    with started(contender, place) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        if not contender.stores_at_once:
            process.stdin.close()
        until = time.monotonic() + SECONDS
        while not place.is_written_to() and process.poll() is None and time.monotonic() < until:
            time.sleep(0.01)
        process.terminate()
        printed = process.stdout.read()
        return process.wait(SECONDS), _acknowledged(printed)


EVENTS: Final[Mapping[str, Callable[[Contender, Place], tuple[int, int]]]] = {
    "its destination cannot be written": not_there,
    "SIGKILL when it prints a STATE": killed_at_state,
    "SIGTERM while it stores": stopped_while_storing,
}


def ended(name: str, event: str, number: int, server: LocalS3) -> Ending:
    """Let something happen to a target; return how it ended."""
    contender, happens = contenders()[name], EVENTS[event]
    with tempfile.TemporaryDirectory(prefix="bench-") as root, ExitStack() as stack:
        folder, bucket = Path(root), f"lake-{number}"
        if happens is not_there:
            # No such bucket; and where a folder is asked for, a file.
            (folder / "lake").write_bytes(b"")
            place = Place(folder, server, bucket, server.endpoint_url)
        else:
            (folder / "lake").mkdir()
            proxy = stack.enter_context(Proxy(server.port, hold=HOLD))
            place = Place(folder, server, server.bucket(bucket), proxy.url, proxy)
        status, acknowledged = happens(contender, place)
        # Whatever the store has not received by now, it will not receive.
        stack.close()
        return Ending(status, acknowledged, place.stored())


def table() -> dict[str, list[Ending]]:
    """Return how each target ended, in the order of the events."""
    with LocalS3() as server:
        rows: dict[str, list[Ending]] = {}
        number = 0
        for name in contenders():
            for event in EVENTS:
                rows.setdefault(name, []).append(ended(name, event, number, server))
                number += 1
        return rows


def main() -> None:
    """Print it as a table in Markdown."""
    sys.stdout.write(f"| target | {' | '.join(EVENTS)} |\n|---|{'---|' * len(EVENTS)}\n")
    for name, endings in table().items():
        sys.stdout.write(f"| {name} | {' | '.join(map(str, endings))} |\n")


if __name__ == "__main__":
    main()
