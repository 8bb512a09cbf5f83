"""What a faithful Jira must do, point by point, and that tests name each point: `Item 7` in what a test says of itself."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Final

import pytest

CHECKLIST: Final = {
    1: "the three OAuth servlets under a context path, token answers as plain text",
    2: "RSA-SHA1 over header, query and form; default ports dropped; other methods refused",
    3: "callbacks and oob, verifier, denial, single use, lifetimes",
    4: "the order of the checks, statuses, realm and bodies of refusals",
    5: "the window of timestamps, and nonces recorded before the signature is checked",
    6: "a request without one of the OAuth parameters is anonymous",
    7: "revocation while running, renewal by session handle",
    8: "50 by default, a silent cap, its echo, the true total",
    9: "the envelope of an empty page and of a page without fields",
    10: "the choice of fields, by GET and by POST",
    11: "literals in the user's zone and in minutes, epoch milliseconds, the order of ties",
    12: "datetimes in the viewer's zone, through a change of the clocks, and without milliseconds",
    13: "changes between pages, the lag of an index, nodes that disagree",
    14: "rate limits: headers of every answer, and 429 in its shapes",
    15: "anonymous with 200, and the 400 that blames the query",
    16: "every shape of an error",
    17: "serverInfo, myself, field, and the headers that Jira adds",
    18: "Cloud: tokens of pages, counts, what is gone, the gateway, rotating refresh tokens",
    19: "the shapes of issues, with their lies",
    20: "recorded answers byte for byte",
}
_NAMED: Final = re.compile(r"Items? ((?:\d+|, | and )+)")


def named() -> dict[int, list[str]]:
    """The tests of this folder by the points that they name; a test whose fixture may skip it does not count."""
    found: dict[int, list[str]] = {}
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if not isinstance(node, ast.FunctionDef) or not node.name.startswith("test_"):
                continue
            if any(argument.arg == "recorded" for argument in node.args.args):
                continue
            for numbers in _NAMED.findall((ast.get_docstring(node) or "").partition(":")[0]):
                for number in re.findall(r"\d+", numbers):
                    found.setdefault(int(number), []).append(f"{path.name}::{node.name}")
    return found


@pytest.mark.parametrize("number", CHECKLIST)
def test_every_point_is_named_by_a_test(number: int) -> None:
    """One at least that runs everywhere, also where no recorded answers are."""
    assert named().get(number), CHECKLIST[number]


def test_no_test_names_a_point_that_is_none() -> None:
    """A mistyped number would show here."""
    assert named().keys() <= CHECKLIST.keys()
