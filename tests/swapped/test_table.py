"""What the README says of partners is of those that are tested."""

from __future__ import annotations

import pytest

import works_with
from documents import ROOT
from swapped import taps, targets

pytestmark = pytest.mark.workspace


def test_the_table_has_every_partner_that_is_tested_and_no_other() -> None:
    """By name and direction; the versions are those of the locks."""
    assert [row.package for row in works_with.TARGETS] == [each.package for each in targets.TARGETS]
    assert [row.package for row in works_with.TAPS] == [each.package for each in taps.TAPS]
    text = (ROOT / "README.md").read_text("utf-8")
    for row in (*works_with.TARGETS, *works_with.TAPS):
        assert f"| `{row.package}` | {works_with.version(row.package, row.package)} |" in text
