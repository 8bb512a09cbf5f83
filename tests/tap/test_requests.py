"""A run over all streams makes no more requests than the table in `docs/streams.md` explains."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from requests_table import ROWS, row_of
from sandbox import Corpus, Sandbox
from tap.below import run_with, select
from tap_jira_oauth.streams import (
    CENSUS_STREAMS,
    CHILD_STREAMS,
    INCREMENTAL_STREAMS,
    REFERENCE_STREAMS,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tap.command import Run

PROJECTS, ISSUES = 12, 120
SERVER = [stream.name for stream in REFERENCE_STREAMS if "data_center" in stream.flavors]
OTHERS = (*CHILD_STREAMS, *INCREMENTAL_STREAMS, *CENSUS_STREAMS)
ALL = ("issues", *SERVER, *(stream.name for stream in OTHERS))


def counts(jira: Sandbox, run: Run) -> Counter[str]:
    """How many there are of everything: as many as came, and what no stream tells."""
    n = Counter({name: len(run.of(name)) for name in ALL})
    below = jira.world.corpus.children
    issues = jira.world.corpus.snapshot().issues
    n["watched"] = sum(1 for issue in issues if below.people("watchers", issue.id))
    n["voted"] = sum(1 for issue in issues if below.people("votes", issue.id))
    n["long worklogs"] = sum(1 for issue in issues if len(below.worklogs(issue)) > 20)
    n["scrum boards"] = sum(1 for board in run.of("boards") if board["type"] == "scrum")
    n["choices"] = len({option["field_id"] for option in run.of("field_options")})
    levels = run.of("security_levels")
    n["security schemes"] = len({level["issueSecuritySchemeId"] for level in levels})
    n["roles"] = 3 * PROJECTS
    return n


def test_a_run_over_all_streams_is_explained_by_the_table(tmp_path: Path) -> None:
    """Row by row, no more than it says, and at least half of that: it is no idle bound."""
    with Sandbox(corpus=Corpus.generate(seed=7, issues=ISSUES, projects=PROJECTS)) as jira:
        user = {"auth_method": "basic", "username": "sandbox", "password": "sandbox"}
        result = run_with(tmp_path, {"api_url": jira.url, **user}, select(tmp_path, ALL))
        assert result.status == 0, result.log
        n = counts(jira, result)
        made = Counter(row_of(entry.path) for entry in jira.requests)
    assert n["issues"] == ISSUES
    assert n["projects"] == PROJECTS
    explained = {row.streams: (row.most(n), made[row]) for row in ROWS}
    assert all(most / 2 <= found <= most for most, found in explained.values()), explained
