"""The table of partners in the README: versions from their locks, remarks from what `tests/swapped` has shown.

A test holds it against the partners that are tested.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_LOCKS = Path(__file__).parent / "peers"
_MADE_WITH: Final = {
    "singer-sdk": "Singer SDK",
    "singer-python": "singer-python",
    "pipelinewise-singer-python": "PipelineWise's singer-python",
}


@dataclass(frozen=True)
class Partner:
    """A row: a package by the name of its lock, what is compared of it, and what its users have to know.

    Braces in the remarks stand for a version, doubled ones for themselves.
    """

    package: str
    compared: str
    remarks: str


TARGETS: Final = (
    Partner(
        "target-jsonl",
        "each record as JSON",
        "It knows no versions: each run adds the lists that are read whole once more.",
    ),
    Partner(
        "meltanolabs-target-csv",
        "each cell: text as it is, numbers and moments by value, objects and lists as JSON; null, absent and "
        "the empty text are an empty cell",
        "Set `flattening_enabled: true` and `flattening_max_depth: 1`: else a cell holds an object as Python spells "
        "it. Put `{{timestamp}}` into `file_naming_scheme`: else each run overwrites what the one before has written.",
    ),
    Partner(
        "meltanolabs-target-postgres",
        "each column: objects and lists as `jsonb`, with every digit; moments to the microsecond",
        "In PostgreSQL 15 of Debian. An issue is one row, in its newest version. Moments are in UTC and in columns "
        "without a time zone.",
    ),
    Partner(
        "target-duckdb",
        "each column: objects and lists as `JSON`; moments to the microsecond; the empty text is NULL",
        "**Install it with `duckdb<1.3`** (tested: {duckdb}). With newer ones, up to {newest}, it takes the first row of a "
        "load for a header, of issues and of comments for two, and drops it without a word; its repository has that mended, its last "
        "release not. "
        "Call the file otherwise than `default_target_schema`, or queries have to name both. An issue of more than 2 MB ends the run: read comments by "
        "`issue_comments`, and leave the field `comment` out.",
    ),
)

TAPS: Final = (
    Partner(
        "tap-jsonl",
        "each value of its file, sent as **BATCH** messages of gzipped JSONL",
        "It rounds fractions to what a double holds.",
    ),
    Partner(
        "tap-spreadsheets",
        "each cell of a CSV file, as text",
        "It reads line breaks of Windows inside a cell as those of Unix.",
    ),
    Partner(
        "meltanolabs-tap-postgres",
        "each column of a table of 15 types, sent as **BATCH** messages of gzipped JSONL",
        "Its BATCH cannot hold `bytea` (leave such columns out). A list with a NULL in it is not of its own schema: with such "
        "lists, `validate_records: false`, or `on_invalid_record: quarantine`.",
    ),
    Partner(
        "pipelinewise-tap-postgres",
        "each column of the same table; a list that is NULL comes as an empty one",
        "It leaves `bytea` out. Needs Python 3.11 or older.",
    ),
)


def version(lock: str, package: str) -> str | None:
    """Return the version that a lock pins for the Python of the tests, or None."""
    found = re.findall(rf"(?m)^{package}==(\S+)", (_LOCKS / f"{lock}.lock").read_text("utf-8"))
    return str(found[-1]) if found else None


def made_with(package: str) -> str:
    """Return the library of a partner, with its version."""
    for name, shown in _MADE_WITH.items():
        if found := version(package, name):
            return f"{shown} {found}"
    return "no library"


def table() -> str:
    """Return the rows as a Markdown table."""
    lines = [
        "| partner | version | made with | direction | what is compared | to know |",
        "|---|---|---|---|---|---|",
    ]
    for direction, rows in (("our tap into it", TARGETS), ("it into our target", TAPS)):
        for row in rows:
            remarks = row.remarks.format(
                duckdb=version("target-duckdb", "duckdb"),
                newest=version("target-duckdb-newest", "duckdb"),
            )
            cells = (
                *(f"`{row.package}`", version(row.package, row.package), made_with(row.package)),
                *(direction, row.compared, remarks),
            )
            lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)
