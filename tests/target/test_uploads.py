"""Uploads beside reading: none is waited for that could not begin."""

from __future__ import annotations

import io
from datetime import datetime, timezone

import pytest

from target_s3_jsonl.batch import Sealed
from target_s3_jsonl.errors import StoreError
from target_s3_jsonl.explain import PathsOnly
from target_s3_jsonl.uploads import Uploads

pytestmark = pytest.mark.any_version


def test_an_upload_without_a_thread_is_an_error_and_not_waited_for() -> None:
    """A machine out of threads ends the run; waiting for what never began would not end."""
    uploads = Uploads(PathsOnly("lake", print), parallel=1, wake=lambda: None)
    uploads.close()  # no thread starts any more
    sealed = Sealed(
        ticket=1,
        stream="a",
        opened=datetime(2026, 1, 2, tzinfo=timezone.utc),
        file=io.BytesIO(b"{}\n"),
        compression="none",
        rows=1,
        size=3,
        sha256=b"",
        reason="end",
    )
    with pytest.raises(StoreError, match="thread"):
        uploads.start("a/1.jsonl", sealed)
    assert not uploads
    assert sealed.file.closed
