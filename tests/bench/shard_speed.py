"""What more workers are worth: `./dev bench shard_speed`.

Starts the command of every shard (`orchestrate/dags/shard.py`) by 1, 2 and 4 workers, which take the next shard when one is done, against a
sandbox that answers each page of issues 200 ms late. Airflow is not in it. A tap asks for one page at a time here, so that
waiting for Jira, and not this machine, is most of the time. CPU and memory are those of all processes of the shards, Meltano's too; memory is what is
resident at a time, each shared page counted once, looked at ten times a second.
"""

from __future__ import annotations

import argparse
import gzip
import multiprocessing
import os
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.tap_speed import FIELDS
from documents import ROOT
from sandbox import Corpus, Sandbox
from sandbox.faults import Fault
from shard_command import Shard, shards
from stopping import running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection

SEARCH = "/rest/api/2/search"
BIN = Path(sys.executable).parent


def serve(pipe: Connection, issues: int, projects: int, latency: float) -> None:
    """Serve until the pipe says stop; without latency every issue was rendered before, so that the server is no brake."""
    corpus = Corpus.generate(seed=1, issues=issues, projects=projects)
    with Sandbox(corpus=corpus, warm=() if latency else [",".join(FIELDS)]) as jira:
        if latency:
            jira.world.faults.add(Fault(SEARCH, count=10**9, delay=latency))
        pipe.send(jira.url)
        pipe.recv()


@dataclass(frozen=True)
class Pages:
    """How the tap asks for them: where, how large, how many at a time."""

    url: str
    size: int
    at_a_time: int


def read(shard: Shard, folder: Path, pages: Pages) -> float:
    """Run one shard into a folder; return its seconds. Ends the program where it fails."""
    environment = os.environ | {
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "NO_PROXY": "127.0.0.1",
        "SHARD_PROJECT": str(ROOT),
        "SHARD_SYSTEM_ROOT": str(folder / "shards"),
        "MELTANO_CLI_DISABLE_VERSION_CHECK": "1",
        "TAP_JIRA_OAUTH_API_URL": pages.url,
        "TAP_JIRA_OAUTH_AUTH_METHOD": "personal_token",
        "TAP_JIRA_OAUTH_PERSONAL_TOKEN": "sandbox-token",
        "TAP_JIRA_OAUTH_PAGE_SIZE": str(pages.size),
        "TAP_JIRA_OAUTH_MAX_CONCURRENT_REQUESTS": str(pages.at_a_time),
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


@contextmanager
def watched(server: int) -> Iterator[list[float]]:
    """Give a list of one number: the most MB so far that the processes below this one had at a time, but for the server."""
    peak, stop = [0.0], threading.Event()

    def look() -> None:
        while not stop.wait(0.1):
            peak[0] = max(peak[0], sum(map(megabytes, below(os.getpid(), server))))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield peak
    finally:
        stop.set()
        thread.join()


def below(parent: int, server: int) -> Iterator[int]:
    """Yield the processes that a process has started, and those that they have, but for the server."""
    every = list(running())
    ahead = [parent]
    while ahead:
        above = ahead.pop()
        mine = [each.pid for each in every if each.parent == above and each.pid != server]
        ahead += mine
        yield from mine


def megabytes(pid: int) -> float:
    """Return what a process has in memory; nothing if it has ended."""
    with suppress(OSError, StopIteration):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text("utf-8").splitlines()
        return int(next(line for line in lines if line.startswith("Pss:")).split()[1]) / 1024
    return 0.0


def cpu() -> float:
    """Return the CPU seconds of all processes that this one has started and that have ended."""
    times = os.times()
    return times.children_user + times.children_system


def main() -> None:
    """Serve, and let 1, 2 and 4 workers read."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--issues", type=int, default=12_000)
    parser.add_argument("--projects", type=int, default=64)
    parser.add_argument("--shards", type=int, default=8)
    parser.add_argument("--page-size", type=int, default=25)
    parser.add_argument("--latency", type=int, default=200, help="milliseconds")
    parser.add_argument("--at-a-time", type=int, default=1, help="requests of a tap")
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2, 4])
    given = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    order = (theirs, given.issues, given.projects, given.latency / 1000)
    server = context.Process(target=serve, args=order)
    server.start()
    pages = Pages(ours.recv(), given.page_size, given.at_a_time)
    heads = ("workers", "seconds", "x first", "longest shard, s", "rows", "CPU, s", "peak MB")
    sys.stdout.write(f"| {' | '.join(heads)} |\n{'|---' * len(heads)}|\n")
    first = 0.0
    for workers in given.workers:
        with (
            tempfile.TemporaryDirectory() as name,
            ThreadPoolExecutor(workers) as pool,
            watched(server.pid or 0) as peak,
        ):
            folder, spent, began = Path(name), cpu(), time.perf_counter()
            tasks = [pool.submit(read, each, folder, pages) for each in shards(given.shards)]
            longest = max(task.result() for task in tasks)
            seconds = time.perf_counter() - began
            first = first or seconds
            speed = (f"{workers}", f"{seconds:.0f}", f"{first / seconds:.2f}", f"{longest:.0f}")
            cells = (*speed, f"{rows(folder)}", f"{cpu() - spent:.0f}", f"{peak[0]:.0f}")
            sys.stdout.write(f"| {' | '.join(cells)} |\n")
            sys.stdout.flush()
    ours.send("stop")
    server.join()


if __name__ == "__main__":
    main()
