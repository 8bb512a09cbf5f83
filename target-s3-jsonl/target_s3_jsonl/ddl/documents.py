"""What the catalog of a lake knows of its streams."""

from __future__ import annotations

import re
from datetime import timezone
from typing import TYPE_CHECKING, Any

import msgspec

from target_s3_jsonl import catalog
from target_s3_jsonl.ddl.table import SchemaDocument, Table, tables
from target_s3_jsonl.errors import StoreError

if TYPE_CHECKING:
    from target_s3_jsonl.lake import Lake
    from target_s3_jsonl.layout import Layout


class _Document(msgspec.Struct):
    stream: str
    schema: dict[str, Any]
    key_properties: list[str] = []
    bookmark_properties: list[str] = []


def tables_of(lake: Lake, layout: Layout) -> dict[str, Table]:
    """Return the table of each stream that the catalog has a SCHEMA of.

    Raises:
        StoreError: It cannot be read, or has none.
    """
    documents: dict[str, list[SchemaDocument]] = {}
    for found in sorted(lake.found(catalog.SCHEMAS), key=lambda each: (each.modified, each.path)):
        known = _read(lake, found.path)
        documents.setdefault(known.stream, []).append(
            SchemaDocument(
                known.stream, known.schema, known.key_properties, known.bookmark_properties
            )
        )
    if not documents:
        raise StoreError(
            f"There is no SCHEMA below {catalog.SCHEMAS} of the destination. A run with `manifests` stores those of its streams."
        )
    segments = {stream: layout.segments(stream) for stream in documents}
    return tables(dict(sorted(documents.items())), segments)


def _read(lake: Lake, path: str) -> _Document:
    with lake.opened(path) as file:
        content = file.read()
    try:
        return msgspec.json.decode(content, type=_Document)
    except msgspec.DecodeError as error:
        raise StoreError(f"{path} is damaged: {error}. Restore it, or remove it.") from error


def first_days(lake: Lake, known: dict[str, Table]) -> dict[str, str]:
    """Return the day from which on each stream has objects, where the day of loading is in their paths.

    The first path tells it, unless something else than the day comes before in it: then it is the day
    of the first SCHEMA.
    """
    oldest = min(found.modified for found in lake.found(catalog.SCHEMAS))
    days = {}
    for stream, table in known.items():
        if not table.dated:
            continue
        fixed: list[str] = []
        for segment in table.segments.all:
            if "{" in segment or "*" in segment:
                break
            fixed.append(segment)
        day = oldest.astimezone(timezone.utc).strftime("%Y-%m-%d")
        if "{" in table.segments.all[len(fixed)]:
            first = next(iter(lake.found("/".join([*fixed, ""]).lstrip("/"))), None)
            match = re.search(table.day_pattern, f"/{first.path}") if first else None
            day = match[1] if match else day
        days[stream] = day
    return days
