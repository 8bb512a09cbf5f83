"""Uploads beside reading: which are waited for, and what they cover."""

from __future__ import annotations

import io
import logging
import threading
from datetime import datetime, timezone

import pytest

from target_s3_jsonl.batch import Sealed
from target_s3_jsonl.errors import StoreError
from target_s3_jsonl.explain import PathsOnly
from target_s3_jsonl.loader import Loader
from target_s3_jsonl.settings import Settings
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


class _SlowFirst:
    """A store whose first object takes until `go`, and whose second is refused."""

    def __init__(self) -> None:
        self.go = threading.Event()

    def put(self, path: str, sealed: Sealed) -> bool:
        """Store nothing."""
        if sealed.ticket != 1:
            raise StoreError(f"{path} is refused.")
        assert self.go.wait(30)
        return True


def test_what_an_upload_covers_that_ends_after_another_has_failed_is_acknowledged() -> None:
    """The run ends by the error, and its rows that are stored all the same need not come again."""
    store = _SlowFirst()
    printed: list[bytes] = []
    settings = Settings.from_config({"batch_size_rows": 1, "manifests": False})
    loader = Loader(
        settings, store, acknowledge=printed.append, logger=logging.getLogger("of a test")
    )
    loader.add("a", b"{}\n")
    loader.state(b"1")
    loader.add("a", b"{}\n")
    loader.state(b"2")
    with pytest.raises(StoreError, match="is refused"):
        loader.store_all("end")
    assert printed == []
    store.go.set()
    loader.close()
    assert printed == [b"1"]
