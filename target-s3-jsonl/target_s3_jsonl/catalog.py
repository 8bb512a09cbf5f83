"""The lake's own notes, below `_catalog/`: one manifest per run, and each SCHEMA once. Their places, and how a SCHEMA is written. Pure.

No stream's folder begins with an underscore, so nobody who reads a stream meets them.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import msgspec

from target_s3_jsonl.layout import CATALOG, safe_segment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

RUNS = f"{CATALOG}/runs/"
SCHEMAS = f"{CATALOG}/schemas/"
_sorted = msgspec.json.Encoder(order="sorted", decimal_format="number")


def schema_document(
    stream: str, schema: Mapping[str, Any], keys: Sequence[str], bookmarks: Sequence[str]
) -> bytes:
    """Return what is kept of a SCHEMA message: one line of JSON, the same whatever the order of its members."""
    document = {
        "stream": stream,
        "schema": schema,
        "key_properties": list(keys),
        "bookmark_properties": list(bookmarks),
    }
    return _sorted.encode(document) + b"\n"


def schema_hash(document: bytes) -> str:
    """Return 12 hexadecimal digits that name a SCHEMA."""
    return hashlib.sha256(document).hexdigest()[:12]


def schema_path(stream: str, name: str) -> str:
    """Return the place of a SCHEMA below the destination; `name` is its hash."""
    return f"{SCHEMAS}{safe_segment(stream)}/{name}.json"


def manifest_path(start: str, sha256: bytes) -> str:
    """Return the place of a run's manifest: from which STATE the run began, and what the manifest holds.

    No time is in it, so a run that is repeated over unchanged data finds its manifest there.
    """
    return f"{RUNS}{start}-{sha256.hex()[:16]}.jsonl"
