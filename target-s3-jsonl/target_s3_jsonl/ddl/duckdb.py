"""DuckDB: views over `read_json`, of a folder or of S3 by its extension httpfs. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from target_s3_jsonl.ddl.dialect import NAME, literal
from target_s3_jsonl.ddl.table import FILE

if TYPE_CHECKING:
    from target_s3_jsonl.ddl.columns import Column, Kind, Path
    from target_s3_jsonl.ddl.table import Table

_LARGEST = 256 * 1024**2  # an issue with its histories may pass DuckDB's own 16 MiB
_TYPES: dict[Kind, str] = {
    "date": "DATE",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "boolean": "BOOLEAN",
}


class DuckDB:
    """DuckDB's words; objects are below `root`, a URL or a folder."""

    file = f'"{FILE}"'

    def __init__(self, root: str) -> None:
        """Take the destination."""
        self._root = root.rstrip("/")

    def quoted(self, name: str) -> str:
        """Quote a name."""
        return f'"{name}"'

    def text(self, value: str) -> str:
        """Spell a text."""
        return literal(value)

    def member(self, column: str, path: Path, *, as_json: bool) -> str:
        """Look into JSON."""
        steps = literal("$" + "".join(f'."{step}"' for step in path))
        if as_json:
            return f"NULLIF(json_extract({column}, {steps}), 'null')"
        return f"json_extract_string({column}, {steps})"

    def cast(self, text: str, kind: Kind) -> str:
        """Make a value of a text."""
        if kind == "timestamp":  # a plain TIMESTAMP would pass over the offset
            return f"TRY_CAST({text} AS TIMESTAMPTZ) AT TIME ZONE 'UTC'"
        return f"TRY_CAST({text} AS {_TYPES[kind]})" if kind in _TYPES else text

    def name_in(self, path: str) -> str:
        """Find an object's name."""
        return f"regexp_extract({path}, {literal(NAME)})"

    def day(self, table: Table) -> str:
        """Find the day of loading in the path."""
        return f"TRY_CAST(regexp_extract({self.file}, {literal(table.day_pattern)}, 1) AS DATE)"

    def view(self, name: str, select: str) -> str:
        """Make a view."""
        return f"CREATE OR REPLACE VIEW {self.quoted(name)} AS\n{select}"

    def raw(self, table: Table) -> list[str]:
        """Return the statement for the members of the records as text, and as JSON."""
        where = literal(f"{self._root}/{table.glob}")
        options = f"filename = {literal(FILE)}, maximum_object_size = {_LARGEST}"
        outer = table.columns.outer
        if table.columns.apart:
            types = ", ".join(f"{self.quoted(each.path[0])}: '{_read_as(each)}'" for each in outer)
            chosen = [f"{self.quoted(each.path[0])} AS {self.quoted(each.name)}" for each in outer]
            source = (
                f"read_json({where}, format = 'newline_delimited', hive_partitioning = false, {options},\n"
                f"  columns = {{{types}}})"
            )
        else:  # names that differ in case only are one column to `read_json`
            chosen = [
                f"{self.member('json', each.path, as_json=each.kind == 'json')} AS {self.quoted(each.name)}"
                for each in outer
            ]
            source = f"read_ndjson_objects({where}, hive_partitioning = false, {options})"
        listed = ",\n  ".join([*chosen, self.file])
        return [self.view(table.raw, f"SELECT\n  {listed}\nFROM {source}")]


def _read_as(column: Column) -> str:
    return "JSON" if column.kind == "json" else "VARCHAR"
