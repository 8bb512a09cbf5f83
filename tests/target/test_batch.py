"""Objects that are being filled: what goes in comes out, and each limit closes."""

from __future__ import annotations

import gzip
import hashlib
import io
import tracemalloc
import zlib
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from target_s3_jsonl.batch import Batches, Limits, Sealed, Slot
from target_s3_jsonl.errors import SpoolError
from target_s3_jsonl.ledger import Ledger
from target_s3_jsonl.spool import SpoolWriter

if TYPE_CHECKING:
    from collections.abc import Iterable

    from target_s3_jsonl.compress import Compression

pytestmark = pytest.mark.any_version

_FULL = Path("/dev/full")
_NOW = datetime(2026, 1, 2, tzinfo=timezone.utc)


class Clock:
    """A clock that stands still until it is told to go on."""

    def __init__(self) -> None:
        """Start at zero."""
        self.seconds = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.seconds


def _batches(
    clock: Clock | None = None,
    compression: Compression = "gzip",
    limits: dict[str, int] | None = None,
) -> Batches:
    return Batches(
        Limits(**{"rows": 10**9, "size": 10**12, "age": 10**9, **(limits or {})}),
        compression=compression,
        level=6,
        hold=Ledger().hold,
        monotonic=clock or Clock(),
        now=lambda: _NOW,
        most_open=100,
        open_file=io.BytesIO,
    )


def _read(sealed: Sealed) -> bytes:
    stored = sealed.file.read()
    assert len(stored) == sealed.size
    assert hashlib.sha256(stored).digest() == sealed.sha256
    return gzip.decompress(stored) if sealed.compression == "gzip" else stored


def _feed(batches: Batches, script: str) -> list[tuple[str, int]]:
    """Feed `r` as a row and `s` as a STATE; return why objects closed and how many rows they had."""
    closed: list[Sealed] = []
    for letter in script:
        if letter == "s":
            closed += batches.at_state()
        elif sealed := batches.add(Slot("a"), b"{}\n"):
            closed.append(sealed)
    closed += batches.close_all("end")
    return [(each.reason, each.rows) for each in closed]


@pytest.mark.parametrize("level", [1, 3, 4, 9])
def test_every_level_of_gzip_reads_back(level: int) -> None:
    """Both libraries write gzip, without the time."""
    writer = SpoolWriter("gzip", level, io.BytesIO)
    writer.write(b"{}\n" * 1000)
    writer.finish()
    stored = writer.file.read()
    assert gzip.decompress(stored) == b"{}\n" * 1000
    assert stored[4:8] == b"\0\0\0\0"


def test_one_object_too_many_closes_the_one_that_rested_longest() -> None:
    """However many streams take turns, no more objects are open than allowed."""
    batches = _batches()
    batches.most_open = 3
    closed = []
    for stream in ["a", "b", "c", "a", "d", "e", "a"]:
        if sealed := batches.room(Slot(stream)):
            closed.append((sealed.stream, sealed.reason))
        batches.add(Slot(stream), b"{}\n")
    assert closed == [("b", "open"), ("c", "open")]
    assert sorted(each.stream for each in batches.close_all("end")) == ["a", "d", "e"]


def test_memory_does_not_grow_with_the_partitions_of_a_silent_tap() -> None:
    """A tap that prints no STATE may have a partition for each of its records."""
    batches = _batches(compression="none")
    batches.most_open = 3
    tracemalloc.start()
    try:
        for number in range(4000):
            slot = Slot("a", (str(number),))
            batches.room(slot)
            batches.add(slot, b"{}\n")
            if number == 1000:
                early = tracemalloc.get_traced_memory()[0]
        # Nobody releases tickets here: they take some 40 bytes each.
        assert tracemalloc.get_traced_memory()[0] < early + 300_000
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_lines_of_open_objects() -> None:
    """A hundred of them may be open, each after a line of megabytes; shorter ones are told as first and last."""
    batches = _batches()
    tracemalloc.start()
    try:
        for number in range(20):
            batches.add(Slot("a", (str(number),)), b" " * 2_000_000 + b"{}\n")
        assert tracemalloc.get_traced_memory()[0] < 20_000_000
    finally:
        tracemalloc.stop()
    batches.add(Slot("b"), b"1\n")
    batches.add(Slot("b"), b"2\n")
    batches.add(Slot("c"), b" " * 2_000_000 + b"\n")
    batches.add(Slot("c"), b"3\n")
    closed = {each.stream: (each.first, each.last) for each in batches.close_all("end")}
    assert closed == {"a": (b"", b""), "b": (b"1\n", b"2\n"), "c": (b"", b"3\n")}


@given(st.lists(st.binary(max_size=300)), st.sampled_from(["gzip", "none"]))
def test_lines_come_out_as_they_went_in(bodies: list[bytes], compression: Any) -> None:
    """Digest and size fit the bytes, and no byte is lost or added."""
    batches = _batches(compression=compression)
    lines = [body + b"\n" for body in bodies]
    for line in lines:
        assert batches.add(Slot("a"), line) is None
    sealed = list(batches.close_all("end"))
    assert [_read(each) for each in sealed] == ([b"".join(lines)] if lines else [])


def test_equal_lines_make_equal_bytes() -> None:
    """The gzip header holds no time and no name."""
    stored = []
    for _ in range(2):
        batches = _batches()
        batches.add(Slot("a"), b'{"x": 1}\n')
        stored += [each.file.read() for each in batches.close_all("end")]
    assert stored[0] == stored[1]
    assert stored[0][4:8] == b"\0\0\0\0"


@pytest.mark.parametrize(
    ("limits", "script", "closed"),
    [
        ({"rows": 3}, "rrrr", [("rows", 3), ("end", 1)]),
        ({"rows": 4}, "rrsrrsrr", [("rows", 4), ("end", 2)]),
        ({"rows": 5}, "rrsrrsrr", [("state", 4), ("end", 2)]),
        ({"rows": 100}, "r" * 80 + "s" + "r" * 80 + "s", [("state", 80), ("state", 80)]),
        ({"rows": 3}, "rrrrrsrrrrrs", [("rows", 3), ("state", 2), ("rows", 3), ("state", 2)]),
        ({"states": 1}, "rsrrssr", [("state", 1), ("state", 2), ("end", 1)]),
        ({"states": 2}, "rsssrsr", [("state", 2), ("end", 1)]),
        ({}, "ss", []),
    ],
)
def test_an_object_ends_at_a_limit_and_rather_at_a_state(
    limits: dict[str, int], script: str, closed: list[tuple[str, int]]
) -> None:
    """Limits are maxima; where the next stretch would not fit, the object ends at the STATE before it."""
    assert _feed(_batches(limits=limits), script) == closed


def test_an_object_ends_at_a_state_behind_which_the_next_bytes_would_not_fit() -> None:
    """As with rows; so a run that is repeated from there cuts its objects at the same places."""
    batches = _batches(compression="none", limits={"size": len(b"{}\n") * 5})
    assert _feed(batches, "rrsrrsrr") == [("state", 4), ("end", 2)]


@pytest.mark.parametrize("compression", ["gzip", "none"])
def test_bytes_are_counted_as_stored(compression: Compression) -> None:
    """An object is closed once its stored bytes reach the limit, give or take what the compressor keeps back."""
    batches = _batches(compression=compression, limits={"size": 500_000})
    rows = iter(
        hashlib.sha512(b"%d" % number).hexdigest().encode() + b"\n" for number in range(100_000)
    )
    sealed = next(filter(None, (batches.add(Slot("a"), row) for row in rows)))
    assert sealed.reason == "bytes"
    assert 500_000 <= sealed.size < 500_000 + 128 * 1024


def test_age_counts_from_an_objects_first_row() -> None:
    """Each object grows old by itself, the oldest first."""
    clock = Clock()
    batches = _batches(clock, limits={"age": 10})
    assert batches.seconds_left() is None
    batches.add(Slot("a"), b"{}\n")
    clock.seconds = 4
    batches.add(Slot("b"), b"{}\n")
    assert batches.seconds_left() == 6
    clock.seconds = 10
    assert [(each.stream, each.reason) for each in batches.too_old()] == [("a", "age")]
    assert batches.seconds_left() == 4
    clock.seconds = 20
    assert [each.stream for each in batches.too_old()] == ["b"]


def _tickets(closed: Iterable[Sealed]) -> list[int]:
    return [each.ticket for each in closed]


def _buffered() -> IO[bytes]:
    return io.BufferedRandom(io.FileIO(_FULL, "r+b"))


@pytest.mark.skipif(not _FULL.exists(), reason="needs a device that is always full")
def test_a_full_disk_is_one_clear_error_and_spares_the_other_objects() -> None:
    """The object whose spool failed is gone and never sealed; the others can still be stored."""
    batches = _batches(compression="none")
    batches.add(Slot("healthy"), b"{}\n")
    batches.open_file = partial(io.FileIO, _FULL, "r+b")
    with pytest.raises(SpoolError, match="No space left on device"):
        batches.add(Slot("full"), b"{}\n")
    assert _tickets(batches.close_all("error")) == [1]


@pytest.mark.skipif(not _FULL.exists(), reason="needs a device that is always full")
def test_a_disk_that_fills_at_the_last_byte_fails_the_object_too() -> None:
    """What the buffers held back is flushed before an object counts as sealed."""
    batches = _batches()
    batches.open_file = _buffered
    batches.add(Slot("a"), b"{}\n")
    with pytest.raises(SpoolError, match="TMPDIR"):
        list(batches.close("a", "end"))
    batches.discard()


def test_zlib_reads_what_was_written_as_one_member() -> None:
    """An object is a single gzip member, which every reader takes."""
    batches = _batches()
    for _ in range(10):
        batches.add(Slot("a"), b"{}\n")
    (sealed,) = batches.close_all("end")
    decompressor = zlib.decompressobj(31)
    assert decompressor.decompress(sealed.file.read()) == b"{}\n" * 10
    assert decompressor.eof
    assert decompressor.unused_data == b""
