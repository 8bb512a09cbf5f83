"""Athena: external tables, and views in its own SQL (Trino's). Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from target_s3_jsonl.ddl import glue
from target_s3_jsonl.ddl.dialect import NAME, literal
from target_s3_jsonl.ddl.table import LOAD_DATE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from target_s3_jsonl.ddl.columns import Kind, Path
    from target_s3_jsonl.ddl.table import Table

_TYPES: dict[Kind, str] = {"integer": "bigint", "number": "double", "boolean": "boolean"}


class Athena:
    """Athena's words; objects are below `root`, an S3 URL."""

    file = '"$path"'

    def __init__(self, root: str, since: Mapping[str, str]) -> None:
        """Take the destination and each stream's first day of loading."""
        self._root = root.rstrip("/")
        self._since = since

    def quoted(self, name: str) -> str:
        """Quote a name."""
        return f'"{name}"'

    def text(self, value: str) -> str:
        """Spell a text."""
        return literal(value)

    def member(self, column: str, path: Path, *, as_json: bool) -> str:
        """Look into JSON."""
        where = literal("$" + "".join(f'["{step}"]' for step in path))
        if as_json:
            return f"NULLIF(json_format(json_extract({column}, {where})), 'null')"
        return f"json_extract_scalar({column}, {where})"

    def cast(self, text: str, kind: Kind) -> str:
        """Make a value of a text; views cannot hold a time zone, so timestamps are UTC without one."""
        if kind == "timestamp":
            return f"TRY(CAST(from_iso8601_timestamp({text}) AT TIME ZONE 'UTC' AS timestamp(3)))"
        if kind == "date":
            return f"TRY_CAST(substr({text}, 1, 10) AS date)"
        return f"TRY_CAST({text} AS {_TYPES[kind]})" if kind in _TYPES else text

    def name_in(self, path: str) -> str:
        """Find an object's name."""
        return f"regexp_extract({path}, {literal(NAME)})"

    def day(self, table: Table) -> str:
        """Return the partition, or find the day in the path where it is none."""
        if glue.place(table, self._root).of_a_day is not None:
            return self.quoted(LOAD_DATE)
        return f"TRY_CAST(regexp_extract({self.file}, {literal(table.day_pattern)}, 1) AS date)"

    def view(self, name: str, select: str) -> str:
        """Make a view."""
        return f"CREATE OR REPLACE VIEW {self.quoted(name)} AS\n{select}"

    def raw(self, table: Table) -> list[str]:
        """Return the statements for the members of the records as text. Dropping the table drops no object."""
        return _created(glue.table_input(table, self._root, self._since.get(table.stream, "")))


def _created(made: Mapping[str, Any]) -> list[str]:
    stored = made["StorageDescriptor"]
    partitions = f"PARTITIONED BY (\n  {_declared(made['PartitionKeys'])}\n)\n"
    create = (
        f"CREATE EXTERNAL TABLE `{made['Name']}` (\n  {_declared(stored['Columns'])}\n)\n"
        f"{partitions if made['PartitionKeys'] else ''}"
        f"ROW FORMAT SERDE '{stored['SerdeInfo']['SerializationLibrary']}'\n"
        f"WITH SERDEPROPERTIES (\n  {_properties(stored['SerdeInfo']['Parameters'])}\n)\n"
        f"STORED AS INPUTFORMAT '{stored['InputFormat']}'\n"
        f"OUTPUTFORMAT '{stored['OutputFormat']}'\n"
        f"LOCATION {literal(stored['Location'])}\n"
        f"TBLPROPERTIES (\n  {_properties({n: v for n, v in made['Parameters'].items() if n != 'EXTERNAL'})}\n)"
    )
    return [f"DROP TABLE IF EXISTS `{made['Name']}`", create]


def _declared(columns: list[Mapping[str, str]]) -> str:
    return ",\n  ".join(f"`{each['Name']}` {each['Type']}" for each in columns)


def _properties(properties: Mapping[str, str]) -> str:
    return ",\n  ".join(f"{literal(name)} = {literal(value)}" for name, value in properties.items())
