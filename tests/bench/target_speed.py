"""How fast targets are, side by side: `./dev bench target_speed --records 100000`.

Each row is one process that reads the same file: CPU seconds per 10,000 records (user and system, by `wait4`), records per
second of wall time, and the peak of memory. The first floor finds each record by a scan of its JSON, the second one cuts
bytes. Then the same target with an S3 that takes 2 s for each PUT, also for four times the records, and its memory for 10 times the
records and 20 streams.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import partners
from bench import spent
from local_s3 import LocalS3
from target.command import environment, s3_config
from target.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_HERE = Path(__file__).parent
_PYTHON = sys.executable
_OURS = str(Path(_PYTHON).with_name("target-s3-jsonl"))


@dataclass(frozen=True)
class Contender:
    """A command, its config, and what it is called in the table."""

    name: str
    command: tuple[str, ...]
    config: Mapping[str, object] | None = None
    share: int = 1
    """It gets so many times fewer records, because it is slow."""


@dataclass(frozen=True)
class Result:
    """What one process cost."""

    cpu: float
    wall: float
    megabytes: float


def measure(contender: Contender, lines: Path, folder: Path, more: Mapping[str, str]) -> Result:
    """Run it on a file; RuntimeError if it fails."""
    folder.mkdir()
    command = list(contender.command)
    if contender.config is not None:
        (folder / "config.json").write_text(json.dumps(contender.config))
        command += ["--config", "config.json"]
    env = {**environment(folder), **more}
    with lines.open("rb") as source, (folder / "log").open("wb") as log:
        did = spent.by(command, folder, env, stdin=source, stdout=subprocess.DEVNULL, stderr=log)
    if did.status:
        raise RuntimeError(f"{contender.name} failed: {(folder / 'log').read_text()[-2000:]}")
    shutil.rmtree(folder)
    return Result(did.cpu, did.wall, did.megabytes)


def contenders(server: LocalS3, *, peers: bool) -> Iterator[Contender]:
    """Return everything that is compared; each S3 row has a bucket of its own."""
    floor = str(_HERE / "target_floor.py")
    yield Contender("floor, folder", (_PYTHON, floor, "lake"))
    yield Contender("floor that cuts, folder", (_PYTHON, floor, "lake", "cut"))
    for name, settings in _variants():
        yield Contender(f"ours{name}, folder", (_OURS,), {"destination": "lake", **settings})
    yield Contender("floor, S3", (_PYTHON, floor, f"s3://{server.bucket('floor')}"))
    for number, (name, settings) in enumerate(_variants()):
        bucket = server.bucket(f"ours-{number}")
        yield Contender(f"ours{name}, S3", (_OURS,), s3_config(server, bucket, **settings))
    if peers:
        jsonl = str(partners.installed("target-jsonl"))
        yield Contender("target-jsonl 0.1.4, folder", (jsonl,), {"destination_path": "."}, 5)
        s3_jsonl = str(partners.installed("target-s3-jsonl"))
        config = {"compression": "gzip", "work_dir": ".", "s3_bucket": server.bucket("peer")}
        yield Contender(
            "target-s3-jsonl 2.0.1 gzip, S3",
            (s3_jsonl,),
            {**config, "aws_endpoint_url": server.endpoint_url},
            5,
        )
        plain = (_PYTHON, str(_HERE / "target_sdk.py"))
        yield Contender("SDK BatchSink, validated, folder", plain, {"folder": "lake"}, 10)


def _variants() -> list[tuple[str, dict[str, Any]]]:
    return [
        ("", {}),
        (", not validated", {"validate_records": False}),
        (", zstd", {"compression": "zstd"}),
    ]


def keys_of(server: LocalS3) -> dict[str, str]:
    """Return the environment by which boto3 finds the server."""
    return {
        "AWS_ACCESS_KEY_ID": server.access_key,
        "AWS_SECRET_ACCESS_KEY": server.secret_key,
        "AWS_ENDPOINT_URL": server.endpoint_url,
        "AWS_DEFAULT_REGION": server.region,
    }


class Bench:
    """One run: a temporary folder, a server, and the inputs so far."""

    def __init__(self, folder: Path, server: LocalS3) -> None:
        """Use them."""
        self._folder = folder
        self._server = server
        self._inputs: dict[tuple[int, int], Path] = {}

    def input(self, records: int, streams: int = 1) -> Path:
        """Return the input with so many records, made when it is asked for first."""
        place = self._inputs.get((records, streams))
        if place is None:
            place = self._folder / f"{records}-{streams}.singer"
            # In a process of its own: a child's peak of memory begins with its parent's.
            command = [
                _PYTHON,
                str(_HERE / "target_input.py"),
                str(place),
                str(records),
                str(streams),
            ]
            subprocess.run(command, check=True)
            self._inputs[records, streams] = place
        return place

    def result(self, contender: Contender, records: int, streams: int = 1) -> Result:
        """Measure one contender."""
        keys = keys_of(self._server)
        return measure(contender, self.input(records, streams), self._folder / "run", keys)

    def row(self, contender: Contender, records: int, streams: int = 1) -> Result:
        """Measure one contender and print its row."""
        count = records // contender.share
        result = self.result(contender, count, streams)
        sys.stdout.write(
            f"| {contender.name} | {count:,} | {result.cpu * 10_000 / count:.2f} | {count / result.wall:,.0f} | {result.megabytes:.0f} |\n"
        )
        sys.stdout.flush()
        return result

    def slow_store(self, records: int) -> None:
        """Compare a store that answers each PUT after 2 s with one that answers at once, in a run and one four times as long.

        What the longer run has more is read while objects are uploaded; both have the same end.
        """
        counts = (records, 4 * records)
        rates = []
        for delay in (0.0, 2.0):
            walls = [self._behind(delay, count) for count in counts]
            rates.append((counts[1] - counts[0]) / (walls[1] - walls[0]))
        sys.stdout.write(
            f"While it reads: {rates[0]:,.0f} records/s, and {rates[1]:,.0f} if each PUT takes 2 s.\n"
        )

    def _behind(self, delay: float, records: int) -> float:
        """Return how many seconds a run takes where each PUT is answered so much later."""
        with Proxy(self._server.port, delay=delay) as proxy:
            bucket = self._server.bucket(f"slow-{int(delay)}-{records}")
            config = s3_config(self._server, bucket, endpoint_url=proxy.url)
            name = f"ours, PUT answered after {delay:.0f} s"
            return self.row(Contender(name, (_OURS,), config), records).wall

    def memory(self, records: int) -> None:
        """Measure the peak for a number of records and a tenth of it, in one stream and in twenty."""
        for count in (records // 10, records):
            for streams in (1, 20):
                name = f"ours-memory-{count}-{streams}"
                config = s3_config(self._server, self._server.bucket(name))
                self.row(
                    Contender(f"ours, S3, {streams} streams", (_OURS,), config), count, streams
                )


def main() -> None:
    """Measure and print tables in Markdown."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--memory-records", type=int, default=200_000)
    parser.add_argument("--peers", action="store_true", help="install and measure the peers, too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as name, LocalS3() as server:
        folder = Path(name)
        bench = Bench(folder, server)
        sys.stdout.write(
            "| target | records | CPU-s per 10,000 | records/s | peak MB |\n|---|---|---|---|---|\n"
        )
        for contender in contenders(server, peers=options.peers):
            bench.row(contender, options.records)
        bench.slow_store(options.records)
        bench.memory(options.memory_records)


if __name__ == "__main__":
    main()
