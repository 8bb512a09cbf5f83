"""The checksum that travels with an object, and that the store verifies before it keeps the bytes. Pure."""

from __future__ import annotations

import base64
import hashlib
import zlib
from typing import IO, TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

_CHUNK = 1024**2


class Checksum:
    """One of S3's algorithms; `of` gives its value in base64."""

    def __init__(self, algorithm: Literal["sha256", "crc32"]) -> None:
        """Take the name that the settings know."""
        self.algorithm: Literal["SHA256", "CRC32"] = "SHA256" if algorithm == "sha256" else "CRC32"
        self.member = f"Checksum{self.algorithm}"
        """The member of S3's requests that carries it."""

    def of(self, file: IO[bytes]) -> str:
        """Return the checksum of a whole file, and go back to its start."""
        file.seek(0)
        value = _sha256(_chunks(file)) if self.algorithm == "SHA256" else _crc32(_chunks(file))
        file.seek(0)
        return self.spelled(value)

    @staticmethod
    def spelled(value: bytes) -> str:
        """Return a raw digest as S3 spells it."""
        return base64.b64encode(value).decode()


def _sha256(chunks: Iterator[bytes]) -> bytes:
    digest = hashlib.sha256()
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
