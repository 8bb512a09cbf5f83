"""Spark SQL: temporary views over its JSON source, for any session; files are listed when they are made. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from target_s3_jsonl.ddl.dialect import NAME

if TYPE_CHECKING:
    from target_s3_jsonl.ddl.columns import Kind, Path
    from target_s3_jsonl.ddl.table import Table

_TYPES: dict[Kind, str] = {
    "timestamp": "TIMESTAMP",
    "date": "DATE",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "boolean": "BOOLEAN",
}


class Spark:
    """Spark's words; objects are below `root`, a URL or a folder."""

    file = "input_file_name()"

    def __init__(self, root: str) -> None:
        """Take the destination; Spark's own name for S3 is `s3a`, which EMR and Glue take, too."""
        self._root = root.rstrip("/").replace("s3://", "s3a://", 1)

    def quoted(self, name: str) -> str:
        """Quote a name."""
        return f"`{name}`"

    def text(self, value: str) -> str:
        """Spell a text; two quotes in a row would be the end of one text and the begin of another."""
        escaped = value.replace("\\", "\\\\").replace("'", "\\'")
        return f"'{escaped}'"

    def member(self, column: str, path: Path, *, as_json: bool) -> str:  # noqa: ARG002 - one function gives both
        """Look into JSON."""
        steps = "".join(f"['{step}']" for step in path)
        return f'get_json_object({column}, "${steps}")'

    def cast(self, text: str, kind: Kind) -> str:
        """Make a value of a text; a TIMESTAMP is a moment, shown in the zone of the session."""
        return f"try_cast({text} AS {_TYPES[kind]})" if kind in _TYPES else text

    def name_in(self, path: str) -> str:
        """Find an object's name."""
        return f"regexp_extract({path}, '{NAME}', 0)"

    def day(self, table: Table) -> str:
        """Find the day of loading in the path."""
        return f"try_cast(regexp_extract({self.file}, '{table.day_pattern}', 1) AS DATE)"

    def view(self, name: str, select: str) -> str:
        """Make a view."""
        return f"CREATE OR REPLACE TEMPORARY VIEW {self.quoted(name)} AS\n{select}"

    def raw(self, table: Table) -> list[str]:
        """Return the statements for the members of the records as text."""
        outer = table.columns.outer
        source = self.quoted(f"{table.raw}_json")
        declared = ",\n  ".join(f"{self.quoted(each.path[0])} STRING" for each in outer)
        chosen = ",\n  ".join(
            f"{self.quoted(each.path[0])} AS {self.quoted(each.name)}" for each in outer
        )
        read = (
            f"CREATE OR REPLACE TEMPORARY VIEW {source} (\n  {declared}\n)\n"
            f"USING json OPTIONS (path {self.text(f'{self._root}/{table.glob}')}, mode 'FAILFAST')"
        )
        view = self.view(table.raw, f"SELECT\n  {chosen}\nFROM {source}")
        # Which lets Spark tell members apart that differ in case only.
        case = [] if table.columns.apart else ["SET spark.sql.caseSensitive = true"]
        return [*case, read, view]
