"""Other taps into our target, by a pipe and by Meltano: what is stored is what the source holds."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from pair.test_pair import BIN, SECONDS, without_settings
from swapped.project import Project, other
from swapped.taps import PIPELINEWISE, POSTGRES, ROWS, TAPS, OtherTap, write_sources
from swapped.two_runs import WAYS, Outcome, lake, run_pipe, schema_of

if TYPE_CHECKING:
    from pathlib import Path

    from swapped.cluster import Cluster
    from swapped.taps import Source

pytestmark = pytest.mark.workspace

OURS = "target-s3-jsonl"


@dataclass(frozen=True)
class Read:
    """What there is after the runs: the source, and how each pair fared, by package, then by `WAYS`."""

    source: Source
    fared: dict[str, dict[str, Outcome]]


def missing(tap: OtherTap, cluster: Cluster | None) -> str:
    """Return why a tap cannot run here, or nothing."""
    if tap in (POSTGRES, PIPELINEWISE) and cluster is None:
        return "PostgreSQL is not installed here"
    if tap is PIPELINEWISE and sys.version_info >= (3, 12):
        return "it pins a psycopg2-binary that has no build for this Python"
    return ""


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory, cluster: Cluster | None) -> Read:
    """Run every tap that can run here, both ways."""
    base = tmp_path_factory.mktemp("taps")
    source = write_sources(base, cluster)
    taps = [tap for tap in TAPS if not missing(tap, cluster)]
    piped, meltano = ({tap: begun(base / way / tap.package) for tap in taps} for way in WAYS)
    for tap, outcome in piped.items():
        command = configured(tap, outcome.folder, source)
        run_pipe(outcome, command, [str(BIN / OURS), "--config", "target.json"])
    project = Project(
        base / "project",
        config={"extractors": {}, "loaders": {}},
        extractors=[
            {
                **other(
                    tap.package,
                    tap.path(),
                    tap.settings(source, outcome.folder / "batches"),
                    *("catalog", "discover", "state"),
                ),
                "select": [f"{tap.stream}.*"],
                **({"metadata": {tap.stream: tap.metadata}} if tap.metadata else {}),
            }
            for tap, outcome in meltano.items()
        ],
        loaders=[
            {
                "name": f"{OURS}--{tap.package}",
                "inherit_from": OURS,
                "config": {"destination": str(outcome.folder / "lake")},
            }
            for tap, outcome in meltano.items()
        ],
    )
    blocks = [part for tap in taps for part in (tap.package, f"{OURS}--{tap.package}")]
    done = project.run(*blocks)
    for outcome in meltano.values():
        outcome.statuses.append(done.returncode)
        outcome.log = done.stderr
    return Read(
        source, {tap.package: {"pipe": piped[tap], "meltano": meltano[tap]} for tap in taps}
    )


def begun(folder: Path) -> Outcome:
    """Make the folders of a pair."""
    (folder / "batches").mkdir(parents=True)
    (folder / "target.json").write_text('{"destination": "lake"}')
    return Outcome(folder)


def configured(tap: OtherTap, folder: Path, source: Source) -> list[str]:
    """Return the command of a tap with its settings and its catalog, all streams selected."""
    (folder / "tap.json").write_text(json.dumps(tap.settings(source, folder / "batches")))
    command = [str(tap.path()), "--config", str(folder / "tap.json")]
    done = subprocess.run(
        [*command, "--discover"],
        env=without_settings(),
        capture_output=True,
        timeout=SECONDS,
        check=True,
    )
    catalog = json.loads(done.stdout)
    (stream,) = catalog["streams"]
    top = next(each["metadata"] for each in stream["metadata"] if not each["breadcrumb"])
    top |= {"selected": True, **tap.metadata}
    (folder / "catalog.json").write_text(json.dumps(catalog))
    return [*command, "--catalog", str(folder / "catalog.json")]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("tap", TAPS, ids=lambda each: each.package)
def test_every_value_of_another_taps_source_is_stored(
    read: Read, cluster: Cluster | None, tap: OtherTap, way: str
) -> None:
    """Row by row, by the tap's rule, whether it prints records or names files of them."""
    if reason := missing(tap, cluster):
        pytest.skip(reason)
    outcome = read.fared[tap.package][way]
    assert outcome.statuses == [0], outcome.log[-4000:]
    stored = {str(row["id"]): row for row in lake(outcome.folder / "lake", tap.stream)}
    sent = {str(row["id"]): row for row in tap.rows(read.source)}
    assert len(lake(outcome.folder / "lake", tap.stream)) == len(sent) == ROWS
    assert stored.keys() == sent.keys()
    schema = schema_of(outcome.folder / "lake", tap.stream)
    wrong = [
        (id_, *each)
        for id_, row in sent.items()
        for each in tap.differences(row, stored[id_], schema)
    ]
    assert wrong == []
    files = list((outcome.folder / "batches").iterdir())
    assert len(files) == (3 if tap.batches else 0)
