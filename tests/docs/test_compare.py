"""`./dev bench compare` runs, and finds what `docs/compare.md` says; what things cost depends on the machine and is not compared."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from docs import pages
from documents import ROOT
from measured import unmeasured

pytestmark = pytest.mark.workspace

LOSSES = ("Issues that never come", "Rows that are acknowledged, and not there")
COSTS = "What it costs"


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


@pytest.fixture(scope="module")
def told() -> str:
    """What the command prints."""
    command = [sys.executable, "tests/bench/compare.py", "--quick"]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=unmeasured() | {"PYTHONPATH": str(ROOT / "tests")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


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
