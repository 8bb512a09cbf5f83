"""A finished object to put, without a loop that fills it."""

from __future__ import annotations

import gzip
import hashlib
import io
from datetime import datetime, timezone

from target_s3_jsonl.batch import Sealed

PATH = "issues/load_date=2026-01-02/000000000000-00001-0123456789abcdef.jsonl.gz"


def sealed_object(content: bytes = b'{"id": 1}\n', level: int = 6, ticket: int = 1) -> Sealed:
    """Return lines as a sealed gzip object."""
    stored = gzip.compress(content, level, mtime=0)
    return Sealed(
        ticket=ticket,
        stream="issues",
        opened=datetime(2026, 1, 2, tzinfo=timezone.utc),
        file=io.BytesIO(stored),
        compression="gzip",
        rows=content.count(b"\n"),
        size=len(stored),
        sha256=hashlib.sha256(stored).digest(),
        reason="end",
    )
