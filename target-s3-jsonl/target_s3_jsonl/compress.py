"""How objects are compressed: which library at which level, the suffix, the content type. Pure.

gzip up to level 3 is made by ISA-L, several times as fast as zlib, and from 4 on by zlib; the README
has the measurements. All of them write a header without name and time, so equal lines give equal
bytes. A zstd frame carries a checksum of its content, as gzip does.
"""

from __future__ import annotations

import sys
import zlib
from typing import Literal, Protocol, cast

from isal import isal_zlib

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


Compression = Literal["gzip", "zstd", "none"]
SUFFIXES: dict[Compression, str] = {"gzip": ".gz", "zstd": ".zst", "none": ""}
CONTENT_TYPES: dict[Compression, str] = {
    "gzip": "application/gzip",
    "zstd": "application/zstd",
    "none": "application/x-ndjson",
}
_GZIP_WINDOW = 31  # a window of 32 KiB, and the library's own gzip header
_ISAL_LEVELS = 3


class Compressor(Protocol):
    """Bytes in, fewer bytes out."""

    def compress(self, data: bytes, /) -> bytes:
        """Take some bytes; return what is ready."""

    def flush(self) -> bytes:
        """End; return the rest."""


class Plain:
    """No compression."""

    def compress(self, data: bytes, /) -> bytes:
        """Return the bytes as they are."""
        return data

    def flush(self) -> bytes:
        """Return nothing: nothing was kept back."""
        return b""


def compressor(compression: Compression, level: int) -> Compressor:
    """Return the compressor of one object; `level` is 1 (fast) to 9 (small)."""
    if compression == "none":
        return Plain()
    if compression == "zstd":
        options: dict[int, int] = {
            zstd.CompressionParameter.compression_level: level,
            zstd.CompressionParameter.checksum_flag: 1,
        }
        return cast("Compressor", zstd.ZstdCompressor(options=options))
    if level <= _ISAL_LEVELS:
        return cast("Compressor", isal_zlib.compressobj(level, isal_zlib.DEFLATED, _GZIP_WINDOW))
    return zlib.compressobj(level, zlib.DEFLATED, _GZIP_WINDOW)
