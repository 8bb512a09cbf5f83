"""What the pair costs by a plain pipe: `PYTHONPATH=tests python tests/bench/pair_speed.py`.

From the sandbox's pages, rendered beforehand, to a local S3. Each row is two processes; their CPU times are added. The floor
is two small loops that cut and copy bytes and promise nothing. `--peers` adds PyPI `tap-jira` into PyPI `target-s3-jsonl`
with gzip; see `lost_issues.py` for what the first of them needs to read the sandbox at all.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bench.tap_speed import FLOOR, TAP, peer_command, serve, settings
from bench.target_speed import install_peers
from local_s3 import LocalS3
from target.command import s3_config

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


def main() -> None:
    """Serve, and let each pair move all issues."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--issues", type=int, default=50_000)
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
        keys = {
            "AWS_ACCESS_KEY_ID": store.access_key,
            "AWS_SECRET_ACCESS_KEY": store.secret_key,
            "AWS_ENDPOINT_URL": store.endpoint_url,
            "AWS_DEFAULT_REGION": store.region,
        }
        python = sys.executable
        pairs = {
            "floor": (
                [python, str(FLOOR), url, "cut"],
                [python, TARGET_FLOOR, f"s3://{store.bucket('floor')}", "cut"],
            ),
        }
        for label, more in (("ours", {}), ("ours, not validated", {"validate_records": False})):
            bucket = store.bucket(f"ours-{len(pairs)}")
            config = written(folder, f"target-{len(pairs)}.json", s3_config(store, bucket, **more))
            pairs[label] = (
                [TAP, "--config", settings(folder, url)],
                [TARGET, "--config", config],
            )
        if options.peers:
            install_peers(folder)
            config = written(
                folder,
                "peer-target.json",
                {
                    "compression": "gzip",
                    "work_dir": ".",
                    "s3_bucket": store.bucket("peer"),
                    "aws_endpoint_url": store.endpoint_url,
                },
            )
            os.chdir(folder)
            pairs["tap-jira 2.6.0, target-s3-jsonl 2.0.1 gzip"] = (
                peer_command(https, folder),
                [str(folder / "target-s3-jsonl/bin/target-s3-jsonl"), "--config", config],
            )
        sys.stdout.write(HEAD)
        floor: Cost | None = None
        for label, (tap, target) in pairs.items():
            spent = measure(tap, target, folder, keys)
            floor = floor or spent
            per_10000 = spent.cpu * 10_000 / options.issues
            sys.stdout.write(
                f"| {label} | {options.issues / spent.seconds:,.0f} | {per_10000:.2f} "
                f"| {spent.cpu / floor.cpu:.2f} |\n"
            )
            sys.stdout.flush()
        ours.send("stop")
        server.join()
        os.chdir("/")


if __name__ == "__main__":
    main()
