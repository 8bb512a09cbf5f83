"""What the tap costs beside a hand-written loop and a peer: `PYTHONPATH=tests python tests/bench/tap_speed.py`.

One process serves the sandbox's pages, rendered beforehand; each reader is a process of its own whose
CPU time and peak of memory the kernel tells. The floor is `floor` below: the same requests, one
full parse, one RECORD line for each issue. `--peer DIR` names a virtual environment that holds
PyPI `tap-jira`. With `--latency` each answer comes so many milliseconds later, and the table
shows what reading ahead is worth instead.
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
from typing import TYPE_CHECKING, Any

import requests

from sandbox import Corpus, Sandbox
from sandbox.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Iterable
    from multiprocessing.connection import Connection

PAGE = 100
SEARCH = "/rest/api/2/search"


@dataclass(frozen=True)
class Cost:
    """What one process took: seconds by the clock and of CPU, MB at its peak, records printed."""

    seconds: float
    cpu: float
    memory: float
    records: int

    @property
    def per_10000(self) -> float:
        """CPU seconds for 10,000 records, start-up included."""
        return self.cpu / self.records * 10_000 if self.records else float("nan")


def serve(pipe: Connection, issues: int, projects: int, latency: float) -> None:
    """Serve until the pipe says stop; every page was rendered before."""
    corpus = Corpus.generate(seed=1, issues=issues, projects=projects)
    with Sandbox(corpus=corpus, window=2 * issues) as jira:
        read_all(jira.url)
        if latency:
            jira.world.faults.add(Fault(SEARCH, count=10**9, delay=latency))
        pipe.send(jira.url)
        pipe.recv()


def pages(url: str) -> Iterable[bytes]:
    """Ask for every page, one after the other."""
    with requests.Session() as session:
        session.headers["Authorization"] = "Bearer sandbox-token"
        start, total = 0, 1
        while start < total:
            query = {
                "jql": "ORDER BY updated ASC, key ASC",
                "startAt": start,
                "maxResults": PAGE,
                "fields": ["*all"],
            }
            body = session.post(f"{url}{SEARCH}", json=query, timeout=600).content
            total = json.loads(body[body.rfind(b'"total":') + 8 :].split(b",")[0].strip(b"}"))
            yield body
            start += PAGE


def read_all(url: str) -> None:
    """Have every issue rendered."""
    for _ in pages(url):
        pass


def floor(url: str) -> None:
    """Print every issue by the shortest way: the same requests, one parse, one line each."""
    import msgspec  # noqa: PLC0415 - only the process of the floor pays for it

    decode, encode = msgspec.json.Decoder().decode, msgspec.json.Encoder().encode
    start, total = 0, 1
    with requests.Session() as session:
        session.headers["Authorization"] = "Bearer sandbox-token"
        while start < total:
            query = {
                "jql": "ORDER BY updated ASC, key ASC",
                "startAt": start,
                "maxResults": PAGE,
                "fields": ["*all"],
            }
            page = decode(session.post(f"{url}{SEARCH}", json=query, timeout=600).content)
            total = page["total"]
            for issue in page["issues"]:
                message = {"type": "RECORD", "stream": "issues", "record": issue}
                sys.stdout.buffer.write(encode(message) + b"\n")
            start += PAGE


def cost(command: list[str], folder: Path) -> Cost:
    """Run a command and count the records that it prints."""
    output = folder / "output"
    with output.open("wb") as file, (folder / "log").open("wb") as log:
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=file, stderr=log, env=_environment())
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
    if status:
        sys.exit(f"{command[0]} failed:\n{(folder / 'log').read_text()[-2000:]}")
    with output.open("rb") as lines:
        records = sum(b'"RECORD"' in line[:200] for line in lines)
    output.unlink()
    return Cost(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, records)


def _environment() -> dict[str, str]:
    return os.environ | {"NO_PROXY": "127.0.0.1", "PYTHONPATH": os.environ.get("PYTHONPATH", "")}


def settings(folder: Path, url: str, **more: object) -> str:
    """Write the tap's configuration; return its path."""
    path = folder / "config.json"
    config: dict[str, Any] = {
        "api_url": url,
        "auth_method": "personal_token",
        "personal_token": "sandbox-token",
        "page_size": PAGE,
        **more,
    }
    path.write_text(json.dumps(config))
    return str(path)


def peer_settings(folder: Path, url: str) -> list[str]:
    """Write the peer's configuration and a catalog that selects issues; return its arguments."""
    config = {
        "base_url": url,
        "username": "sandbox",
        "password": "sandbox",
        "start_date": "2000-01-01T00:00:00Z",
        "user_agent": "bench",
    }
    (folder / "peer.json").write_text(json.dumps(config))
    return ["--config", str(folder / "peer.json")]


def peer_command(peer: Path, folder: Path, url: str) -> list[str]:
    """Return the command of PyPI `tap-jira`, reading issues alone."""
    command = [str(peer / "bin" / "tap-jira"), *peer_settings(folder, url)]
    found = subprocess.run([*command, "--discover"], capture_output=True, check=True)
    catalog = json.loads(found.stdout)
    for stream in catalog["streams"]:
        for entry in stream["metadata"]:
            if not entry["breadcrumb"]:
                entry["metadata"]["selected"] = stream["tap_stream_id"] == "issues"
    (folder / "catalog.json").write_text(json.dumps(catalog))
    return [*command, "--catalog", str(folder / "catalog.json")]


def show(name: str, spent: Cost, base: Cost) -> None:
    """Print one line of the table."""
    print(  # noqa: T201 - a table for a person
        f"| {name} | {spent.records} | {spent.records / spent.seconds:,.0f} | {spent.per_10000:.2f} "
        f"| {spent.per_10000 / base.per_10000:.2f} | {base.seconds / spent.seconds:.2f} | {spent.memory:.0f} |",
        flush=True,
    )


def main() -> None:
    """Serve, and let each reader read."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--issues", type=int, default=50_000)
    parser.add_argument("--projects", type=int, default=1)
    parser.add_argument("--latency", type=int, default=0, help="milliseconds")
    parser.add_argument("--peer", type=Path, help="virtual environment with PyPI tap-jira")
    parser.add_argument("--floor", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.floor:
        floor(options.floor)
        return
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    server = context.Process(
        target=serve, args=(theirs, options.issues, options.projects, options.latency / 1000)
    )
    server.start()
    url = ours.recv()
    tap = str(Path(sys.executable).with_name("tap-jira-oauth"))
    print("| reader | records | records/s | CPU-s per 10,000 | x first | speed x first | peak MB |")  # noqa: T201
    print("|---|---|---|---|---|---|---|")  # noqa: T201
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if options.latency:
            base: Cost | None = None
            for width in (1, 2, 4, 8):
                config = settings(folder, url, max_concurrent_requests=width)
                spent = cost([tap, "--config", config], folder)
                base = base or spent
                show(f"{width} in flight, {options.latency} ms", spent, base)
        else:
            base = cost([sys.executable, __file__, "--floor", url], folder)
            show("floor", base, base)
            show("tap-jira-oauth", cost([tap, "--config", settings(folder, url)], folder), base)
            if options.peer:
                show("tap-jira", cost(peer_command(options.peer, folder, url), folder), base)
    ours.send("stop")
    server.join()


if __name__ == "__main__":
    main()
