"""What a first run over all streams of a Data Center takes: `./dev bench all_streams`.

100 projects and 20,000 issues in a sandbox, unless `--projects` and `--issues` say otherwise; half an hour on two cores.
Prints the rows of the table in `docs/streams.md` with what this Jira explains and what was asked, and the seconds, the CPU and
the memory of the tap. The sandbox answers from one core, so the seconds are mostly its own.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from requests_table import ALL, ROWS, counts, row_of
from sandbox import Corpus, Sandbox
from tap.below import select

if TYPE_CHECKING:
    from collections.abc import Iterator


def records(output: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the stream and the content of every record that was printed."""
    with output.open("rb") as lines:
        for line in lines:
            message = msgspec.json.decode(line)
            if message["type"] == "RECORD":
                yield message["stream"], message["record"]


def main() -> None:
    """Run once and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--projects", type=int, default=100)
    parser.add_argument("--issues", type=int, default=20_000)
    options = parser.parse_args()
    corpus = Corpus.generate(seed=7, issues=options.issues, projects=options.projects)
    with tempfile.TemporaryDirectory() as name, Sandbox(corpus=corpus) as jira:
        folder = Path(name)
        output, config = folder / "output", folder / "config.json"
        user = {"auth_method": "personal_token", "personal_token": "sandbox-token"}
        config.write_text(json.dumps({"api_url": jira.url, **user}))
        command = str(Path(sys.executable).with_name("tap-jira-oauth"))
        arguments = [command, "--config", str(config), *select(folder, ALL)]
        began = time.perf_counter()
        with output.open("wb") as out, (folder / "log").open("wb") as log:
            environment = os.environ | {"NO_PROXY": "127.0.0.1"}
            process = subprocess.Popen(arguments, stdout=out, stderr=log, env=environment)
            _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        if status:
            sys.exit(f"The tap failed:\n{(folder / 'log').read_text()[-2000:]}")
        size = output.stat().st_size / 1e6
        n = counts(jira, options.projects, records(output))
        made = Counter(row_of(entry.path) for entry in jira.requests)
    lines = [f"{made[row]:>8,} of {row.most(n):>8,}  {row.streams}" for row in ROWS]
    lines += [f"{sum(made.values()):>8,} of {sum(row.most(n) for row in ROWS):>8,}  in all"]
    cpu, memory = usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
    lines += [f"{sum(n[stream] for stream in ALL):,} records, {size:,.0f} MB"]
    lines += [f"{seconds:.0f} s, {cpu:.0f} s of CPU, {memory:.0f} MB of memory at most"]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
