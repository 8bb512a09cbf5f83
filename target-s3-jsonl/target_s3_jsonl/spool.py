"""The spool file of one object, compressed on the way in. The file opener is a parameter.

The spool has no name in any folder: the system frees it when the process ends, however it ends.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import tempfile
from typing import IO, TYPE_CHECKING

from target_s3_jsonl.compress import Compression, compressor
from target_s3_jsonl.errors import SpoolError

if TYPE_CHECKING:
    from collections.abc import Callable

# A compressor hands out a few KiB at a time: a larger buffer than Python's own saves system calls.
_BUFFER = 128 * 1024


def open_spool() -> IO[bytes]:
    """Open a nameless file in the folder for temporary files."""
    return tempfile.TemporaryFile(buffering=_BUFFER)


class SpoolWriter:
    """Lines in, a finished file out."""

    def __init__(
        self, compression: Compression, level: int, open_file: Callable[[], IO[bytes]]
    ) -> None:
        """Open the file.

        Raises:
            SpoolError: The local disk does not let us.
        """
        self.compression = compression
        self.size = 0
        self._sha256 = hashlib.sha256()
        self._compressor = compressor(compression, level)
        try:
            self.file = open_file()
        except OSError as error:
            raise _spool_error(error) from error

    def write(self, data: bytes) -> None:
        """Append uncompressed bytes."""
        self._store(self._compressor.compress(data))

    def finish(self) -> bytes:
        """Write what is still held back, go to the start of the file, and return the SHA-256 of what it holds."""
        self._store(self._compressor.flush())
        try:
            self.file.flush()
            self.file.seek(0)
        except OSError as error:
            raise _spool_error(error) from error
        return self._sha256.digest()

    def discard(self) -> None:
        """Close the file; bytes that a full disk no longer takes do not matter any more."""
        with contextlib.suppress(
            OSError
        ):  # closing flushes first; the descriptor is closed even if that fails
            self.file.close()

    def _store(self, data: bytes) -> None:
        if data:
            try:
                self.file.write(data)
            except OSError as error:
                raise _spool_error(error) from error
            self._sha256.update(data)
            self.size += len(data)


def _spool_error(error: OSError) -> SpoolError:
    if error.errno in {errno.EMFILE, errno.ENFILE}:
        return SpoolError(
            "Too many open files: each open object is one. Raise the limit (`ulimit -n`), "
            "or send fewer streams in one run."
        )
    return SpoolError(
        f"Cannot spool to the local disk ({tempfile.gettempdir()}): {error.strerror}. "
        "Free some space there, or set TMPDIR to a folder with room for every open object."
    )
