"""`./dev bench compare` runs, and finds what `docs/compare.md` says; what things cost depends on the machine and is not compared."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from docs import pages
from docs.scenes import published
from documents import ROOT
from measured import unmeasured

pytestmark = pytest.mark.workspace

LOSSES = ("Issues that never come", "Rows that are acknowledged, and not there")
COSTS = "What it costs"

SMALL = {
    "./dev bench all_streams": ("--projects 2 --issues 20", r"\d+ of +\d+  in all\n"),
    "./dev bench census_state": ("--issues 7000", r"\| 500 \| 0\.\d+ \|(?s:.)+\| 20 \| 1\.\d+ \|"),
    "./dev bench compression_speed": ("", r"\| ISA-L 2 \| \d+ \| 12\.\d% \|"),
    "./dev bench long_soak --minutes 120": (
        "--minutes 0.01 --first-hour 24 --issues 100 --projects 4",
        r"\| issues in Jira at the end \| 100 \|(?s:.)+\| wrong \| 0 \|",
    ),
    "./dev bench pair_speed --peers": (
        "--issues 200 --rounds 1",
        r"\| ours \| \d+ \|(?s:.)+\| tap-jira 2\.6\.0, target-s3-jsonl 2\.0\.1 gzip \| \d+ \|",
    ),
    "./dev bench shard_speed --issues 50000": (
        "--issues 20 --projects 3 --shards 1 --workers 1 --latency 1",
        r"\| 1 \| \d+ \| 1\.00 \| \d+ \| 20 \|",
    ),
    "./dev bench tap_speed --rounds 2 --peer": (
        "--issues 200 --rounds 1",
        r"\| tap-jira-oauth \| 200 \|(?s:.)+\| tap-jira 2\.6\.0 \| 200 \|",
    ),
    "./dev bench target_speed --peers": (
        "--records 300 --memory-records 300",
        r"\| ours, S3 \| 300 \|(?s:.)+\| target-jsonl 0\.1\.4, folder \| 60 \|(?s:.)+\| ours, S3, 20 streams \| 300 \|",
    ),
}
"""Measurements that run in seconds when small numbers come after the page's own, and what they say then."""


def rows(text: str, heading: str) -> dict[str, list[str]]:
    """Return the table below a heading: the cells of each row by its first one."""
    below = (
        text.split(f"### {heading}")[1].split("\n### ", maxsplit=1)[0].split("<!--", maxsplit=1)[0]
    )
    lines = [line.strip("| ").split(" | ") for line in below.splitlines() if line.startswith("|")]
    return {cells[0]: cells[1:] for cells in lines if not cells[0].startswith("---")}


def verdict(cell: str) -> tuple[str, ...]:
    """Return what a cell says, without how many; of targets whether more is acknowledged than is stored."""
    if missing := re.fullmatch(r"(\d+) of \d+ missing", cell):
        return ("none" if missing[1] == "0" else "some",)
    if not (ended := re.fullmatch(r"\**(\d+) acknowledged, (\d+) stored; ([\w ]+?)\**", cell)):
        return (cell,)
    acknowledged, stored = int(ended[1]), int(ended[2])
    more = "acknowledges what is not there" if acknowledged > stored else "true"
    return (more, "acknowledges" if acknowledged else "does not", ended[3])


def printed(folder: Path, name: str, *options: str) -> str:
    """Run a measurement of a working copy; return what it prints."""
    sources = (folder / "tests", folder / "orchestrate" / "dags")
    done = subprocess.run(
        [sys.executable, f"tests/bench/{name}.py", *options],
        cwd=folder,
        env=unmeasured() | {"PYTHONPATH": os.pathsep.join(map(str, sources))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone in which `compare --write` has run."""
    folder = published(tmp_path_factory.mktemp("clone"))
    peers = ROOT / ".venv-peers"
    peers.mkdir(exist_ok=True)
    (folder / ".venv-peers").symlink_to(peers)
    (folder / "printed").write_text(printed(folder, "compare", "--write", "--quick"), "utf-8")
    return folder


@pytest.fixture(scope="module")
def told(copy: Path) -> str:
    """What `compare` prints."""
    return (copy / "printed").read_text("utf-8")


def test_the_tables_are_put_into_the_page(copy: Path, told: str) -> None:
    """`compare --write`: just what it prints, between the marks; all around it stays."""
    begin, end = "compare --write -->\n", "<!-- compare:end"
    was, is_now = ((folder / "docs" / "compare.md").read_text("utf-8") for folder in (ROOT, copy))
    before, _, rest = was.partition(begin)
    assert is_now == before + begin + told + end + rest.partition(end)[2]


def test_the_command_finds_what_the_page_says(told: str) -> None:
    """`compare`: for each tap and target and each event the same verdict, though not the same numbers."""
    page = pages.text("docs/compare.md")
    for heading in LOSSES:
        said, found = rows(page, heading), rows(told, heading)
        assert {name: list(map(verdict, cells)) for name, cells in said.items()} == {
            name: list(map(verdict, cells)) for name, cells in found.items()
        }
    assert rows(page, COSTS).keys() == rows(told, COSTS).keys()


def test_the_tables_show_what_they_are_for(told: str) -> None:
    """Ours loses nothing in any event, and there is something that loses in each of them."""
    for heading in LOSSES:
        (_, *others) = rows(told, heading).values()
        ours, *peers = others
        bad = {("some",), ("acknowledges what is not there",)}
        assert not {verdict(cell)[:1] for cell in ours} & bad
        assert {verdict(cell)[:1] for cells in peers for cell in cells} & bad


@pytest.mark.parametrize("command", SMALL)
def test_a_measurement_runs(command: str) -> None:
    """With small numbers: what it measures then is worth nothing, but its command is no dead one."""
    small, says = SMALL[command]
    words = pages.written(command).removeprefix("./dev bench ").split() + small.split()
    assert re.search(says, printed(ROOT, *words))


def test_every_measurement_has_a_name() -> None:
    """`./dev bench` names each file that says how it is called, and refuses what is none."""
    dev = [sys.executable, str(ROOT / "dev"), "bench"]
    listed = subprocess.run(dev, capture_output=True, text=True, check=True).stdout
    folder = Path(ROOT / "tests" / "bench")
    named = {
        path.stem for path in folder.glob("*.py") if f"`./dev bench {path.stem}" in path.read_text()
    }
    assert {line.split()[0] for line in listed.splitlines()} == named
    assert "compare" in named
    refused = subprocess.run([*dev, "nothing"], capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert "There is no bench nothing." in refused.stderr
