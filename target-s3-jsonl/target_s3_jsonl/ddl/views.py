"""The views over a stream: every row with typed columns, and the newest version of each key. Pure.

Which row is the newest is said by the replication key; among rows with the same one, by `updated`,
where what hangs below an issue has one of its own, and by the day of loading. Streams without one are lists: their rows count if they are of the newest version of the list
that a tap declared whole (ACTIVATE_VERSION), which the manifests tell. What hangs below issues counts
if it was read with the newest version of its issue. Issues that are gone are left out, where the lake
has `deleted_issues` or `issue_census`. With both, the census only tells of issues that came and went
between two of them: what one of them has counted is for `deleted_issues` to say, which knows a lost
permission from a deletion.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from target_s3_jsonl.ddl.table import FILE, LOAD_DATE, MANIFESTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from target_s3_jsonl.ddl.columns import Column
    from target_s3_jsonl.ddl.dialect import Dialect
    from target_s3_jsonl.ddl.table import Table

_AGE = "_age"


@dataclass
class Query:
    """A SELECT in the making: tables before it, joins and conditions behind it."""

    tables: list[str] = field(default_factory=list)
    joins: list[str] = field(default_factory=list)
    conditions: list[str] = field(default_factory=list)

    def spelled(self, chosen: Sequence[str], source: str) -> str:
        """Return it as SQL."""
        before = f"WITH {_listed(self.tables, '')}\n" if self.tables else ""
        joins = "".join(f"\n{each}" for each in self.joins)
        where = "\nWHERE " + "\n  AND ".join(self.conditions) if self.conditions else ""
        return f"{before}SELECT\n  {_listed(chosen)}\nFROM {source}{joins}{where}"


def typed(table: Table, dialect: Dialect) -> str:
    """Return the view of every row, with a column for each declared member."""
    quoted = dialect.quoted
    chosen = [_typed_column(each, table, dialect) for each in table.columns.all]
    if table.dated:
        chosen.append(f"{dialect.day(table)} AS {quoted(LOAD_DATE)}")
    chosen.append(f"{dialect.file} AS {quoted(FILE)}")
    return dialect.view(table.typed, Query().spelled(chosen, quoted(table.raw)))


def newest(table: Table, lake: Mapping[str, Table], dialect: Dialect) -> str:
    """Return the view of the newest version of each key, without what is gone. `lake` are the tables by stream."""
    query = Query()
    read_with = table.column("issue_updated") if table.column("issue_id") else None
    version = read_with or table.bookmark
    if version is None:
        query.tables += _whole_list(table, dialect)
    changed = table.column("updated") if read_with is not None else None
    order = [each for each in (version, changed) if each is not None]
    query.tables.append(_ranked(table, order, dialect))
    if table.keys:
        query.conditions.append(f"t.{dialect.quoted(_AGE)} = 1")
    parent = lake.get("issues")
    if read_with is not None and parent is not None:
        _keep_those_of_the_newest_issue(query, table, parent, dialect)
    elif table is parent:
        deleted, census = lake.get("deleted_issues"), lake.get("issue_census")
        if deleted is not None:
            _leave_out_deleted(query, table, deleted, dialect)
        if census is not None:
            _leave_out_uncounted(query, table, census, dialect, ever=deleted is not None)
    names = [each.name for each in table.columns.all]
    names += [*([LOAD_DATE] if table.dated else []), FILE]
    chosen = [f"t.{dialect.quoted(name)}" for name in names]
    return dialect.view(table.newest, query.spelled(chosen, "ranked AS t"))


def _ranked(table: Table, order: Sequence[Column], dialect: Dialect) -> str:
    """Return the rows that may count, each key's newest with the age 1."""
    quoted = dialect.quoted
    source = f"{quoted(table.typed)} AS v{'' if order else _of_the_newest_list(dialect)}"
    if not table.keys:
        return f"ranked AS (\n  SELECT v.* FROM {source}\n)"
    names = [*(each.name for each in order), *([LOAD_DATE] if table.dated else []), FILE]
    newest_first = ", ".join(f"v.{quoted(name)} DESC NULLS LAST" for name in names)
    keys = ", ".join(f"v.{quoted(each.name)}" for each in table.keys)
    return (
        "ranked AS (\n"
        f"  SELECT v.*, row_number() OVER (PARTITION BY {keys} ORDER BY {newest_first}) AS {quoted(_AGE)}\n"
        f"  FROM {source}\n)"
    )


def _whole_list(table: Table, dialect: Dialect) -> list[str]:
    """Return how many versions of a list were declared whole, and the objects of the newest."""
    told = f"FROM {dialect.quoted(MANIFESTS)} WHERE stream = {dialect.text(table.stream)}"
    newest_version = "version = (SELECT newest FROM declared)"
    return [
        f"declared AS (\n  SELECT count(active_version) AS times, max(active_version) AS newest {told}\n)",
        f"listed AS (\n  SELECT DISTINCT name {told}\n    AND type = 'object' AND {newest_version}\n)",
    ]


def _of_the_newest_list(dialect: Dialect) -> str:
    """Return what leaves only rows of the newest whole list, or all where the tap declares none."""
    name = dialect.name_in(f"v.{dialect.quoted(FILE)}")
    return (
        f"\n  CROSS JOIN declared AS d\n  LEFT JOIN listed AS l ON l.name = {name}"
        "\n  WHERE d.times = 0 OR l.name IS NOT NULL"
    )


def _keep_those_of_the_newest_issue(
    query: Query, table: Table, parent: Table, dialect: Dialect
) -> None:
    there = _names(parent, dialect, "id", "updated")
    here = _names(table, dialect, "issue_id", "issue_updated")
    if there and here:
        query.joins.append(
            f"JOIN {dialect.quoted(parent.newest)} AS p ON p.{there['id']} = t.{here['issue_id']} "
            f"AND p.{there['updated']} = t.{here['issue_updated']}"
        )


def _leave_out_deleted(query: Query, table: Table, deleted: Table, dialect: Dialect) -> None:
    """Leave out what was noticed to be gone after its last change."""
    here = _names(table, dialect, "id", "updated")
    there = _names(deleted, dialect, "id", "noticed_at")
    if not here or not there:
        return
    query.tables.append(
        f"gone AS (\n  SELECT {there['id']} AS id, max({there['noticed_at']}) AS noticed_at\n"
        f"  FROM {dialect.quoted(deleted.typed)} GROUP BY {there['id']}\n)"
    )
    query.joins.append(f"LEFT JOIN gone AS g ON g.id = t.{here['id']}")
    query.conditions.append(f"(g.id IS NULL OR g.noticed_at <= t.{here['updated']})")


def _leave_out_uncounted(
    query: Query, table: Table, census: Table, dialect: Dialect, *, ever: bool
) -> None:
    """Leave out what the newest whole census of its project does not have, though it is older.

    With `ever`, only what no whole census has.
    """
    here = _names(table, dialect, "id", "updated", "project_id")
    there = _names(census, dialect, "census_id", "taken_at", "issues_in_census", "id", "project_id")
    if not here or not there:
        return
    source = dialect.quoted(census.typed)
    query.tables.append(
        f"whole AS (\n  SELECT {there['census_id']} AS census_id, max({there['taken_at']}) AS taken_at\n"
        f"  FROM {source} GROUP BY {there['census_id']}\n"
        f"  HAVING count(DISTINCT {there['id']}) = max({there['issues_in_census']})\n)"
    )
    query.tables.append(
        f"counted AS (\n  SELECT c.{there['id']} AS id, c.{there['project_id']} AS project_id, w.taken_at\n"
        f"  FROM {source} AS c JOIN whole AS w ON w.census_id = c.{there['census_id']}\n)"
    )
    query.tables.append(
        "projects_counted AS (\n  SELECT project_id, max(taken_at) AS taken_at FROM counted GROUP BY project_id\n)"
    )
    # Shards take a census each, so the newest of all is not that of every project.
    newest_only = (
        ""
        if ever
        else "\n  JOIN projects_counted AS p ON p.project_id = c.project_id AND p.taken_at = c.taken_at"
    )
    query.tables.append(
        f"issues_counted AS (\n  SELECT DISTINCT c.id FROM counted AS c{newest_only}\n)"
    )
    query.joins += [
        f"LEFT JOIN projects_counted AS p ON p.project_id = t.{here['project_id']}",
        f"LEFT JOIN issues_counted AS c ON c.id = t.{here['id']}",
    ]
    query.conditions.append(
        f"(p.project_id IS NULL OR c.id IS NOT NULL OR t.{here['updated']} >= p.taken_at)"
    )


def _names(table: Table, dialect: Dialect, *members: str) -> dict[str, str]:
    """Return the quoted columns of these members; empty if one is missing."""
    found = {member: table.column(member) for member in members}
    return {
        member: dialect.quoted(column.name)
        for member, column in found.items()
        if column is not None and None not in found.values()
    }


def _typed_column(column: Column, table: Table, dialect: Dialect) -> str:
    outer = next(each for each in table.columns.outer if each.path == column.path[:1])
    text = dialect.quoted(outer.name)
    if len(column.path) > 1:
        text = dialect.member(text, column.path[1:], as_json=column.kind == "json")
    return f"{dialect.cast(text, column.kind)} AS {dialect.quoted(column.name)}"


def _listed(parts: Sequence[str], indent: str = "  ") -> str:
    return f",\n{indent}".join(parts)
