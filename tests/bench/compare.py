"""This pair beside others, in the same tests and measurements: `./dev bench compare`.

Prints the tables of `docs/compare.md`; `--write` puts them there. The first two tell what is lost, the third what a run costs:
10,000 issues unless `--issues` says otherwise, the cheapest of two rounds. Some five minutes on two idle cores.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench import acknowledged, lost_issues, pair_speed, tap_speed, target_speed
from local_s3 import LocalS3

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "compare.md"
BEGIN: Final = "<!-- compare:begin: written by ./dev bench compare --write -->"
END: Final = "<!-- compare:end -->"
TARGETS: Final = {
    "ours, S3": "target-s3-jsonl of this repository, gzip, to S3",
    "ours, folder": "target-s3-jsonl of this repository, gzip, to a folder",
    "target-s3-jsonl 2.0.1 gzip, S3": "target-s3-jsonl 2.0.1, gzip, to S3",
    "target-jsonl 0.1.4, folder": "target-jsonl 0.1.4, not compressed, to a folder",
    "SDK BatchSink, validated, folder": "a BatchSink of the Singer SDK, gzip, to a folder",
}
"""Of all that `target_speed` measures, and what it is called here."""
PAIRS: Final = {
    "ours": "this pair",
    "tap-jira 2.6.0, target-s3-jsonl 2.0.1 gzip": "tap-jira 2.6.0 into target-s3-jsonl 2.0.1",
}


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table in Markdown."""
    first, *others = (f"| {' | '.join(cells)} |\n" for cells in (list(head), *map(list, rows)))
    return f"{first}|{'---|' * (first.count('|') - 1)}\n{''.join(others)}"


def lost_by_taps() -> str:
    """Return how many issues of a Jira each tap misses, when everything is over."""
    issues = lost_issues.ISSUES
    events: dict[str, Callable[..., tuple[int, int]]] = {
        "nobody edits": partial(lost_issues.lost, edits=False),
        "an issue that was read is edited before each page": partial(lost_issues.lost, edits=True),
        "killed, then issues that were read are edited": lost_issues.lost_after_a_kill,
    }
    rows = []
    for name, make in lost_issues.READERS.items():
        row = [name]
        for event in events.values():
            with lost_issues.in_a_new_folder():
                row.append(f"{event(make)[0]} of {issues} missing")
        rows.append(row)
    return table(["tap", *events], rows)


def lost_by_targets() -> str:
    """Return what each target has acknowledged, and what is there."""
    found = acknowledged.table()
    marked = ([name, *map(_marked, endings)] for name, endings in found.items())
    return table(["target", *acknowledged.EVENTS], marked)


def _marked(ending: acknowledged.Ending) -> str:
    return f"**{ending}**" if ending.lost else str(ending)


@contextmanager
def served(folder: Path, issues: int) -> Iterator[tuple[str, str]]:
    """Serve a sandbox Jira whose pages are rendered already; yields its address, by http and by https."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    server = context.Process(target=tap_speed.serve, args=(theirs, folder, issues, 1, 0.0))
    server.start()
    try:
        yield ours.recv()
    finally:
        ours.send("stop")
        server.join()


COST: Final = ("CPU seconds for 10,000", "records a second", "peak MB", "first record after")


def cost_of_taps(url: str, https: str, folder: Path, rounds: int) -> Iterator[list[str]]:
    """Yield a row for each tap that reads all issues."""
    commands = {
        "tap-jira-oauth": [tap_speed.TAP, "--config", tap_speed.settings(folder, url)],
        "tap-jira 2.6.0": tap_speed.peer_command(https, folder),
    }
    for name, command in commands.items():
        spent = min(
            (tap_speed.cost(command, folder) for _ in range(rounds)), key=lambda each: each.cpu
        )
        first = min(tap_speed.seconds_to_first_record(command, folder) for _ in range(rounds))
        yield [
            name,
            f"{spent.per_10000:.1f}",
            f"{spent.records / spent.seconds:,.0f}",
            f"{spent.memory:.0f}",
            f"{first:.1f} s",
        ]


def cost_of_targets(store: LocalS3, folder: Path, records: int, rounds: int) -> Iterator[list[str]]:
    """Yield a row for each target that gets as many records."""
    bench = target_speed.Bench(folder, store)
    for contender in target_speed.contenders(store, peers=True):
        if contender.name in TARGETS:
            spent = min(
                (bench.result(contender, records) for _ in range(rounds)),
                key=lambda each: each.cpu,
            )
            yield [
                TARGETS[contender.name],
                f"{spent.cpu * 10_000 / records:.1f}",
                f"{records / spent.wall:,.0f}",
                f"{spent.megabytes:.0f}",
                "",
            ]


def cost_of_pairs(
    store: LocalS3, folder: Path, served_at: tuple[str, str], issues: int, rounds: int
) -> Iterator[list[str]]:
    """Yield a row for each pair by a plain pipe."""
    keys = target_speed.keys_of(store)
    costs: dict[str, list[pair_speed.Cost]] = {}
    for _ in range(rounds):
        for name, tap, target in pair_speed.pairs(store, folder, *served_at):
            if name in PAIRS:
                spent = pair_speed.measure(tap, target, folder, keys)
                costs.setdefault(PAIRS[name], []).append(spent)
    for name, found in costs.items():
        least = min(found, key=lambda each: each.cpu)
        rate = f"{issues / least.seconds:,.0f}"
        yield [name, f"{least.cpu * 10_000 / issues:.1f}", rate, "", ""]


def costs(issues: int, rounds: int) -> str:
    """Return what taps, targets and pairs cost."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name, LocalS3() as store:
        folder = Path(name)
        os.chdir(folder)
        try:
            with served(folder, issues) as at:
                rows = [
                    *cost_of_taps(*at, folder, rounds),
                    *cost_of_targets(store, folder, issues, rounds),
                    *cost_of_pairs(store, folder, at, issues, rounds),
                ]
        finally:
            os.chdir("/")
    return table(["", *COST], rows)


def alone(measure: Callable[..., str], *given: int) -> str:
    """Measure in a process of its own: a child's peak of memory begins with its parent's."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(measure, *given).result()


def report(issues: int, rounds: int) -> str:
    """Return everything that stands between the marks of the page."""
    day = datetime.now(timezone.utc).strftime("%Y-%m-%d")
    python = ".".join(map(str, sys.version_info[:3]))
    return "\n".join(
        (
            f"Measured on {day} with Python {python} on {os.cpu_count()} cores.\n",
            "### Issues that never come\n",
            alone(lost_by_taps),
            "### Rows that are acknowledged, and not there\n",
            alone(lost_by_targets),
            f"### What it costs to move {issues:,} issues\n",
            alone(costs, issues, rounds),
        )
    )


def main() -> None:
    """Measure everything, and print it or write it into the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--write", action="store_true", help="put the tables into docs/compare.md")
    parser.add_argument("--issues", type=int, default=10_000, help="to measure costs with")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument(
        "--quick", action="store_true", help="300 issues, one round: then costs mean nothing"
    )
    options = parser.parse_args()
    text = report(*((300, 1) if options.quick else (options.issues, options.rounds)))
    sys.stdout.write(text)
    if options.write:
        page = PAGE.read_text("utf-8")
        before, after = page.partition(BEGIN)[0], page.partition(END)[2]
        PAGE.write_text(f"{before}{BEGIN}\n{text}{END}{after}", "utf-8")


if __name__ == "__main__":
    main()
