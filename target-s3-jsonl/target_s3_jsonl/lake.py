"""Reading what was stored: lists of objects and their bytes, from a bucket or a folder.

Loading needs none of this, and no right to read. `ddl` and `verify` do.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from target_s3_jsonl.errors import ConfigurationError, StoreError
from target_s3_jsonl.store import folder_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from target_s3_jsonl.settings import Settings


@dataclass(frozen=True)
class Found:
    """An object below the destination. `modified` is in UTC."""

    path: str
    size: int
    modified: datetime


class Lake(Protocol):
    """A destination that can be read. Paths are relative to it."""

    def found(self, prefix: str = "") -> Iterator[Found]:
        """Yield every object whose path begins with `prefix`, which is empty or ends in a slash, in the order of the paths.

        Raises:
            StoreError: The destination cannot be listed.
        """

    def opened(self, path: str) -> AbstractContextManager[IO[bytes]]:
        """Open an object.

        Raises:
            StoreError: It is not there, or cannot be read, now or while it is read.
        """


def open_lake(settings: Settings, *, version: str) -> Lake:
    """Return the lake that `destination` names.

    Raises:
        ConfigurationError: It is neither a folder nor on S3.
    """
    folder = folder_of(settings.destination)
    if folder is not None:
        return FolderLake(folder)
    if urlsplit(settings.destination).scheme == "s3":
        from target_s3_jsonl.aws import s3_client  # noqa: PLC0415 - boto3 takes a while to load
        from target_s3_jsonl.s3_lake import S3Lake  # noqa: PLC0415 - boto3 takes a while to load

        return S3Lake(s3_client(settings, version), settings.destination)
    raise ConfigurationError(
        f"destination {settings.destination!r} can be written, but not looked into: only S3 and folders can."
    )


class FolderLake:
    """A folder."""

    def __init__(self, root: Path) -> None:
        """Take the folder; one that is not there is empty."""
        self._root = root

    def found(self, prefix: str = "") -> Iterator[Found]:
        """Walk through the folder, one of its folders at a time; hidden files are not objects."""
        try:
            for place in self._files(self._root / prefix):
                facts = place.stat()
                modified = datetime.fromtimestamp(facts.st_mtime, timezone.utc)
                path = place.relative_to(self._root).as_posix()
                yield Found(path, facts.st_size, modified)
        except OSError as error:
            raise StoreError(
                f"Cannot look into {error.filename}: {error.strerror or error}."
            ) from error

    def _files(self, folder: Path) -> Iterator[Path]:
        if not folder.is_dir():
            return
        for entry in sorted(os.scandir(folder), key=lambda each: each.name):
            if entry.is_dir():
                yield from self._files(Path(entry.path))
            elif not entry.name.startswith("."):
                yield Path(entry.path)

    @contextmanager
    def opened(self, path: str) -> Iterator[IO[bytes]]:
        """Open a file."""
        try:
            with (self._root / path).open("rb") as file:
                yield file
        except OSError as error:
            raise StoreError(
                f"Cannot read {self._root / path}: {error.strerror or error}."
            ) from error
