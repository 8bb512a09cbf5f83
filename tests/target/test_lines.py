"""Bytes cut into lines, and the end that a line without an end comes to."""

from __future__ import annotations

import gzip
import itertools
import tracemalloc
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from target.command import files, ids, record, run, schema, state
from target_s3_jsonl.batch_file import BatchFiles
from target_s3_jsonl.errors import MessageError
from target_s3_jsonl.lines import LONGEST, Lines

if TYPE_CHECKING:
    from pathlib import Path

_pieces = st.lists(st.lists(st.sampled_from([b"a", b"b", b"\n"]), max_size=4).map(b"".join))


@pytest.mark.any_version
@given(pieces=_pieces, longest=st.integers(4, 9))
def test_lines_are_those_of_the_whole_up_to_the_first_that_is_too_long(
    pieces: list[bytes], longest: int
) -> None:
    """However the bytes come; a line that is too long has its number, and all before it are out."""
    whole = b"".join(pieces).split(b"\n")
    sound = list(itertools.takewhile(lambda line: len(line) <= longest, whole))
    lines = Lines(longest)
    found: list[bytes] = []
    number = None
    try:
        for piece in pieces:
            found += lines.cut(piece)
        found.append(lines.rest)
    except MessageError as error:
        number = error.line
    assert found == sound
    assert number == (None if sound == whole else len(sound) + 1)


def _endless(place: Path, before: bytes) -> Path:
    """Make a file whose last line is four times too long; the zeros are on no disk."""
    with place.open("wb") as file:
        file.write(before)
        file.truncate(4 * LONGEST)
    return place


@pytest.mark.parametrize(
    "stream", [b"", b'{"type": "RECORD", "stream": "other", "record": {"id": "']
)
def test_a_line_without_an_end_ends_the_run_after_what_came_before_is_stored(
    tmp_path: Path, stream: bytes
) -> None:
    """A binary file, /dev/zero, a tap that never ends its line: not read until the memory is full."""
    before = [schema(), record(1), state(1), record(2), stream]
    place = _endless(tmp_path / "input", b"".join(before))
    code, states, log = run(tmp_path, {"destination": "lake"}, [], "--input", str(place))
    assert (code, states) == (1, [b'{"n": 1}'])
    assert ids(files(tmp_path / "lake")) == [1, 2]
    where = "line 5, stream 'other'" if stream else "line 5"
    assert f"Input {where}: the line is longer than 128 MiB" in log.splitlines()[-1]
    assert "Traceback" not in log


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_a_line_without_an_end_in_a_batch_file_ends_the_run_too(
    tmp_path: Path, compression: str
) -> None:
    """A file of some kilobytes may unpack to any length."""
    before = b'{"id": 1}\n'
    place = tmp_path / "sent"
    if compression == "none":
        _endless(place, before)
    else:
        zeros = gzip.compress(bytes(1024**2), mtime=0)
        place.write_bytes(gzip.compress(before) + zeros * (LONGEST // 1024**2 + 3))
    message = (
        b'{"type": "BATCH", "stream": "issues", "encoding": {"format": "jsonl", "compression": "%b"}, "manifest": ["%b"]}\n'
        % (compression.encode(), place.as_uri().encode())
    )
    code, states, log = run(
        tmp_path, {"destination": "lake"}, [schema(), state(0), message, state(1)]
    )
    assert (code, states) == (1, [b'{"n": 0}'])
    assert ids(files(tmp_path / "lake")) == [1]
    assert "Input line 3, stream 'issues': the BATCH file" in log.splitlines()[-1]
    assert "at its line 2: the line is longer than 128 MiB" in log
    assert "Traceback" not in log


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_memory_does_not_grow_with_a_batch_file(tmp_path: Path, compression: str) -> None:
    """Fifty megabytes, of which those that are packed are in a file of a few kilobytes."""
    megabyte = (b'{"id": 1, "text": "%b"}\n' % (b"x" * 1000)) * 1000
    packed = gzip.compress(megabyte, mtime=0) if compression == "gzip" else megabyte
    place = tmp_path / "sent"
    place.write_bytes(packed * 50)
    files_of_a_batch = BatchFiles(lambda: None)
    tracemalloc.start()
    rows = sum(1 for _ in files_of_a_batch.lines(place.as_uri(), compression))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert rows == 50_000
    assert peak < 8_000_000, peak
