"""What it costs to remember a census of a million issues in the state, and what to compare it in SQL.

`./dev bench census_state`, with `--issues` for fewer. Each row is a process of its own; memory is the peak above what
the process had before. Ids are given out in one sequence to all projects, as Jira does; a seventh of them is deleted.
"""

from __future__ import annotations

import argparse
import gzip
import json
import resource
import subprocess
import sys
import tempfile
import time
import uuid
from array import array
from dataclasses import replace
from datetime import datetime, timezone
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import msgspec

from sandbox.rng import seeded
from tap_jira_oauth.census import Census, Counted
from tap_jira_oauth.deleted import Remembered, missing, remember
from tap_jira_oauth.fields import record_lines
from tap_jira_oauth.streams.issue_census import records

if TYPE_CHECKING:
    from collections.abc import Sequence

_FIRST = 10_000
_KEPT = 6 / 7
_BATCH = 1_000
_NEWER = """
with census as (select * from read_json('{}/*.jsonl.gz', columns = {{census_id: 'varchar', taken_at: 'timestamptz',
issues_in_census: 'bigint', id: 'varchar', key: 'varchar', project_id: 'varchar', project_key: 'varchar'}})),
whole as (select census_id, any_value(taken_at) taken_at from census group by all
having count(distinct id) = any_value(issues_in_census)),
latest as (select census_id, row_number() over (order by taken_at desc) age from whole)
select count(*) from (
select id from census join latest using (census_id) where age = 2
except select id from census join latest using (census_id) where age = 1)
"""


def counted(issues: int, projects: int) -> list[Counted]:
    """So many issues in so many projects."""
    chance = seeded(1, "projects")
    found = [Counted(str(p), f"P{p}", array("q"), array("q")) for p in range(projects)]
    id_, left = _FIRST, issues
    while left:
        id_ += 1
        if chance.random() < _KEPT:
            home = found[chance.randrange(projects)]
            home.ids.append(id_)
            home.numbers.append(len(home.numbers) + 1)
            left -= 1
    return found


def smaller(whole: Sequence[Counted]) -> list[Counted]:
    """The same with every thousandth issue gone."""
    return [
        replace(
            each,
            ids=array("q", [i for i in each.ids if i % 1000]),
            numbers=array(
                "q", [n for i, n in zip(each.ids, each.numbers, strict=True) if i % 1000]
            ),
        )
        for each in whole
    ]


def in_state(issues: int, projects: int) -> dict[str, Any]:
    """Write a census into a state, print that once, read it, and look for what is missing."""
    old = counted(issues, projects)
    new = smaller(old)
    before, started = peak(), time.process_time()
    state: dict[str, Any] = {"partitions": []}
    for each in old:
        partition: dict[str, Any] = {"context": {"project_id": each.project_id}}
        remember(partition, each.project_key, 0, each.ids)
        state["partitions"].append(partition)
    written = time.process_time()
    message = msgspec.json.encode({"bookmarks": {"deleted_issues": state}})
    printed = time.process_time()
    known = [found for found in map(Remembered.from_state, state["partitions"]) if found]
    gone = missing(known, new)
    read = time.process_time()
    assert sum(map(len, gone.values())) == issues - sum(len(each.ids) for each in new)
    return {
        "MB of STATE": len(message) / 1e6,
        "to write, CPU-s": written - started,
        "in each STATE, CPU-ms": (printed - written) * 1e3,
        "to read and compare, CPU-s": read - printed,
        "MB of memory": peak() - before,
    }


def in_sql(issues: int, projects: int) -> dict[str, Any]:
    """Print two censuses as records, and let DuckDB find what the second one lacks."""
    whole = counted(issues, projects)
    now = datetime.now(timezone.utc)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        before, started = peak(), time.process_time()
        size = 0
        for number, each in enumerate((whole, smaller(whole))):
            census = Census(uuid.uuid4().hex, number * 86_400_000, each)
            with gzip.open(Path(folder) / f"{number}.jsonl.gz", "wb", 2) as out:
                found = records(census)
                while batch := list(islice(found, _BATCH)):
                    lines = record_lines("issue_census", batch, now)
                    size += len(lines)
                    for line in lines.splitlines():
                        record = line.partition(b'"record":')[2].rpartition(b',"time_')[0]
                        out.write(record + b"\n")
        printed = time.process_time()
        database = duckdb.connect()
        gone = database.execute(_NEWER.format(folder)).fetchall()[0][0]
        asked = time.process_time()
        assert gone == issues - sum(len(e.ids) for e in smaller(whole))
        stored = sum(path.stat().st_size for path in Path(folder).iterdir())
    return {
        "MB of records for a census": size / 2e6,
        "MB stored (gzip)": stored / 2e6,
        "to print and pack, CPU-s": (printed - started) / 2,
        "to compare (DuckDB), CPU-s": asked - printed,
        "MB of memory": peak() - before,
    }


def peak() -> float:
    """Megabytes that this process has had at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


CASES = {"state": in_state, "sql": in_sql}


def main() -> None:
    """Print a table in Markdown for each way."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--issues", type=int, default=1_000_000)
    parser.add_argument("--row", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.row:
        case, projects = options.row
        sys.stdout.write(json.dumps(CASES[case](options.issues, int(projects))))
        return
    for case, many in (("state", (1, 20, 500)), ("sql", (20,))):
        rows = []
        for projects in many:
            command = [sys.executable, __file__, f"--issues={options.issues}"]
            command += ["--row", case, str(projects)]
            found = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
            rows.append((projects, found))
        sys.stdout.write(
            f"\n| projects | {' | '.join(rows[0][1])} |\n|{'---|' * (len(rows[0][1]) + 1)}\n"
        )
        for projects, found in rows:
            sys.stdout.write(
                f"| {projects} | {' | '.join(f'{each:,.2f}' for each in found.values())} |\n"
            )


if __name__ == "__main__":
    main()
