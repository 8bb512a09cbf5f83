"""What the pair costs by a plain pipe: `./dev bench pair_speed`.

From the sandbox's pages, rendered beforehand, to a local S3. Each row is two processes; their CPU times are added, and the
cheapest of the rounds counts: whatever else the machine does makes a process dearer, never cheaper. The floor
is two small loops that cut and copy bytes and promise nothing. `--peers` adds PyPI `tap-jira` into PyPI `target-s3-jsonl`
with gzip; see `lost_issues.py` for what the first of them needs to read the sandbox at all.
"""

from __future__ import annotations

import argparse
import itertools
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import partners
from bench.tap_speed import FLOOR, TAP, peer_command, serve, settings
from bench.target_speed import keys_of
from local_s3 import LocalS3
from target.command import s3_config

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

HEAD = """\
| pair | issues/s | CPU-s per 10,000 | x floor |
|---|---|---|---|
"""
TARGET = str(Path(sys.executable).with_name("target-s3-jsonl"))
TARGET_FLOOR = str(Path(__file__).with_name("target_floor.py"))


@dataclass(frozen=True)
class Cost:
    """What a pair took: seconds by the clock, and seconds of CPU of both."""

    seconds: float
    cpu: float


def measure(tap: list[str], target: list[str], folder: Path, more: dict[str, str]) -> Cost:
    """Run a pair to its end."""
    env = os.environ | {"NO_PROXY": "127.0.0.1"} | more
    with (folder / "log").open("wb") as log:
        started = time.perf_counter()
        reader = subprocess.Popen(tap, stdout=subprocess.PIPE, stderr=log, env=env, cwd=folder)
        writer = subprocess.Popen(
            target, stdin=reader.stdout, stdout=subprocess.DEVNULL, stderr=log, env=env, cwd=folder
        )
        assert reader.stdout is not None
        reader.stdout.close()
        ends = [os.wait4(each.pid, 0) for each in (reader, writer)]
        seconds = time.perf_counter() - started
    if any(status for _, status, _ in ends):
        sys.exit(f"{tap[0]} | {target[0]} failed:\n{(folder / 'log').read_text()[-2000:]}")
    cpu = sum(usage.ru_utime + usage.ru_stime for _, _, usage in ends)
    return Cost(seconds, cpu)


def written(folder: Path, name: str, config: dict[str, object]) -> str:
    """Write a configuration; return its path."""
    path = folder / name
    path.write_text(json.dumps(config))
    return str(path)


def pairs(
    store: LocalS3, folder: Path, url: str, https: str | None
) -> Iterator[tuple[str, list[str], list[str]]]:
    """Return a name, the tap's command and the target's; the peers where there is an address for them.

    Each has a new bucket: objects that are there already cost ours less.
    """
    python = sys.executable
    bucket = store.bucket(_new("floor"))
    yield "floor", [python, str(FLOOR), url, "cut"], [python, TARGET_FLOOR, f"s3://{bucket}", "cut"]
    tap = [TAP, "--config", settings(folder, url)]
    for label, more in (("ours", {}), ("ours, not validated", {"validate_records": False})):
        config = s3_config(store, store.bucket(_new("ours")), **more)
        yield label, tap, [TARGET, "--config", written(folder, "target.json", config)]
    if https:
        peer: dict[str, object] = {
            "compression": "gzip",
            "work_dir": ".",
            "s3_bucket": store.bucket(_new("peer")),
            "aws_endpoint_url": store.endpoint_url,
        }
        target = [str(partners.installed("target-s3-jsonl")), "--config"]
        yield (
            "tap-jira 2.6.0, target-s3-jsonl 2.0.1 gzip",
            peer_command(https, folder),
            [*target, written(folder, "peer-target.json", peer)],
        )


_numbers = itertools.count()


def _new(name: str) -> str:
    return f"pair-{name}-{next(_numbers)}"


def main() -> None:
    """Serve, and let each pair move all issues."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--issues", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--peers", action="store_true", help="also PyPI tap-jira into PyPI target-s3-jsonl"
    )
    options = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    with tempfile.TemporaryDirectory(prefix="bench-") as name, LocalS3() as store:
        folder = Path(name)
        server = context.Process(target=serve, args=(theirs, folder, options.issues, 1, 0.0))
        server.start()
        url, https = ours.recv()
        keys = keys_of(store)
        if options.peers:
            os.chdir(folder)
        spent: dict[str, list[Cost]] = {}
        for _ in range(options.rounds):
            for label, tap, target in pairs(store, folder, url, https if options.peers else None):
                spent.setdefault(label, []).append(measure(tap, target, folder, keys))
        show(
            {label: min(costs, key=lambda each: each.cpu) for label, costs in spent.items()},
            options.issues,
        )
        ours.send("stop")
        server.join()
        os.chdir("/")


def show(least: Mapping[str, Cost], issues: int) -> None:
    """Print the table."""
    sys.stdout.write(HEAD)
    for label, cost in least.items():
        sys.stdout.write(
            f"| {label} | {issues / cost.seconds:,.0f} | {cost.cpu * 10_000 / issues:.2f} "
            f"| {cost.cpu / least['floor'].cpu:.2f} |\n"
        )


if __name__ == "__main__":
    main()
