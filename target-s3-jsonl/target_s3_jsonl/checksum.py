"""The checksum that travels with an object, and that the store verifies before it keeps the bytes. Pure."""

from __future__ import annotations

import base64
import hashlib
import zlib
from typing import IO, TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_CHUNK = 1024**2


class Checksum:
    """One of S3's algorithms; `of` gives its value in base64.

    MD5 is what servers verify that know none of the newer ones: it has been part of S3 from its beginning.
    """

    def __init__(self, algorithm: Literal["sha256", "crc32", "md5"]) -> None:
        """Take the name that the settings know."""
        self.algorithm = algorithm
        self.member = "ContentMD5" if algorithm == "md5" else f"Checksum{algorithm.upper()}"
        """The member of S3's requests that carries it."""

    @property
    def announced(self) -> Mapping[str, str]:
        """What has to be said of it before an upload in parts."""
        return {} if self.algorithm == "md5" else {"ChecksumAlgorithm": self.algorithm.upper()}

    def of(self, file: IO[bytes]) -> str:
        """Return the checksum of a whole file, and go back to its start."""
        file.seek(0)
        chunks = _chunks(file)
        value = _crc32(chunks) if self.algorithm == "crc32" else _hash(self.algorithm, chunks)
        file.seek(0)
        return self.spelled(value)

    @staticmethod
    def spelled(value: bytes) -> str:
        """Return a raw digest as S3 spells it."""
        return base64.b64encode(value).decode()


def _hash(algorithm: str, chunks: Iterator[bytes]) -> bytes:
    digest = hashlib.new(algorithm, usedforsecurity=False)
    for chunk in chunks:
        digest.update(chunk)
    return digest.digest()


def _crc32(chunks: Iterator[bytes]) -> bytes:
    value = 0
    for chunk in chunks:
        value = zlib.crc32(chunk, value)
    return value.to_bytes(4, "big")


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    return iter(lambda: file.read(_CHUNK) or b"", b"")
