"""Whether what lies under a name is the object that belongs there."""

from __future__ import annotations

import hashlib
from typing import IO, TYPE_CHECKING

from target_s3_jsonl.errors import ConflictError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from target_s3_jsonl.batch import Sealed

CHUNK = 1024**2


def chunks_of(file: IO[bytes]) -> Iterator[bytes]:
    """Yield what a file has from where it stands."""
    return iter(lambda: file.read(CHUNK), b"")


def is_whole(chunks: Iterable[bytes], sealed: Sealed) -> bool:
    """Tell whether these are the bytes of the object."""
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
    return digest.digest() == sealed.sha256


def refuse_other_content(place: object, chunks: Iterable[bytes], sealed: Sealed) -> None:
    """Look at the bytes that have the object's name.

    Raises:
        ConflictError: They are others.
    """
    if not is_whole(chunks, sealed):
        raise ConflictError(
            f"{place} exists with other content. It was left as it is; move it away and run again."
        )
