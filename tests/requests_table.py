"""How many requests a run over all streams of a Data Center costs: the rows of a table in `docs/streams.md`.

A test holds a whole run against the same rows.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tap_jira_oauth.paging import Numbered, Slices, Values
from tap_jira_oauth.streams import (
    CENSUS_STREAMS,
    CHILD_STREAMS,
    INCREMENTAL_STREAMS,
    REFERENCE_STREAMS,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from sandbox import Sandbox
    from tap_jira_oauth.streams.reference import ReferenceStream

ALL = (
    "issues",
    *(stream.name for stream in REFERENCE_STREAMS if "data_center" in stream.flavors),
    *(stream.name for stream in (*CHILD_STREAMS, *INCREMENTAL_STREAMS, *CENSUS_STREAMS)),
)
"""Every stream that a Data Center has."""

PAGE = 100
"""`page_size`."""

BOARDS_A_PAGE = 50


EXAMPLE = {
    **{stream.name: 0 for stream in REFERENCE_STREAMS},
    "projects": 100,
    "issues": 20_000,
    "long worklogs": 300,
    "watched": 12_000,
    "voted": 1_000,
    "worklogs_deleted": 2_000,
    "audit_records": 30_000,
    "roles": 300,
    "project_properties": 200,
    "boards": 120,
    "scrum boards": 80,
    "sprints": 2_000,
    "board_issues": 24_000,
    "sprint_issues": 18_000,
    "epics": 900,
    "users": 3_000,
    "groups": 150,
    "group_members": 9_000,
    "choices": 60,
    "screens": 200,
    "security schemes": 5,
}
"""A company of medium size."""


@dataclass(frozen=True)
class Row:
    """What some streams cost: in words, as a pattern of paths, and at most by the counts."""

    streams: str
    words: str
    path: str
    most: Callable[[Mapping[str, int]], int]


def pages(count: int, size: int) -> int:
    """Return the requests of a list that tells its end."""
    return max(1, math.ceil(count / size))


def of_searches(n: Mapping[str, int]) -> int:
    """Return the requests for the issues, for their census, and for what the start asks."""
    issues = n["issues"] // (PAGE - 1) + n["issues"] // 5000 + n["projects"]
    return issues + n["issues"] // 999 + 2 * n["projects"] + 2


def of_issues(n: Mapping[str, int]) -> int:
    """Return the requests for what is in no search, and for what a search cuts."""
    return 2 * n["issues"] + n["watched"] + n["voted"] + n["long worklogs"]


def of_projects(n: Mapping[str, int]) -> int:
    """Return the requests below projects."""
    asked = sum(1 for each in REFERENCE_STREAMS if "/project/{}" in each.path and on_server(each))
    return asked * n["projects"] + n["roles"] + n["project_properties"]


def of_boards(n: Mapping[str, int]) -> int:
    """Return the requests below boards and sprints: six streams begin with the list of boards."""
    lists = 6 * pages(n["boards"], BOARDS_A_PAGE)
    more = n["epics"] // 50 + 2 * n["sprints"] // 50
    more += n["board_issues"] // 1000 + n["sprint_issues"] // 1000
    return lists + 3 * n["boards"] + 2 * n["scrum boards"] + n["sprints"] + more


def logs(n: Mapping[str, int]) -> int:
    """Return the requests for the two logs of the server."""
    return pages(n["audit_records"], 1000) + pages(n["worklogs_deleted"], 1000) + 1


def lists(n: Mapping[str, int]) -> int:
    """Return the requests for everything else: one, or as many as there are pages, and what is below."""
    beside = (each for each in REFERENCE_STREAMS if "agile" not in each.path)
    single = [each for each in beside if on_server(each) and "{}" not in each.path]
    ends = sum(1 for each in single if isinstance(each.paging, Slices))
    more = sum(n[each.name] // size_of(each) for each in single)
    below = 1 + n["groups"] + n["group_members"] // 50 + 1 + n["choices"]
    below += pages(n["screens"], 100) + n["screens"] + 1 + n["security schemes"]
    return len(single) + ends + more + below


def on_server(stream: type[ReferenceStream]) -> bool:
    """Whether a Data Center has it."""
    return "data_center" in stream.flavors


def size_of(stream: type[ReferenceStream]) -> int:
    """Return how many entries an answer holds."""
    sized = isinstance(stream.paging, (Values, Slices, Numbered))
    return int(getattr(stream.paging, "size", 0)) if sized else 10**9


ROWS = (
    Row(
        "`issues`; `issue_census` and `deleted_issues`",
        f"pages of {PAGE} that overlap by one, one more a project and for every 5,000 issues; two to learn how times are read; for the census pages of 1,000 ids, and two more a project",
        r"/rest/api/2/search$",
        of_searches,
    ),
    Row(
        "`issue_properties`, `issue_remote_links`; `issue_watchers`, `issue_votes`; `issue_worklogs`",
        "one an issue; one for an issue that is watched, or voted for; one for an issue with more than 20 worklogs. The other streams below issues cost none where the search shows their lists whole, as Data Center does",
        r"/rest/api/2/issue/\d+",
        of_issues,
    ),
    Row(
        "`project_versions`, `project_components`, `workflow_schemes`; `project_role_actors`, `project_properties`",
        "one a project; one a project, and one for each role or property of it",
        r"/rest/api/2/project/\d+/",
        of_projects,
    ),
    Row(
        "`boards`, `board_configurations`, `board_issues`, `epics`, `sprints`, `sprint_issues`",
        "each asks for the list of boards; then one a board (sprints: a scrum board), one a sprint, and more where a list has several pages",
        r"/rest/agile/",
        of_boards,
    ),
    Row(
        "`audit_records`, `worklogs_deleted`",
        "one for every 1,000 since the last run",
        r"/rest/api/2/(auditing|worklog)/",
        logs,
    ),
    Row(
        "all others, and the start of the run",
        "one, or one a page; `group_members` one a group, `field_options` one a field that offers a choice, `screen_tabs` one a screen, `security_levels` one a scheme; seven to learn who we are, what the server is and its time, and which projects and fields there are",
        r"/rest/",
        lambda n: lists(n) + 7,
    ),
)


def row_of(path: str) -> Row:
    """Return the row in which a request stands."""
    return next(row for row in ROWS if re.match(row.path, path))


def table() -> str:
    """Return the table, with the figures of the example."""
    lines = ["| streams | requests | of the example |", "|---|---|---|"]
    lines += [f"| {row.streams} | {row.words} | {row.most(EXAMPLE):,} |" for row in ROWS]
    total = sum(row.most(EXAMPLE) for row in ROWS)
    return "\n".join([*lines, f"| in all | | {total:,} |"])


def counts(
    jira: Sandbox, projects: int, records: Iterable[tuple[str, Mapping[str, Any]]]
) -> Counter[str]:
    """Return how many there are of everything: as many as came, by stream, and what no stream tells."""
    n: Counter[str] = Counter()
    fields, schemes = set(), set()
    for stream, record in records:
        n[stream] += 1
        n["scrum boards"] += stream == "boards" and record["type"] == "scrum"
        if stream == "field_options":
            fields.add(record["field_id"])
        if stream == "security_levels":
            schemes.add(record["issueSecuritySchemeId"])
    below = jira.world.corpus.children
    issues = jira.world.corpus.snapshot().issues
    n["watched"] = sum(1 for issue in issues if below.people("watchers", issue.id))
    n["voted"] = sum(1 for issue in issues if below.people("votes", issue.id))
    n["long worklogs"] = sum(1 for issue in issues if len(below.worklogs(issue)) > 20)
    n["choices"], n["security schemes"] = len(fields), len(schemes)
    n["roles"] = 3 * projects
    return n
