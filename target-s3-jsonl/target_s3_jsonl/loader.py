"""Lines to objects to acknowledgements: what the guarantees rest on, apart from pipes, signals and the SDK.

Objects are uploaded beside reading. An object is stored before its ticket is released, and a STATE is
printed only when the ledger hands it out, by the thread that feeds the loader. Nothing else in the
target prints a STATE.
"""

from __future__ import annotations

import dataclasses
import time
from collections import Counter
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from target_s3_jsonl import layout
from target_s3_jsonl.batch import Batches, Limits, Reason, Sealed, Slot
from target_s3_jsonl.chronicle import Chronicle
from target_s3_jsonl.compress import SUFFIXES
from target_s3_jsonl.errors import OutputError, TargetError
from target_s3_jsonl.facts import Facts, notes
from target_s3_jsonl.ledger import Ledger
from target_s3_jsonl.manifest import Run
from target_s3_jsonl.uploads import Upload, Uploads

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Iterable, Mapping

    from target_s3_jsonl.manifest import Ended
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
        wake: Callable[[], None] = lambda: None,
        monotonic: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        """Load into `store`; every STATE that is covered goes to `acknowledge`, in order.

        `wake` is called from another thread when `look` has something to do.
        """
        self.layout = layout.Layout(settings.path_template, SUFFIXES[settings.compression])
        self._uploads = Uploads(store, parallel=settings.max_parallel_uploads, wake=wake)
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
            most_open=settings.max_open_objects,
        )
        self._facts: dict[str, Facts] = {}
        self._first_state: bytes | None = None
        self._start: str | None = None
        self._sequences: Counter[tuple[str, bool]] = Counter()
        self._heard = True
        self._last_state: bytes | None = None
        self._chronicle = Chronicle(self._began) if settings.manifests else None
        self.totals: Counter[str] = Counter()
        self.reasons: Counter[Reason] = Counter()

    def add(
        self, stream: str, line: bytes, partition: tuple[str, ...] = (), *, rejected: bool = False
    ) -> None:
        """Take one line of a stream; `partition` as `layout` makes it. A line that is `rejected` goes apart."""
        if self._start is None:
            self._start = layout.start_of(self._first_state)
        slot = Slot(stream, partition, rejected)
        if sealed := self._batches.room(slot):
            self._put([sealed])
        if sealed := self._batches.add(slot, line):
            self._put([sealed])

    def state(self, value: bytes) -> None:
        """Take a STATE value; it is acknowledged as soon as everything before it is durable."""
        if self._start is None:
            self._first_state = value
        self._print(self._ledger.state(value))
        self._put(self._batches.at_state())

    def describe(self, stream: str, facts: Facts) -> None:
        """Note what holds for a stream from here on. Objects in which it does not hold are closed: each has one schema."""
        known = self._facts.get(stream)
        if known is not None and known.splits(facts):
            self._put(self._batches.close(stream, "schema"))
        self._facts[stream] = facts

    def seconds_left(self) -> float | None:
        """Return how long until `look` has to be called at the latest; None if nothing is open."""
        return self._batches.seconds_left()

    def look(self) -> None:
        """Acknowledge what has been stored meanwhile, and store the objects that have reached their age."""
        for upload in self._uploads.ready():
            self._settle(upload)
        self._put(self._batches.too_old())

    def store_all(self, reason: Reason) -> None:
        """Store every open object, and wait until all are stored."""
        self._put(self._batches.close_all(reason))
        while self._uploads:
            self._settle(self._uploads.wait())

    def tell(self, ended: Ended, rejects: Mapping[str, int], version: str) -> None:
        """Store the manifest of what was stored; see `chronicle`.

        Raises:
            StoreError: The store did not take it; all that was acknowledged is there.
        """
        if self._chronicle is None:
            return
        start = self._start or layout.start_of(self._first_state)
        state = None if self._last_state is None else layout.start_of(self._last_state)
        active = {stream: facts.active for stream, facts in self._facts.items() if facts.active}
        run = Run(start, state, ended, version)
        if place := self._chronicle.tell(run, active, rejects, self._uploads):
            self._logger.info("Manifest of this run: %s", place)

    def close(self) -> None:
        """Drop what is open, and let uploads finish that are under way after an error: what they cover is acknowledged."""
        self._batches.discard()
        while self._uploads:
            self._settle_after_all()
        self._uploads.close()
        if self._chronicle is not None:
            self._chronicle.close()

    def _settle_after_all(self) -> None:
        try:
            self._settle(self._uploads.wait())
        except TargetError as error:
            # The run has ended by an earlier error, which is the one to act on.
            self._logger.warning("Another upload failed, too: %s", error)

    def _put(self, objects: Iterable[Sealed]) -> None:
        for sealed in objects:
            try:
                while self._uploads.full:
                    self._settle(self._uploads.wait())
            except TargetError:
                sealed.file.close()
                raise
            self.reasons[sealed.reason] += 1
            facts = self._facts.get(sealed.stream)
            noted = dataclasses.replace(sealed, notes=notes(sealed, facts))
            path = self._path(sealed)
            if self._chronicle is not None:
                self._chronicle.add(path, noted, facts)
            self._uploads.start(path, noted)

    def _path(self, sealed: Sealed) -> str:
        self._sequences[sealed.stream, sealed.rejected] += 1
        start = self._start or layout.NO_START
        name = layout.object_name(
            start, self._sequences[sealed.stream, sealed.rejected], sealed.sha256
        )
        run = layout.run_name(self._began, start)
        return self.layout.path(
            stream=sealed.stream,
            opened=sealed.opened,
            name=name,
            run=run,
            partition=sealed.partition,
            rejected=sealed.rejected,
        )

    def _settle(self, upload: Upload) -> None:
        if self._chronicle is not None and self._chronicle.takes(upload):
            return
        sealed = upload.sealed
        sealed.file.close()
        created = upload.outcome.result()
        self._logger.info(
            "%s %s: %d rows, %d bytes, closed by %s",
            "Stored" if created else "Already there:",
            upload.path,
            sealed.rows,
            sealed.size,
            sealed.reason,
        )
        self.totals.update(objects=1, rows=sealed.rows, size=sealed.size)
        self._print(self._ledger.release(sealed.ticket))
        if self._chronicle is not None:
            self._chronicle.stored(sealed.ticket, self._uploads)

    def _print(self, value: bytes | None) -> None:
        if value is None or not self._heard:
            return
        try:
            self._acknowledge(value)
        except OutputError:
            self._heard = False
            raise
        self._last_state = value
        self.totals["states"] += 1
