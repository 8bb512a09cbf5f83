"""Objects as files of an SSH server: `sftp://`.

smart-open makes no folders, shows a file while it is written, and replaces one that is there. So it
writes a hidden file beside the object's place, which gets its name when it is whole: by SFTP's own
rename, which fails where the name is taken.
"""

from __future__ import annotations

import logging
import posixpath
import shutil
import threading
import uuid
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import paramiko

from target_s3_jsonl.contents import CHUNK, is_whole, refuse_other_content
from target_s3_jsonl.errors import StoreError
from target_s3_jsonl.ssh_server import server_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from target_s3_jsonl.batch import Sealed

_AT_ONCE = 6
"""Uploads under way, each a session. OpenSSH allows ten on a connection, and one more is ours."""
_READS_AHEAD = 4 * 1024**2
_ERRORS = (OSError, EOFError, paramiko.SSHException, paramiko.SFTPError)

_logger = logging.getLogger(__name__)


class SftpStore:
    """A folder of an SSH server as a store."""

    def __init__(self, destination: str) -> None:
        """Write below a URL; nothing is connected yet.

        Raises:
            ConfigurationError: `~/.ssh/config` cannot be used.
        """
        url = urlsplit(destination)
        self._base = destination.rstrip("/")
        self._root = unquote(url.path).rstrip("/")
        self._server = server_of(url)
        self._turns = threading.BoundedSemaphore(_AT_ONCE)
        self._syncs = True

    def put(self, path: str, sealed: Sealed) -> bool:
        """Write a hidden file, sync it, read it back, and give it its name unless that is taken."""
        place = f"{self._root}/{path}"
        folder = posixpath.dirname(place)
        try:
            with self._turns:
                created = not self._is_there(place, sealed)
                if created:
                    self._make_folder(folder)
                    created = self._write_new(place, sealed)
                # Also for a file that was there: its run may have been killed between naming it and this.
                self._sync(folder, folder=True)
        except _ERRORS as error:
            reason = self._server.reason(error)
            raise StoreError(f"Cannot write {self._base}/{path}: {reason}") from error
        return created

    def _is_there(self, place: str, sealed: Sealed) -> bool:
        try:
            with self._server.opened(place, "rb") as file:
                refuse_other_content(self._url(place), _chunks_of(file), sealed)
        except FileNotFoundError:
            return False
        return True

    def _make_folder(self, folder: str) -> None:
        with self._server.client() as client:
            missing = []
            while not client.exists(folder):
                missing.append(folder)
                folder = posixpath.dirname(folder)
            for each in reversed(missing):
                client.make(each)
                # Before another upload can take the folder for one that stays.
                self._sync(posixpath.dirname(each), folder=True)

    def _write_new(self, place: str, sealed: Sealed) -> bool:
        """Write a file unless its name is taken; return whether it was free."""
        temporary = f"{posixpath.dirname(place)}/.{uuid.uuid4().hex}.tmp"
        try:
            with self._server.opened(temporary, "wb") as file:
                file.set_pipelined(True)  # each piece would wait for the answer to the one before
                sealed.file.seek(0)
                shutil.copyfileobj(sealed.file, file, CHUNK)
            self._sync(temporary)
            with self._server.opened(temporary, "rb") as file:
                if not is_whole(_chunks_of(file), sealed):
                    raise StoreError(
                        f"{self._url(place)} was written, but did not arrive whole; the server's disk or a quota may be full."
                    )
            try:
                with self._server.client() as client:
                    client.rename(temporary, place)  # unlike posix_rename, it never replaces
            except OSError:
                if not self._is_there(place, sealed):
                    raise
                return False
        finally:
            with suppress(*_ERRORS), self._server.client() as client:
                client.remove(temporary)
        return True

    def _sync(self, path: str, *, folder: bool = False) -> None:
        """Wait until it is on the server's disk, if the server can be asked for that."""
        with self._server.client() as client:
            if not self._syncs:
                return
            try:
                client.sync(path, folder=folder)
            except OSError as error:
                # paramiko keeps the words of the answer, not its number.
                if "support" not in str(error).lower():
                    raise
                self._syncs = False
                _logger.warning(
                    "%s cannot be asked to write to its disk (fsync@openssh.com): if it loses power, it may lose what this run has stored.",
                    self._server.address,
                )

    def _url(self, place: str) -> str:
        return self._base + place.removeprefix(self._root)


def _chunks_of(file: paramiko.SFTPFile) -> Iterator[bytes]:
    """Yield what a file has; the pieces of a chunk are asked for at once, or else each would wait for its answer."""
    size = file.stat().st_size or 0
    for start in range(0, size, _READS_AHEAD):
        yield from file.readv([(start, min(_READS_AHEAD, size - start))])
