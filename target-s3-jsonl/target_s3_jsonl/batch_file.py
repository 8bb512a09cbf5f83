"""The files that a BATCH message names, line by line: JSONL, plain or gzip, on this machine or wherever smart-open reads.

A file is read as a stream, so memory holds one record of it and what was read with it.
"""

from __future__ import annotations

import gzip
import re
import zlib
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast
from urllib.parse import unquote, urlsplit

from target_s3_jsonl.errors import ConfigurationError, MessageError, StoreError
from target_s3_jsonl.lines import Lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

_CHUNK = 1024**2
_COMPRESSIONS = {"gzip", "none"}
_SSH = {"sftp", "scp", "ssh"}
_SECRET = re.compile(r"(?<=://)[^/?#]*@|[?#].*", re.DOTALL)


def shown(url: str) -> str:
    """Return a URL without its password, and without its query, which may be a signature."""
    return _SECRET.sub("", url) if "://" in url else url


class BatchFiles:
    """Opens such files; `s3_client` makes the client for those in S3 when the first one is met."""

    def __init__(self, s3_client: Callable[[], Any]) -> None:
        """Open nothing yet."""
        self._make_client = s3_client
        self._client: Any = None

    def lines(self, url: str, compression: str) -> Iterator[bytes]:
        """Yield the lines of a file that are not empty, without their newlines.

        Raises:
            MessageError: It is not there, cannot be read, is cut short, or has a line longer than any may be.
            ConfigurationError: The settings make no client of S3.
            StoreError: An SSH server is not the one that `~/.ssh/known_hosts` knows.
        """
        if compression not in _COMPRESSIONS:
            raise MessageError(
                f"BATCH files compressed by {compression!r} cannot be read; gzip and none can."
            )
        try:
            with self._open(url) as file, _unpacked(file, compression) as content:
                for line in _lines(content):
                    if line := line.strip():
                        yield line
        except MessageError as error:
            raise MessageError(
                f"the BATCH file {shown(url)} cannot be read at its line {error.line}: {error.reason}"
            ) from error
        except (ConfigurationError, StoreError):
            raise
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise MessageError(f"the BATCH file {shown(url)} is damaged: {error}.") from error
        except Exception as error:  # each client library has errors of its own, with no common root
            why = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
            if shown(url) != url:
                why = type(error).__name__  # libraries tell the whole URL
            raise MessageError(f"the BATCH file {shown(url)} cannot be read: {why}.") from error

    def _open(self, url: str) -> AbstractContextManager[IO[bytes]]:
        parts = urlsplit(url)
        if parts.scheme in {"", "file"}:
            return Path(unquote(parts.path) if parts.scheme else url).open("rb")
        if parts.scheme in _SSH:
            from target_s3_jsonl.ssh_server import server_of  # noqa: PLC0415 - paramiko is not there without its extra

            server = server_of(parts)
            return cast(
                "AbstractContextManager[IO[bytes]]", server.opened(unquote(parts.path), "rb")
            )
        options: dict[str, Any] = {}
        if parts.scheme == "s3":
            self._client = self._client or self._make_client()
            options["client"] = self._client
        import smart_open  # noqa: PLC0415 - loads the clouds' libraries

        opened = smart_open.open(url, "rb", compression="disable", transport_params=options)
        return cast("IO[bytes]", opened)


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    lines = Lines()
    for piece in iter(lambda: file.read(_CHUNK), b""):
        yield from lines.cut(piece)
    yield lines.rest


def _unpacked(file: IO[bytes], compression: str) -> IO[bytes]:
    return cast("IO[bytes]", gzip.GzipFile(fileobj=file)) if compression == "gzip" else file
