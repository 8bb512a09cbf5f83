"""Put one finished object at its place, whole or not at all, and never over another one.

A name holds the digest of the content, so an object that is already there under that name is the
same one: storing it again succeeds without writing. Anything else under the name is a conflict and
stays as it is.
"""

from __future__ import annotations

import os
import re
import shutil
import uuid
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol
from urllib.parse import unquote, urlsplit

from target_s3_jsonl.contents import CHUNK, chunks_of, refuse_other_content
from target_s3_jsonl.errors import ConfigurationError, StoreError

if TYPE_CHECKING:
    from target_s3_jsonl.batch import Sealed
    from target_s3_jsonl.settings import Settings

_CLOUDS = ("gs", "gcs", "azure")
"""Schemes of smart-open whose stores show an object whole or not at all."""
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


class Store(Protocol):
    """A destination."""

    def put(self, path: str, sealed: Sealed) -> bool:
        """Make the object durable at `path`, relative to the destination.

        Returns whether it was written now; False if the same object was there already.

        Raises:
            StoreError: It is not there; the message says why and what to do.
        """


def open_store(settings: Settings, *, version: str) -> Store:
    """Return the store that `destination` names; no request is made yet.

    Raises:
        ConfigurationError: The destination is not one that this version can write.
    """
    folder = folder_of(settings.destination)
    if folder is not None:
        return FolderStore(folder)
    url = urlsplit(settings.destination)
    if url.scheme == "s3" and url.netloc and not url.query and not url.fragment:
        # boto3 takes a third of a second to load.
        from target_s3_jsonl.aws import s3_client  # noqa: PLC0415 - slow to import, and only S3 needs it
        from target_s3_jsonl.s3 import S3Store  # noqa: PLC0415 - slow to import, and only S3 needs it

        return S3Store(s3_client(settings, version), settings, version=version)
    if url.scheme in _CLOUDS and url.netloc and not url.query and not url.fragment:
        from target_s3_jsonl.url_store import UrlStore  # noqa: PLC0415 - loads the clouds' libraries

        return UrlStore(settings.destination)
    if url.scheme == "sftp" and url.hostname and not url.query and not url.fragment:
        return _sftp_store(settings.destination)
    known = ", ".join(f"{each}://" for each in (*_CLOUDS, "sftp"))
    raise ConfigurationError(
        f"destination {settings.destination!r} cannot be written: give s3://bucket/prefix, file:///folder, a folder, or one of {known}."
    )


def _sftp_store(destination: str) -> Store:
    try:
        from target_s3_jsonl.sftp_store import SftpStore  # noqa: PLC0415 - paramiko is not there without its extra
    except ImportError as error:
        raise ConfigurationError(
            f"destination {destination!r} needs {error.name}: install durable-target-s3-jsonl[sftp]."
        ) from error
    return SftpStore(destination)


def folder_of(destination: str) -> Path | None:
    """Return the folder that a destination names, None if it is no folder."""
    if _SCHEME.match(destination) is None:
        return Path(destination).expanduser()
    url = urlsplit(destination)
    if url.scheme == "file" and url.netloc in {"", "localhost"} and url.path:
        return Path(unquote(url.path))
    return None


class FolderStore:
    """Objects as files below a folder."""

    def __init__(self, root: Path) -> None:
        """Take the folder; it is made when the first object is stored."""
        self._root = root

    def put(self, path: str, sealed: Sealed) -> bool:
        """Write a hidden temporary file, sync it, give it its name unless that is taken, sync the folder."""
        place = self._root / path
        try:
            _make_folder(place.parent)
            created = _write_new(place, sealed.file)
            if not created:
                with place.open("rb") as file:
                    refuse_other_content(place, chunks_of(file), sealed)
            # Also for a file that was there: its run may have been killed between naming it and this.
            _sync_folder(place.parent)
        except OSError as error:
            raise StoreError(f"Cannot write {place}: {error.strerror or error}.") from error
        return created


def _write_new(place: Path, content: IO[bytes]) -> bool:
    """Write a file unless its name is taken; return whether it was free."""
    content.seek(0)
    temporary = place.parent / f".{uuid.uuid4().hex}.tmp"
    try:
        with temporary.open("xb") as file:
            shutil.copyfileobj(content, file, CHUNK)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(temporary, place)  # unlike a rename, it never replaces
        except FileExistsError:
            return False
    finally:
        temporary.unlink(missing_ok=True)
    return True


def _make_folder(folder: Path) -> None:
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for made in missing:
        _sync_folder(made.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
