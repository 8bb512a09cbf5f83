"""The Glue Data Catalog's table of a stream, which Athena, EMR and Redshift Spectrum read: as its API takes it. Pure.

Every column is text: one value that is not of its type must not end a query. `dots.in.keys` stays off
and `case.insensitive` too, because the SerDe would change the names within objects as well; each
column says which member it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from target_s3_jsonl.ddl.table import LOAD_DATE
from target_s3_jsonl.errors import ConfigurationError
from target_s3_jsonl.layout import DAY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from target_s3_jsonl.ddl.table import Table

_SERDE = "org.openx.data.jsonserde.JsonSerDe"
_INPUT = "org.apache.hadoop.mapred.TextInputFormat"
_OUTPUT = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"
_DAY = "yyyy-MM-dd"


@dataclass(frozen=True)
class Place:
    """Where a table's objects are: a location, and with days of loading the template of a day's location."""

    location: str
    of_a_day: str | None = None


def place(table: Table, root: str) -> Place:
    """Return where the objects of a stream are.

    Folders of which the values cannot be listed beforehand (a record's value, a time, a run) end the
    location: Athena reads all that is below it.

    Raises:
        ConfigurationError: Such a folder stands before the stream's.
    """
    folders = table.segments.all[:-1]
    fixed = folders[: next((at for at, each in enumerate(folders) if "*" in each), len(folders))]
    if table.segments.own >= len(fixed):
        raise ConfigurationError(
            f"path_template puts other folders before that of stream {table.stream!r}, so Athena and Glue cannot read it alone. "
            "Put {stream} first."
        )
    dated = [at for at, each in enumerate(fixed) if DAY in each]
    if not dated:
        return Place("/".join([root, *fixed]) + "/")
    of_a_day = "/".join([root, *fixed]).replace(DAY, f"${{{LOAD_DATE}}}") + "/"
    return Place("/".join([root, *fixed[: dated[0]]]) + "/", of_a_day)


def table_input(table: Table, root: str, since: str) -> dict[str, Any]:
    """Return a stream's raw table; `root` is the destination, `since` the first day of loading."""
    members = {each.path[0]: each.name for each in table.columns.outer}
    where = place(table, root.rstrip("/"))
    made = _input(table.raw, where.location, members)
    if where.of_a_day is not None:
        made["PartitionKeys"] = [{"Name": LOAD_DATE, "Type": "date"}]
        made["Parameters"] |= {
            "projection.enabled": "true",
            f"projection.{LOAD_DATE}.type": "date",
            f"projection.{LOAD_DATE}.format": _DAY,
            f"projection.{LOAD_DATE}.range": f"{since},NOW",
            "storage.location.template": where.of_a_day,
        }
    return made


def _input(name: str, location: str, members: Mapping[str, str]) -> dict[str, Any]:
    mapped = {f"mapping.{column}": member for member, column in members.items() if member != column}
    return {
        "Name": name,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"EXTERNAL": "TRUE", "classification": "json"},
        "PartitionKeys": [],
        "StorageDescriptor": {
            "Columns": [{"Name": column, "Type": "string"} for column in members.values()],
            "Location": location,
            "InputFormat": _INPUT,
            "OutputFormat": _OUTPUT,
            "SerdeInfo": {
                "SerializationLibrary": _SERDE,
                "Parameters": {"case.insensitive": "FALSE", **mapped},
            },
        },
    }
