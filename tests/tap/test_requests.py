"""A run over all streams makes no more requests than the table in `docs/streams.md` explains."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from requests_table import ALL, ROWS, counts, row_of
from sandbox import Corpus, Sandbox
from tap.below import run_with, select

if TYPE_CHECKING:
    from pathlib import Path

PROJECTS, ISSUES = 12, 120


def test_a_run_over_all_streams_is_explained_by_the_table(tmp_path: Path) -> None:
    """Row by row, no more than it says, and at least half of that: it is no idle bound."""
    with Sandbox(corpus=Corpus.generate(seed=7, issues=ISSUES, projects=PROJECTS)) as jira:
        user = {"auth_method": "basic", "username": "sandbox", "password": "sandbox"}
        result = run_with(tmp_path, {"api_url": jira.url, **user}, select(tmp_path, ALL))
        assert result.status == 0, result.log
        records = [each for each in result.messages if each["type"] == "RECORD"]
        n = counts(jira, PROJECTS, ((each["stream"], each["record"]) for each in records))
        made = Counter(row_of(entry.path) for entry in jira.requests)
    assert n["issues"] == ISSUES
    assert n["projects"] == PROJECTS
    explained = {row.streams: (row.most(n), made[row]) for row in ROWS}
    assert all(most / 2 <= found <= most for most, found in explained.values()), explained
