"""Other taps into our target, by a pipe and by Meltano: what is stored is what the source holds."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from pair.test_pair import BIN
from swapped.project import Project, other
from swapped.runs import WAYS, Outcome, lake, run_pipe, schema_of, with_catalog
from swapped.taps import PIPELINEWISE, POSTGRES, ROWS, TAPS, OtherTap, write_sources

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


def begun(folder: Path) -> Outcome:
    """Make the folders of a pair."""
    (folder / "batches").mkdir(parents=True)
    (folder / "target.json").write_text('{"destination": "lake"}')
    return Outcome(folder)


def configured(tap: OtherTap, folder: Path, source: Source) -> list[str]:
    """Return the command of a tap with its settings and its catalog, the stream selected."""
    (folder / "tap.json").write_text(json.dumps(tap.settings(source, folder / "batches")))
    command = [str(tap.path()), "--config", str(folder / "tap.json")]
    return with_catalog(command, folder, {tap.stream: tap.metadata})


def extractor(tap: OtherTap, outcome: Outcome, source: Source) -> dict[str, Any]:
    """Return a tap as Meltano has to know it."""
    settings = tap.settings(source, outcome.folder / "batches")
    known = other(tap.package, tap.path(), settings, "catalog", "discover", "state")
    metadata = {"metadata": {tap.stream: tap.metadata}} if tap.metadata else {}
    return {**known, "select": [f"{tap.stream}.*"], **metadata}


def loader(tap: OtherTap, outcome: Outcome) -> dict[str, Any]:
    """Return our target with a lake for one tap."""
    config = {"destination": str(outcome.folder / "lake")}
    return {"name": f"{OURS}--{tap.package}", "inherit_from": OURS, "config": config}


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory, cluster: Cluster | None) -> Read:
    """Run every tap that can run here, both ways."""
    base = tmp_path_factory.mktemp("taps")
    source = write_sources(base, cluster)
    taps = [tap for tap in TAPS if not missing(tap, cluster)]
    piped, by_meltano = ({tap: begun(base / way / tap.package) for tap in taps} for way in WAYS)
    for tap, outcome in piped.items():
        command = configured(tap, outcome.folder, source)
        run_pipe(outcome, command, [str(BIN / OURS), "--config", "target.json"])
    project = Project(
        base / "project",
        config={"extractors": {}, "loaders": {}},
        extractors=[extractor(tap, outcome, source) for tap, outcome in by_meltano.items()],
        loaders=[loader(tap, outcome) for tap, outcome in by_meltano.items()],
    )
    blocks = [part for tap in taps for part in (tap.package, f"{OURS}--{tap.package}")]
    project.run(blocks, by_meltano.values())
    pairs = {tap.package: {"pipe": piped[tap], "meltano": by_meltano[tap]} for tap in taps}
    return Read(source, pairs)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("tap", TAPS, ids=lambda each: each.package)
def test_every_value_of_another_taps_source_is_stored(
    read: Read, cluster: Cluster | None, tap: OtherTap, way: str
) -> None:
    """Row by row, by the tap's rule, whether it prints records or names files of them."""
    if reason := missing(tap, cluster):
        pytest.skip(reason)
    outcome = read.fared[tap.package][way]
    outcome.assert_succeeded(runs=1)
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
