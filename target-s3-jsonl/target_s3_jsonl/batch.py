"""Objects that are being filled: a spool file each, and when to close it. Clock and spool opener are parameters.

A line is compressed into the spool as it arrives, so memory does not grow with an object.

Limits are maxima. Rows are exact. Bytes are those written to the spool; the compressor may keep
back up to 128 KiB and the last record may cross the line, so an object can be larger by that much.
So that a repeated run makes the same objects, an object is also closed at a STATE if as many rows
(or bytes) as came since the STATE before would no longer fit. Open objects cost a file and some
memory each, so there are at most `most_open`: one more closes the one that was written to longest ago.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Literal, NamedTuple

from target_s3_jsonl.errors import SpoolError
from target_s3_jsonl.spool import SpoolWriter, open_spool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from target_s3_jsonl.compress import Compression

Reason = Literal["rows", "bytes", "age", "state", "schema", "open", "end", "signal", "error"]
"""Why an object was closed; `open`: too many were."""


@dataclass(frozen=True)
class Limits:
    """When an object is closed: rows, stored bytes, seconds since its first row, STATEs that had rows (0: any number)."""

    rows: int
    size: int
    age: int
    states: int = 0


class Slot(NamedTuple):
    """What an open object is for: a stream, and the values that name its folders; or what was sorted out of a stream."""

    stream: str
    partition: tuple[str, ...] = ()
    rejected: bool = False


@dataclass(frozen=True)
class Sealed:
    """A closed object, ready to be stored. `file` is its spool; whoever takes the object closes it.

    `sha256` (raw digest) is of the `size` bytes in it. They follow from the lines and the settings
    alone, so it names the content; a digest of the lines would cost a fifth of the whole target.
    """

    ticket: int
    stream: str
    opened: datetime
    file: IO[bytes]
    compression: Compression
    rows: int
    size: int
    sha256: bytes
    reason: Reason
    partition: tuple[str, ...] = ()
    rejected: bool = False
    first: bytes = b""
    last: bytes = b""
    """The first and the last line; empty in place of one above `LONGEST_KEPT`."""
    notes: Mapping[str, str] = field(default_factory=dict)
    """What a store that keeps metadata keeps with the object, beside the fields above."""


def sealed_document(writer: SpoolWriter, opened: datetime, rows: int) -> Sealed:
    """Finish a spool that belongs to no stream: a manifest, say. No ticket waits for it.

    Raises:
        SpoolError: The local disk is full.
    """
    sha256 = writer.finish()
    return Sealed(
        ticket=0,
        stream="",
        opened=opened,
        file=writer.file,
        compression=writer.compression,
        rows=rows,
        size=writer.size,
        sha256=sha256,
        reason="end",
    )


LONGEST_KEPT = 1024**2
"""Bytes of a line that an open object remembers: there may be a hundred of them at a time."""


def _kept(line: bytes) -> bytes:
    return line if len(line) <= LONGEST_KEPT else b""


@dataclass
class Stretch:
    """What a stream added since the last STATE."""

    rows: int = 0
    size: int = 0


class Batch:
    """One open object."""

    def __init__(
        self, ticket: int, slot: Slot, *, opened: datetime, started: float, writer: SpoolWriter
    ) -> None:
        """Open an object at `opened` (UTC, for its path) and `started` (monotonic seconds, for its age)."""
        self.ticket = ticket
        self.slot = slot
        self.started = started
        self.written = 0
        """When it was written to last, as a count of lines."""
        self.rows = 0
        self.states = 0
        self._opened = opened
        self._writer = writer
        self._first = b""
        self._last = b""

    @property
    def size(self) -> int:
        """Bytes in the spool so far."""
        return self._writer.size

    def add(self, line: bytes) -> int:
        """Write one line; return by how many bytes the spool grew."""
        before = self._writer.size
        self._writer.write(line)
        if self.rows == 0:
            self._first = _kept(line)
        self._last = _kept(line)
        self.rows += 1
        return self._writer.size - before

    def seal(self, reason: Reason) -> Sealed:
        """Finish the spool; no line can be added afterwards."""
        sha256 = self._writer.finish()
        return Sealed(
            ticket=self.ticket,
            **self.slot._asdict(),
            opened=self._opened,
            file=self._writer.file,
            compression=self._writer.compression,
            rows=self.rows,
            size=self._writer.size,
            sha256=sha256,
            reason=reason,
            first=self._first,
            last=self._last,
        )

    def discard(self) -> None:
        """Drop the spool. Its rows were never acknowledged, so the tap sends them again."""
        self._writer.discard()


@dataclass
class Batches:
    """The open objects, one per stream and partition, oldest first.

    `hold` hears the ticket of each object that is opened. `monotonic` gives seconds, `now` the UTC
    time.
    """

    limits: Limits
    compression: Compression
    level: int
    hold: Callable[[int], None]
    monotonic: Callable[[], float]
    now: Callable[[], datetime]
    most_open: int
    open_file: Callable[[], IO[bytes]] = open_spool
    _open: dict[Slot, Batch] = field(default_factory=dict)
    _since_state: dict[Slot, Stretch] = field(default_factory=dict)
    _tickets: int = 0
    _lines: int = 0

    def room(self, slot: Slot) -> Sealed | None:
        """Close the object that has rested longest if the slot's next line would open one too many."""
        if slot in self._open or len(self._open) < self.most_open:
            return None
        rested = min(self._open.values(), key=lambda batch: batch.written)
        # There may be a slot for each record, and no STATE for days.
        self._since_state.pop(rested.slot, None)
        return self._seal(rested.slot, "open")

    def add(self, slot: Slot, line: bytes) -> Sealed | None:
        """Write a line to the slot's object; return the object if the line filled it."""
        batch = self._open.get(slot)
        if batch is None:
            batch = self._begin(slot)
        self._lines += 1
        batch.written = self._lines
        try:
            grown = batch.add(line)
        except SpoolError:
            # Half a line may be in the spool: the object is lost, and its ticket stays held, so no STATE can cover it.
            self._open.pop(slot).discard()
            raise
        stretch = self._since_state.get(slot)
        if stretch is None:
            stretch = self._since_state[slot] = Stretch()
        stretch.rows += 1
        stretch.size += grown
        if batch.rows >= self.limits.rows:
            return self._seal(slot, "rows")
        if batch.size >= self.limits.size:
            return self._seal(slot, "bytes")
        return None

    def at_state(self) -> Iterator[Sealed]:
        """Close the objects that should end at the STATE that has just been read."""
        since, self._since_state = self._since_state, {}
        for slot, stretch in since.items():
            batch = self._open.get(slot)
            if batch is None:
                continue
            batch.states += 1
            if (
                batch.states == self.limits.states
                or batch.rows + stretch.rows > self.limits.rows
                or batch.size + stretch.size > self.limits.size
            ):
                yield self._seal(slot, "state")

    def seconds_left(self) -> float | None:
        """Return how long until the oldest object is too old: zero or less if it is, None if nothing is open."""
        oldest = next(iter(self._open.values()), None)
        return None if oldest is None else oldest.started + self.limits.age - self.monotonic()

    def too_old(self) -> Iterator[Sealed]:
        """Close the objects that have reached their age."""
        while (left := self.seconds_left()) is not None and left <= 0:
            slot = next(iter(self._open))
            self._since_state.pop(slot, None)
            yield self._seal(slot, "age")

    def close(self, stream: str, reason: Reason) -> Iterator[Sealed]:
        """Close a stream's objects, except those of what was sorted out."""
        for slot in [each for each in self._open if each.stream == stream and not each.rejected]:
            yield self._seal(slot, reason)

    def close_all(self, reason: Reason) -> Iterator[Sealed]:
        """Close every object, oldest first."""
        while self._open:
            yield self._seal(next(iter(self._open)), reason)

    def discard(self) -> None:
        """Drop every open object."""
        while self._open:
            self._open.popitem()[1].discard()

    def _begin(self, slot: Slot) -> Batch:
        writer = SpoolWriter(self.compression, self.level, self.open_file)
        self._tickets += 1
        batch = Batch(
            self._tickets, slot, opened=self.now(), started=self.monotonic(), writer=writer
        )
        self._open[slot] = batch
        self.hold(batch.ticket)
        return batch

    def _seal(self, slot: Slot, reason: Reason) -> Sealed:
        batch = self._open.pop(slot)
        try:
            return batch.seal(reason)
        except SpoolError:
            batch.discard()
            raise
