"""Lines to objects to acknowledgements: what the guarantees rest on, apart from pipes, signals and the SDK.

An object is stored before its ticket is released, and a STATE is printed only when the ledger hands
it out. Nothing else in the target prints a STATE.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from target_s3_jsonl import layout
from target_s3_jsonl.batch import Batches, Limits, Reason, Sealed
from target_s3_jsonl.ledger import Ledger

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Iterable

    from target_s3_jsonl.settings import Settings
    from target_s3_jsonl.store import Store


def utc_now() -> datetime:
    """Return the time by which `load_date`, `load_time` and `run` are named."""
    return datetime.now(timezone.utc)


class Loader:
    """One run of the target, fed with lines and STATEs."""

    def __init__(  # noqa: PLR0913 - the seams
        self,
        settings: Settings,
        store: Store,
        *,
        acknowledge: Callable[[bytes], None],
        logger: logging.Logger,
        monotonic: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        """Load into `store`; every STATE that is covered goes to `acknowledge`, in order."""
        self._layout = layout.Layout(
            settings.path_template, ".gz" if settings.compression == "gzip" else ""
        )
        self._store = store
        self._acknowledge = acknowledge
        self._logger = logger
        self._ledger = Ledger()
        self._began = now()
        self._batches = Batches(
            Limits(
                rows=settings.batch_size_rows,
                size=settings.batch_size_bytes,
                age=settings.batch_age_seconds,
                states=settings.states_per_object,
            ),
            compression=settings.compression,
            level=settings.compression_level,
            hold=self._ledger.hold,
            monotonic=monotonic,
            now=now,
        )
        self._first_state: bytes | None = None
        self._start: str | None = None
        self._sequences: Counter[str] = Counter()
        self.totals: Counter[str] = Counter()

    def add(self, stream: str, line: bytes) -> None:
        """Take one line of a stream."""
        if self._start is None:
            self._start = layout.start_of(self._first_state)
        if sealed := self._batches.add(stream, line):
            self._put([sealed])

    def state(self, value: bytes) -> None:
        """Take a STATE value; it is acknowledged as soon as everything before it is durable."""
        if self._start is None:
            self._first_state = value
        self._print(self._ledger.state(value))
        self._put(self._batches.at_state())

    def schema_changed(self, stream: str) -> None:
        """Close the stream's object, so that each object has one schema."""
        if sealed := self._batches.close(stream, "schema"):
            self._put([sealed])

    def seconds_left(self) -> float | None:
        """Return how long until `store_old` has to be called; None if nothing is open."""
        return self._batches.seconds_left()

    def store_old(self) -> None:
        """Store the objects that have reached their age."""
        self._put(self._batches.too_old())

    def store_all(self, reason: Reason) -> None:
        """Store every open object."""
        self._put(self._batches.close_all(reason))

    def discard(self) -> None:
        """Drop what is not stored; none of it was acknowledged."""
        self._batches.discard()

    def _put(self, objects: Iterable[Sealed]) -> None:
        for sealed in objects:
            with contextlib.closing(sealed.file):
                self._sequences[sealed.stream] += 1
                start = self._start or layout.NO_START
                name = layout.object_name(
                    start, self._sequences[sealed.stream], sealed.content_sha256
                )
                run = layout.run_name(self._began, start)
                path = self._layout.path(
                    stream=sealed.stream, opened=sealed.opened, name=name, run=run
                )
                created = self._store.put(path, sealed)
            self._logger.info(
                "%s %s: %d rows, %d bytes, closed by %s",
                "Stored" if created else "Already there:",
                path,
                sealed.rows,
                sealed.size,
                sealed.reason,
            )
            self.totals.update(objects=1, rows=sealed.rows, size=sealed.size)
            self._print(self._ledger.release(sealed.ticket))

    def _print(self, value: bytes | None) -> None:
        if value is not None:
            self._acknowledge(value)
            self.totals["states"] += 1
