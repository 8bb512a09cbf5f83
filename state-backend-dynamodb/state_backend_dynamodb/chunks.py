"""A state as the pieces that items of DynamoDB can hold, and back. Pure.

An item takes 400 KB, names of attributes included (Amazon DynamoDB Developer Guide, "Quotas"). So a
state is compressed, and what is still too long is cut.
"""

from __future__ import annotations

import gzip
import json
import zlib
from typing import TYPE_CHECKING, Any

from state_backend_dynamodb.errors import UnreadableStateError

if TYPE_CHECKING:
    from collections.abc import Sequence

CHUNK_BYTES = 350_000
"""Leaves room for the keys of an item: a state id may be 1 KB."""

FORMAT = 1
"""Rises when a reader of the old form would misread the new one."""


def pack(document: dict[str, Any], chunk_bytes: int = CHUNK_BYTES) -> tuple[bytes, ...]:
    """Turn a JSON object into chunks; at least one."""
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    packed = gzip.compress(text.encode(), compresslevel=6, mtime=0)
    return tuple(packed[at : at + chunk_bytes] for at in range(0, len(packed), chunk_bytes))


def unpack(chunks: Sequence[bytes]) -> dict[str, Any]:
    """Return the JSON object; gzip's own checksum tells whether it is what was packed.

    Raises:
        UnreadableStateError: it is not.
    """
    try:
        return dict(json.loads(gzip.decompress(b"".join(chunks))))
    except (OSError, EOFError, TypeError, ValueError, zlib.error) as error:
        raise UnreadableStateError("its chunks are damaged") from error
