"""What the tap costs beside a hand-written loop and a peer: `./dev bench tap_speed`.

One process serves the sandbox's pages, rendered beforehand; each reader is a process of its own whose
CPU time and peak of memory the kernel tells. The floor is `tap_floor.py`: the same requests, one
full parse, one RECORD line for each issue. `--peer` reads with PyPI `tap-jira`, too, which asks over TLS since it cannot
otherwise; see `lost_issues.py` for what it needs to read the sandbox at all. With `--latency` each answer comes so many milliseconds later, and the table
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

import partners
from bench import spent
from bench.lost_issues import PROGRAM, only_issues
from sandbox import Corpus, Sandbox
from sandbox.faults import Fault
from tls import make_certificate, tls_front

if TYPE_CHECKING:
    from collections.abc import Iterable
    from multiprocessing.connection import Connection

PAGE = 100
SEARCH = "/rest/api/2/search"
FIELDS = ["*all", "project", "created", "updated", "-customfield_10104"]
"""As the tap asks: without the field that it leaves out, since its text differs on every read."""


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


def serve(pipe: Connection, folder: Path, issues: int, projects: int, latency: float) -> None:
    """Serve until the pipe says stop; every page was rendered before."""
    corpus = Corpus.generate(seed=1, issues=issues, projects=projects)
    jira = Sandbox(corpus=corpus, window=2 * issues, warm=[",".join(FIELDS)])
    with jira, tls_front(make_certificate(folder), jira.port) as port:
        read_all(jira.url)
        if latency:
            jira.world.faults.add(Fault(SEARCH, count=10**9, delay=latency))
        pipe.send((jira.url, f"https://127.0.0.1:{port}{jira.context_path}"))
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
                "fields": FIELDS,
            }
            body = session.post(f"{url}{SEARCH}", json=query, timeout=600).content
            total = int(body[body.index(b'"total":') + 8 :].split(b",")[0])
            yield body
            start += PAGE


def read_all(url: str) -> None:
    """Have every issue rendered."""
    for _ in pages(url):
        pass


def cost(command: list[str], folder: Path) -> Cost:
    """Run a command and count the records that it prints."""
    output = folder / "output"
    with output.open("wb") as file, (folder / "log").open("wb") as log:
        did = spent.by(command, folder, _environment(), stdout=file, stderr=log)
    if did.status:
        sys.exit(f"{command[0]} failed:\n{(folder / 'log').read_text()[-2000:]}")
    with output.open("rb") as lines:
        records = sum(b'"RECORD"' in line[:200] for line in lines)
    output.unlink()
    return Cost(did.wall, did.cpu, did.megabytes, records)


def seconds_to_first_record(command: list[str], folder: Path) -> float:
    """Return how long it takes from the start of a command to its first RECORD line."""
    with (folder / "log").open("wb") as log:
        started = time.perf_counter()
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=log, env=_environment(), cwd=folder
        )
        with process:
            assert process.stdout is not None
            for line in process.stdout:
                if b'"RECORD"' in line[:200]:
                    break
            seconds = time.perf_counter() - started
            process.kill()
    return seconds


def _environment() -> dict[str, str]:
    return os.environ | {"NO_PROXY": "127.0.0.1", "PYTHONPATH": os.environ.get("PYTHONPATH", "")}


def settings(folder: Path, url: str, name: str = "config.json", **more: object) -> str:
    """Write the tap's configuration; return its path."""
    path = folder / name
    config: dict[str, Any] = {
        "api_url": url,
        "auth_method": "personal_token",
        "personal_token": "sandbox-token",
        "page_size": PAGE,
        **more,
    }
    path.write_text(json.dumps(config))
    return str(path)


def peer_command(https: str, folder: Path) -> list[str]:
    """Return the command of PyPI `tap-jira`, reading issues alone."""
    config = {
        "base_url": https,
        "username": "sandbox",
        "password": "sandbox",
        "start_date": "2000-01-01T00:00:00Z",
        "user_agent": "bench",
    }
    (folder / "peer.json").write_text(json.dumps(config))
    python = str(partners.installed("tap-jira").with_name("python"))
    command = [python, "-c", PROGRAM, "--config", str(folder / "peer.json")]
    found = subprocess.run(
        [*command, "--discover"], capture_output=True, check=True, cwd=folder, env=_environment()
    )
    return [*command, *only_issues(json.loads(found.stdout))]


def show(name: str, found: Cost, base: Cost) -> None:
    """Print one line of the table."""
    print(  # noqa: T201 - a table for a person
        f"| {name} | {found.records} | {found.records / found.seconds:,.0f} | {found.per_10000:.2f} "
        f"| {found.per_10000 / base.per_10000:.2f} | {base.seconds / found.seconds:.2f} | {found.memory:.0f} |",
        flush=True,
    )


def main() -> None:
    """Serve, and let each reader read."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--issues", type=int, default=50_000)
    parser.add_argument("--projects", type=int, default=1)
    parser.add_argument("--latency", type=int, default=0, help="milliseconds")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peer", action="store_true", help="also PyPI tap-jira")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.chdir(folder)
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        given = (theirs, folder, options.issues, options.projects, options.latency / 1000)
        server = context.Process(target=serve, args=given)
        server.start()
        url, https = ours.recv()
        sys.stdout.write(HEAD)
        if options.latency:
            measure_latency(url, folder, options.latency)
        else:
            measure_cost(url, https if options.peer else None, folder, options.rounds)
        ours.send("stop")
        server.join()
        os.chdir("/")


HEAD = """\
| reader | records | records/s | CPU-s per 10,000 | x first | speed x first | peak MB |
|---|---|---|---|---|---|---|
"""
FLOOR = Path(__file__).with_name("tap_floor.py")
TAP = str(Path(sys.executable).with_name("tap-jira-oauth"))


def measure_latency(url: str, folder: Path, latency: int) -> None:
    """Read with more and more requests under way; the first line is the serial one."""
    base: Cost | None = None
    for width in (1, 2, 4, 8):
        config = settings(folder, url, max_concurrent_requests=width)
        found = cost([TAP, "--config", config], folder)
        base = base or found
        show(f"{width} in flight, {latency} ms", found, base)


def catalog_without_custom_fields(folder: Path) -> str:
    """Write the catalog that is made without a sign-in; return its path."""
    (folder / "nothing.json").write_text("{}")
    command = [TAP, "--config", str(folder / "nothing.json"), "--discover"]
    path = folder / "catalog.json"
    path.write_bytes(subprocess.run(command, capture_output=True, check=True).stdout)
    return str(path)


def measure_cost(url: str, https: str | None, folder: Path, rounds: int) -> None:
    """Read by the floor, by this tap, and by the peer if there is an address for it.

    Each round lets all of them read, and the cheapest of its rounds counts for each: whatever else
    the machine does makes a process dearer, never cheaper.
    """
    config = settings(folder, url)
    # That catalog does not know which field is not worth asking for; so the settings say it.
    options = ["--catalog", catalog_without_custom_fields(folder)]
    same = settings(folder, url, name="same.json", fields=FIELDS)
    commands = {
        "floor": [sys.executable, str(FLOOR), url],
        "tap-jira-oauth": [TAP, "--config", config],
        "tap-jira-oauth, custom fields not typed": [TAP, "--config", same, *options],
    }
    if https:
        commands["tap-jira 2.6.0"] = peer_command(https, folder)
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            costs[name].append(cost(command, folder))
    least = {name: min(found, key=lambda each: each.cpu) for name, found in costs.items()}
    for name, each in least.items():
        show(name, each, least["floor"])
    first = min(seconds_to_first_record(commands["tap-jira-oauth"], folder) for _ in range(rounds))
    sys.stdout.write(f"From the start of tap-jira-oauth to its first record: {first:.2f} s\n")


if __name__ == "__main__":
    main()
