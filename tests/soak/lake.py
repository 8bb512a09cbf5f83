"""What the lake says holds now, by the views that `ddl` prints, against what Jira holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from target.duck import duck, printed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from local_s3 import LocalS3
    from sandbox import Sandbox

Rows = dict[str, tuple[Any, ...]]
"""By id, what is compared."""

_ISSUES = """
SELECT id, key, strftime(updated, '%Y-%m-%dT%H:%M:%S.%g+0000'), project_key, fields_summary FROM issues_newest"""
_WORKLOGS = "SELECT id, issue_id, comment FROM issue_worklogs_newest"


@dataclass(frozen=True)
class Difference:
    """Ids that only Jira has, that only the lake has, and whose values differ; by stream."""

    missing: dict[str, list[str]]
    surplus: dict[str, list[str]]
    other: dict[str, list[str]]

    def __str__(self) -> str:
        """Return how many there are of each, and the first few."""
        kinds = {"missing": self.missing, "surplus": self.surplus, "other": self.other}
        return "; ".join(
            f"{len(ids)} {stream} {kind}: {', '.join(ids[:5])}"
            for kind, streams in kinds.items()
            for stream, ids in streams.items()
            if ids
        )

    def __bool__(self) -> bool:
        """Whether there is any."""
        return any(
            ids for kind in (self.missing, self.surplus, self.other) for ids in kind.values()
        )


def held_by_jira(jira: Sandbox) -> dict[str, Rows]:
    """Return the living issues and their worklogs."""
    issues = jira.world.corpus.snapshot().issues
    updated = {each["id"]: each["updated"] for each in jira.issues}
    children = jira.world.corpus.children
    return {
        "issues": {
            each.id: (each.key, updated[each.id], each.project.key, each.fields["summary"])
            for each in issues
        },
        "issue_worklogs": {
            body["id"]: (each.id, body["comment"])
            for each in issues
            for body in children.worklogs(each)
        },
    }


def held_by_lake(folder: Path, config: Mapping[str, Any], store: LocalS3) -> dict[str, Rows]:
    """Return what the views of newest versions hold, read by DuckDB."""
    script = printed(folder, dict(config), "duckdb")
    with duck(script, store) as connection:
        asked = {"issues": _ISSUES, "issue_worklogs": _WORKLOGS}
        return {
            stream: {row[0]: tuple(row[1:]) for row in connection.execute(sql).fetchall()}
            for stream, sql in asked.items()
        }


def rows_stored(folder: Path, config: Mapping[str, Any], store: LocalS3) -> tuple[int, int]:
    """Return how many rows and how many different versions of issues the lake holds: the rest came twice."""
    with duck(printed(folder, dict(config), "duckdb"), store) as connection:
        found = connection.execute("SELECT count(*), count(DISTINCT (id, updated)) FROM issues")
        rows, versions = found.fetchall()[0]
        return int(rows), int(versions)


def compared(jira: dict[str, Rows], lake: dict[str, Rows]) -> Difference:
    """Return where the two differ."""
    streams = sorted(jira)
    return Difference(
        {each: sorted(jira[each].keys() - lake[each].keys()) for each in streams},
        {each: sorted(lake[each].keys() - jira[each].keys()) for each in streams},
        {
            each: sorted(
                id_
                for id_ in jira[each].keys() & lake[each].keys()
                if jira[each][id_] != lake[each][id_]
            )
            for each in streams
        },
    )
