"""One stream as tables see it: where its objects are, its columns, and which row of several is the newest. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from target_s3_jsonl.catalog import RUNS
from target_s3_jsonl.ddl import names
from target_s3_jsonl.ddl.columns import Column, Columns, Kind, columns
from target_s3_jsonl.layout import DAY, Segments

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FILE = "_file"
"""Column with the object that a row stands in."""
LOAD_DATE = "load_date"
MANIFESTS = "lake_manifests"
"""View of all manifests, which tells objects, streams and runs apart by `type`."""


@dataclass(frozen=True)
class SchemaDocument:
    """A SCHEMA as the catalog keeps it."""

    stream: str
    schema: Mapping[str, Any]
    key_properties: Sequence[str]
    bookmark_properties: Sequence[str]


@dataclass(frozen=True)
class Table:
    """A stream's names and columns. `raw` is the table of the records' members as text, `typed` and `newest` are views."""

    stream: str
    raw: str
    typed: str
    newest: str
    segments: Segments
    columns: Columns
    keys: tuple[Column, ...]
    bookmark: Column | None

    @property
    def dated(self) -> bool:
        """Whether the day of loading is in the path."""
        return any(DAY in each for each in self.segments.all)

    @property
    def glob(self) -> str:
        """All of its objects, below the destination, whatever their compression."""
        *folders, last = (each.replace(DAY, "*") for each in self.segments.all)
        return "/".join([*folders, re.sub(r"\.(gz|zst)$", "", last) + "*"])

    @property
    def day_pattern(self) -> str:
        """A regular expression without backslashes whose group is the day of loading in a path."""
        segment = next(each for each in self.segments.all if DAY in each)
        before, _, after = segment.partition(DAY)
        day = "([0-9]{4}-[0-9]{2}-[0-9]{2})"
        return f"/{_literal(before)}{day}{_literal(after)}"

    def column(self, *path: str) -> Column | None:
        """Return the column of a place in the records."""
        return self.columns.at(*path)


def tables(
    documents: Mapping[str, Sequence[SchemaDocument]], segments: Mapping[str, Segments]
) -> dict[str, Table]:
    """Return the table of each stream by its name.

    `documents` are its SCHEMAs, oldest first; the newest says what the keys are. `segments` are those
    of its paths, as `layout` makes them.
    """
    wanted = {
        (stream, part): (names.safe(stream).rstrip("_") or stream) + suffix
        for stream in documents
        for part, suffix in enumerate(("", "_raw", "_newest"))
    }
    given = names.assigned(wanted, {MANIFESTS, f"{MANIFESTS}_raw"})
    found = {}
    for stream, known in documents.items():
        made = columns([each.schema for each in known], (FILE, LOAD_DATE, "_age"))
        keys = [made.at(name) for name in known[-1].key_properties]
        bookmarks = [made.at(name) for name in known[-1].bookmark_properties]
        found[stream] = Table(
            stream=stream,
            raw=given[stream, 1],
            typed=given[stream, 0],
            newest=given[stream, 2],
            segments=segments[stream],
            columns=made,
            keys=tuple(each for each in keys if each is not None),
            bookmark=bookmarks[0] if bookmarks else None,
        )
    return found


def manifests() -> Table:
    """Return the table of the manifests' lines; an object's `rejected` is true, and elsewhere it is a count."""
    kinds: dict[str, Kind] = {
        **dict.fromkeys(("type", "stream", "key", "name", "sha256", "rejected"), "text"),
        **dict.fromkeys(("rows", "bytes", "objects", "version", "active_version"), "integer"),
        **dict.fromkeys(("first_bookmark", "last_bookmark", "schema_hash"), "text"),
        **dict.fromkeys(("start", "state", "ended", "target_version"), "text"),
    }
    return Table(
        stream="",
        raw=f"{MANIFESTS}_raw",
        typed=MANIFESTS,
        newest="",
        segments=Segments((*RUNS.rstrip("/").split("/"), "*.jsonl"), own=1),
        columns=Columns(tuple(Column(name, (name,), kind) for name, kind in kinds.items()), ()),
        keys=(),
        bookmark=None,
    )


def _literal(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_=%~ -]", lambda found: f"[{found[0]}]", text)
