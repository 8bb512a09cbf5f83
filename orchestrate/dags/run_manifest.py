"""One object in the lake that says how a run over all shards ended, made of what the shards printed.

`python orchestrate/dags/run_manifest.py --run NAME --shards 32 < lines`: the lines are what the shards printed, or only the
last line of each, in any order; what is no report is passed over. Where a shard has several, the one that ended last says
how it went, and the manifests of all are named. Runs in the environment of target-s3-jsonl, in the Meltano project, and
ends with 0 if every shard has succeeded, with 3 if not, with 1 if the object could not be written.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from collections import Counter
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shard_command import ShardError, project_of, shards
from shard_report import INCOMPLETE, Report, report_in
from target_s3_jsonl.batch import sealed_document
from target_s3_jsonl.errors import TargetError
from target_s3_jsonl.lake import open_lake
from target_s3_jsonl.layout import CATALOG
from target_s3_jsonl.settings import Settings
from target_s3_jsonl.spool import SpoolWriter, open_spool
from target_s3_jsonl.store import open_store

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from target_s3_jsonl.lake import Lake

COUNTS = ("objects", "rows", "bytes", "rejected")


def main(arguments: Sequence[str]) -> int:
    """Write the object, print its place; return the status for the shell."""
    parser = argparse.ArgumentParser(description="Say in the lake how a run over all shards ended.")
    parser.add_argument("--run", required=True, help="the name of the run")
    parser.add_argument("--shards", required=True, type=int, help="how many there are")
    given = parser.parse_args(arguments)
    target = f"durable-target-s3-jsonl {version('durable-target-s3-jsonl')}"
    try:
        names = [str(shard) for shard in shards(given.shards)]
        settings = Settings.from_config(target_config(os.environ))
        reports = [report for line in sys.stdin if (report := report_in(line))]
        document = summary(
            given.run, names, reports, manifest_counts(open_lake(settings, version=target), reports)
        )
        place = put(document, settings, target)
    except (ShardError, TargetError, subprocess.CalledProcessError) as error:
        print(error, file=sys.stderr)
        return 1
    print(place)
    return 0 if document["complete"] else INCOMPLETE


def target_config(environment: Mapping[str, str]) -> dict[str, Any]:
    """Return the settings of the target as Meltano would hand them over.

    Raises:
        CalledProcessError: Meltano does not know it; its own output has said why.
    """
    project = project_of(environment, Path.cwd())
    dumped = subprocess.run(
        [project.meltano, "invoke", "--dump=config", project.loader],
        cwd=project.folder,
        env=project.environment(environment, project.system_root / "manifest"),
        stdout=subprocess.PIPE,
        check=True,
    )
    return dict(json.loads(dumped.stdout))


def manifest_counts(lake: Lake, reports: Iterable[Report]) -> dict[str, dict[str, int]]:
    """Return what the target's manifests say was stored, by their places; an object that several name counts in one.

    A try that goes on where the state of the one before was lost stores the same objects, by the same names.

    Raises:
        StoreError: One of them is not there.
    """
    counts: dict[str, dict[str, int]] = {}
    known: set[str] = set()
    for place in sorted({place for report in reports for place in report.manifests}):
        again: Counter[str] = Counter()
        with lake.opened(place) as file:
            for entry in map(json.loads, file):
                if entry["type"] == "object":
                    if entry["key"] in known:
                        again.update(_of_object(entry))
                    known.add(entry["key"])
                elif entry["type"] == "run":
                    counts[place] = {name: entry[name] - again[name] for name in COUNTS}
    return counts


def _of_object(entry: Mapping[str, Any]) -> dict[str, int]:
    """Return how much of a manifest's counts one of its objects is."""
    if entry.get("rejected"):
        return {"rejected": entry["rows"]}
    return {"objects": 1, "rows": entry["rows"], "bytes": entry["bytes"]}


def summary(
    run: str,
    names: Sequence[str],
    reports: Sequence[Report],
    counts: Mapping[str, Mapping[str, int]],
) -> dict[str, Any]:
    """Return what the object says. Pure."""
    parts = [
        _part(name, [each for each in reports if each.shard == name], counts) for name in names
    ]
    failed = [part["shard"] for part in parts if not part["succeeded"]]
    times = [report for report in reports if report.shard in names]
    return {
        "run": run,
        "complete": not failed,
        "shards": len(names),
        "failed": failed,
        "began": min((each.began for each in times), default=None),
        "ended": max((each.ended for each in times), default=None),
        **{name: sum(part[name] for part in parts) for name in COUNTS},
        "parts": parts,
    }


def _part(
    name: str, reports: Sequence[Report], counts: Mapping[str, Mapping[str, int]]
) -> dict[str, Any]:
    places = list(dict.fromkeys(place for report in reports for place in report.manifests))
    last = max(reversed(reports), key=lambda report: report.ended, default=None)
    return {
        "shard": name,
        "succeeded": last is not None and last.status == 0,
        "status": last.status if last else None,
        "state_id_suffix": last.state_id_suffix if last else None,
        "manifests": places,
        **{kind: sum(counts[place][kind] for place in places) for kind in COUNTS},
    }


def put(document: Mapping[str, Any], settings: Settings, target: str) -> str:
    """Store the object; return its place. Nothing is overwritten, and the same again is no second one.

    Raises:
        TargetError: The store did not take it.
    """
    writer = SpoolWriter("none", 0, open_spool)
    writer.write(json.dumps(document).encode() + b"\n")
    sealed = sealed_document(writer, datetime.now(timezone.utc), rows=1)
    with sealed.file:
        run = re.sub(r"[^\w.+-]", "_", str(document["run"]), flags=re.ASCII)
        outcome = "complete" if document["complete"] else "failed"
        place = f"{CATALOG}/loads/{run}/{outcome}-{sealed.sha256.hex()[:16]}.json"
        open_store(settings, version=target).put(place, sealed)
    return place


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
