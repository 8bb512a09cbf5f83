"""One stored object, read again: is it whole, and what is in it?

It is read in pieces and looked at line by line, so memory holds one record.
"""

from __future__ import annotations

import hashlib
import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Protocol

import msgspec

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_CHUNK = 128 * 1024  # unpacked, it may be a thousand times as much
_GZIP_WINDOW = 31
_members = msgspec.json.Decoder(dict[str, msgspec.Raw])

Hear = Callable[[bytes, "dict[str, msgspec.Raw]"], object]
"""Called with each line and its members."""


@dataclass
class Content:
    """What an object turned out to be. `fault` says what is wrong with its lines, None if nothing is."""

    size: int = 0
    sha256: str = ""
    rows: int = 0
    fault: str | None = None


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool:
        """Whether the end was reached."""

    def decompress(self, data: bytes, /) -> bytes:
        """Return what the next bytes give."""


class _Plain:
    eof = True

    @staticmethod
    def decompress(data: bytes, /) -> bytes:
        return data


def look(file: IO[bytes], path: str, hear: Hear) -> Content:
    """Read an object to its end.

    Raises what reading the file raises.
    """
    content = Content()
    digest = hashlib.sha256()
    lines = _Lines(hear)
    unpack = _decompressor(path)
    for chunk in iter(lambda: file.read(_CHUNK), b""):
        digest.update(chunk)
        content.size += len(chunk)
        if content.fault is None:
            try:
                lines.take(unpack.decompress(chunk))
            except (zlib.error, zstd.ZstdError, EOFError) as error:
                content.fault = f"it cannot be unpacked ({error})"
            except msgspec.DecodeError as error:
                content.fault = f"line {lines.rows + 1} is no JSON object ({error})"
    if content.fault is None:
        content.fault = lines.ending(cut_short=not unpack.eof)
    content.rows = lines.rows
    content.sha256 = digest.hexdigest()
    return content


class _Lines:
    """Unpacked bytes, line by line."""

    def __init__(self, hear: Hear) -> None:
        self.rows = 0
        self._hear = hear
        self._rest: list[bytes] = []

    def take(self, data: bytes) -> None:
        """Look at the lines that these bytes end."""
        first, *more = data.split(b"\n")
        self._rest.append(first)
        for following in more:
            self._look(b"".join(self._rest))
            self._rest = [following]

    def ending(self, *, cut_short: bool) -> str | None:
        """Return what is wrong with the end."""
        if cut_short:
            return "it is cut short"
        if any(self._rest):
            return "it does not end with a newline"
        return None if self.rows else "it is empty"

    def _look(self, line: bytes) -> None:
        members = _members.decode(line)
        self.rows += 1
        self._hear(line, members)


def _decompressor(path: str) -> _Decompressor:
    if path.endswith(".gz"):
        return zlib.decompressobj(_GZIP_WINDOW)
    return zstd.ZstdDecompressor() if path.endswith(".zst") else _Plain()
