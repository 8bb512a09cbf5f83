"""What more workers are worth: `./dev bench shard_speed`.

Starts the command of every shard (`orchestrate/dags/shard.py`) by 1, 2 and 4 workers, which take the next shard when one is done, against a
sandbox that answers each page of issues 200 ms late. Airflow is not in it. A tap asks for one page at a time here, so that
waiting for Jira, and not this machine, is most of the time.
"""

from __future__ import annotations

import argparse
import gzip
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING

from documents import ROOT
from sandbox import Corpus, Sandbox
from sandbox.faults import Fault
from shard_command import Shard, shards

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

SEARCH = "/rest/api/2/search"
BIN = Path(sys.executable).parent


def serve(pipe: Connection, issues: int, projects: int, latency: float) -> None:
    """Serve until the pipe says stop."""
    with Sandbox(corpus=Corpus.generate(seed=1, issues=issues, projects=projects)) as jira:
        jira.world.faults.add(Fault(SEARCH, count=10**9, delay=latency))
        pipe.send(jira.url)
        pipe.recv()


def read(shard: Shard, place: tuple[str, Path, int]) -> float:
    """Run one shard, from a Jira, into a folder, by pages of a size; return its seconds. Ends the program where it fails."""
    url, folder, page_size = place
    environment = os.environ | {
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "NO_PROXY": "127.0.0.1",
        "SHARD_PROJECT": str(ROOT),
        "SHARD_SYSTEM_ROOT": str(folder / "shards"),
        "MELTANO_CLI_DISABLE_VERSION_CHECK": "1",
        "TAP_JIRA_OAUTH_API_URL": url,
        "TAP_JIRA_OAUTH_AUTH_METHOD": "personal_token",
        "TAP_JIRA_OAUTH_PERSONAL_TOKEN": "sandbox-token",
        "TAP_JIRA_OAUTH_PAGE_SIZE": str(page_size),
        "TAP_JIRA_OAUTH_MAX_CONCURRENT_REQUESTS": "1",
        "TARGET_S3_JSONL_DESTINATION": str(folder / "lake"),
    }
    command = [sys.executable, str(ROOT / "orchestrate" / "dags" / "shard.py"), str(shard)]
    log = folder / f"{shard.suffix}.log"
    began = time.perf_counter()
    with log.open("wb") as file:
        status = subprocess.run(command, env=environment, stdout=file, stderr=file, check=False)
    if status.returncode:
        sys.exit(f"shard {shard} failed:\n{log.read_text()[-2000:]}")
    return time.perf_counter() - began


def rows(folder: Path) -> int:
    """Count the rows of a lake."""
    return sum(
        gzip.decompress(path.read_bytes()).count(b"\n") for path in folder.rglob("issues/**/*.gz")
    )


def main() -> None:
    """Serve, and let 1, 2 and 4 workers read."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--issues", type=int, default=12_000)
    parser.add_argument("--projects", type=int, default=64)
    parser.add_argument("--shards", type=int, default=8)
    parser.add_argument("--page-size", type=int, default=25)
    parser.add_argument("--latency", type=int, default=200, help="milliseconds")
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2, 4])
    given = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    order = (theirs, given.issues, given.projects, given.latency / 1000)
    server = context.Process(target=serve, args=order)
    server.start()
    url = ours.recv()
    sys.stdout.write(
        "| workers | seconds | x first | longest shard, s | rows |\n|---|---|---|---|---|\n"
    )
    first = 0.0
    for workers in given.workers:
        with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(workers) as pool:
            folder = Path(name)
            began = time.perf_counter()
            every = shards(given.shards)
            each = list(pool.map(read, every, repeat((url, folder, given.page_size))))
            seconds = time.perf_counter() - began
            first = first or seconds
            sys.stdout.write(
                f"| {workers} | {seconds:.0f} | {first / seconds:.2f} | {max(each):.0f} | {rows(folder)} |\n"
            )
            sys.stdout.flush()
    ours.send("stop")
    server.join()


if __name__ == "__main__":
    main()
