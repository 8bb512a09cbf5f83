"""A state as the pieces that items of DynamoDB can hold, and back. Pure.

An item takes 400 KB, names of attributes included (Amazon DynamoDB Developer Guide, "Quotas"). So a
state is compressed, and what is still too long is cut.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from state_backend_dynamodb.errors import UnreadableStateError

if TYPE_CHECKING:
    from collections.abc import Sequence

CHUNK_BYTES = 350_000
"""Leaves room for the keys of an item: a state id may be 1 KB."""

FORMAT = 1
"""Rises when a reader of the old form would misread the new one."""


@dataclass(frozen=True)
class Packed:
    """A state ready to be stored."""

    chunks: tuple[bytes, ...]
    digest: str
    """SHA-256 of all chunks together."""


def pack(document: dict[str, Any], chunk_bytes: int = CHUNK_BYTES) -> Packed:
    """Turn a JSON object into chunks; at least one."""
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    packed = gzip.compress(text.encode(), compresslevel=6, mtime=0)
    chunks = [packed[at : at + chunk_bytes] for at in range(0, len(packed), chunk_bytes)]
    return Packed(tuple(chunks), _digest(packed))


def unpack(chunks: Sequence[bytes], digest: str) -> dict[str, Any]:
    """Return the JSON object.

    Raises:
        UnreadableStateError: these are not the chunks that the digest is of.
    """
    packed = b"".join(chunks)
    if _digest(packed) != digest:
        raise UnreadableStateError("its parts do not belong together, somebody has changed one")
    try:
        return dict(json.loads(gzip.decompress(packed)))
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise UnreadableStateError("it is no JSON in gzip") from error


def _digest(packed: bytes) -> str:
    return hashlib.sha256(packed).hexdigest()
