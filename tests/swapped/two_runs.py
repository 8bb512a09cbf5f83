"""A Jira with hard values, read twice into every target: at first all of it, then what was edited since."""

from __future__ import annotations

import gzip
import itertools
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pair.test_pair import SECONDS, piped
from sandbox import texts
from swapped.kept import Row, read_json

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox import Corpus

STREAMS = ("issues", "issue_comments", "statuses")
"""A stream with a bookmark, one below it, and a list that is read whole and told by versions."""

WAYS = ("pipe", "meltano")

TEXTS = (
    *texts.TRICKY,
    " spaces around ",
    'He said "no, never",\nand left; a\ttab',
    "NULL",
    "null",
    "\\N",
    "true",
    "2024-01-02",
    "=1+1",
    '{"a": [1, {"b": null}]}',
    "'; DROP TABLE issues; --",
    "%s %(id)s ${HOME} {{ name }}",
    "long " * 6_553,
)
"""What readers and writers of CSV, SQL and JSON have stumbled over; the last is as long as Jira lets a text be."""

NUMBERS = (0, -1, 0.1, 0.30000000000000004, 1e-7, 1e21, 9007199254740993, 123456789012345678901)
"""Among them some that a double does not hold."""


def made_hard(corpus: Corpus) -> Corpus:
    """Put these into the texts and numbers of issues and of comments, behind Jira's back."""
    ids = {each["name"]: each["id"] for each in corpus.field_list}
    issues = corpus.snapshot().issues
    assert len(issues) >= max(len(TEXTS), len(NUMBERS))
    bodies = itertools.cycle(TEXTS)
    for place, issue in enumerate(issues):
        text = TEXTS[place % len(TEXTS)]
        held = issue.fields["comment"]
        comments = [{**each, "body": next(bodies)} for each in held["comments"]]
        # Not as the text of old servers: that has another object's number in each answer.
        sprint = {"id": place, "name": text[:99], "state": "ACTIVE", "goal": None}
        fields = {
            "summary": text,
            "description": text,
            ids["Story Points"]: NUMBERS[place % len(NUMBERS)],
            ids["Sprint"]: [sprint],
            "comment": {**held, "comments": comments},
        }
        corpus.change([issue.id], lambda old, new=fields: old.touched(**new))  # type: ignore[misc]  # lambda's default has no type
    return corpus


@dataclass
class Outcome:
    """How one pair fared: after each of its runs the status, the STATE (by a pipe), and what was logged last."""

    folder: Path
    statuses: list[int] = field(default_factory=list)
    states: list[Any] = field(default_factory=list)
    log: str = ""

    def assert_succeeded(self) -> None:
        """Both runs have ended well."""
        assert self.statuses == [0, 0], self.log[-4000:]


def run_pipe(outcome: Outcome, tap: list[str], target: list[str]) -> None:
    """Run `tap | target` with the STATE that this target has printed last."""
    folder = outcome.folder
    state = folder / "state.json"
    known = ["--state", str(state)] if state.exists() else []
    with piped(folder, [*tap, *known], target) as (source, sink):
        output, _ = sink.communicate(timeout=SECONDS)
        status = source.wait(timeout=SECONDS) or sink.returncode
    outcome.statuses.append(status)
    outcome.log = (folder / "tap.log").read_text() + (folder / "target.log").read_text()
    if lines := output.splitlines():
        state.write_bytes(lines[-1])
        outcome.states.append(json.loads(lines[-1]))


def lake(folder: Path, stream: str) -> list[Row]:
    """Return every row of a stream that our target has stored, with every digit, in the order of storing."""
    paths = sorted((folder / stream).rglob("*.jsonl.gz"), key=lambda path: path.stat().st_mtime_ns)
    return [
        read_json(line)
        for path in paths
        for line in gzip.decompress(path.read_bytes()).splitlines()
    ]


def schema_of(folder: Path, stream: str) -> dict[str, Any]:
    """Return the one schema that our target has noted of a stream."""
    (path,) = (folder / "_catalog/schemas" / stream).glob("*.json")
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))["schema"]
    return found
