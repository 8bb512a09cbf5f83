"""One SSH server as one user: files by smart-open, and what smart-open has no words for.

smart-open makes the connection, keeps it and signs in, by what `~/.ssh` has.
"""

from __future__ import annotations

import getpass
import socket
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote, unquote

import paramiko
import smart_open
from paramiko.config import SSH_PORT

from target_s3_jsonl.errors import ConfigurationError, StoreError
from target_s3_jsonl.sftp_refusal import reason
from target_s3_jsonl.ssh_connection import Client, Connection, channel

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from urllib.parse import SplitResult

_CONNECT_SECONDS = 30.0
_SILENCE_SECONDS = 300.0
"""How long an answer may take: the server may have to write to its disk first."""
_KEEPALIVE_SECONDS = 30
_PAUSES = (0.1, 0.3, 1.0, 3.0)
"""Waits for a session, since one that was closed counts until its process has ended."""


class Server:
    """A server; opening a file makes the connection if there is none, or none any more."""

    def __init__(self, user: str, host: str, port: int, options: Mapping[str, Any]) -> None:
        """Take what is known of it; nothing is connected yet."""
        self.user = user
        self.address = host if port == SSH_PORT else f"[{host}]:{port}"
        bracketed = f"[{host}]" if ":" in host else host
        self._url = f"sftp://{quote(user, safe='')}@{bracketed}:{port}"
        self._options = options
        self._transport: paramiko.Transport | None = None
        self._client: Client | None = None
        # smart-open loses a connection that two threads make at once, and a client of paramiko an answer
        # that two threads wait for.
        self._opening = threading.Lock()
        self._asking = threading.RLock()

    @contextmanager
    def opened(self, path: str, mode: str) -> Iterator[paramiko.SFTPFile]:
        """Open a file in a session of its own, which ends with it."""
        file = self._open_patiently(path, mode)
        try:
            with file:
                yield file
        finally:
            file.sftp.close()

    @contextmanager
    def client(self) -> Iterator[Client]:
        """Ask for other things than content, one thread at a time; a file was opened before."""
        with self._asking:
            if self._transport is None:
                raise self._unchecked()
            if self._client is None:
                self._client = cast("Client", Client.from_transport(self._transport))
                channel(self._client).settimeout(_SILENCE_SECONDS)
            yield self._client

    def reason(self, error: Exception) -> str:
        """Return what an error means, and what to do."""
        connected = None if self._transport is None else self._transport.is_active()
        return reason(error, address=self.address, user=self.user, connected=connected)

    def _open_patiently(self, path: str, mode: str) -> paramiko.SFTPFile:
        for pause in _PAUSES:
            with suppress(paramiko.ChannelException), self._opening:
                return self._open(path, mode)
            time.sleep(pause)
        with self._opening:
            return self._open(path, mode)

    def _open(self, path: str, mode: str) -> paramiko.SFTPFile:
        options = {**self._options, "transport_factory": self._connection}
        opened = smart_open.open(
            self._url + quote(path),
            mode,
            compression="disable",
            transport_params={"connect_kwargs": options},
        )
        file = cast("paramiko.SFTPFile", opened)
        session = channel(file.sftp)
        if session.get_transport() is not self._transport:
            file.close()
            raise self._unchecked()
        session.settimeout(_SILENCE_SECONDS)
        return file

    def _connection(self, link: socket.socket, **options: Any) -> paramiko.Transport:
        # Small requests would wait for the answers to those before them.
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        transport = Connection(link, **options)
        transport.address = self.address
        transport.set_keepalive(_KEEPALIVE_SECONDS)
        self._transport, self._client = transport, None
        return transport

    def _unchecked(self) -> StoreError:
        return StoreError(
            f"This process is connected to {self.address} already, by a connection whose host key nobody has checked."
        )


_SERVERS: dict[tuple[str, str, int], Server] = {}
"""One for each connection that smart-open keeps."""


def server_of(url: SplitResult) -> Server:
    """Return the server that a URL names, with what `~/.ssh/config` says of it.

    Raises:
        ConfigurationError: That file cannot be used.
    """
    file = Path("~/.ssh/config").expanduser()
    try:
        config = paramiko.SSHConfig.from_path(str(file)) if file.is_file() else paramiko.SSHConfig()
        found = config.lookup(url.hostname or "")
        port = url.port or int(found.get("port", SSH_PORT))
        options: dict[str, Any] = {
            "timeout": float(found.get("connecttimeout", _CONNECT_SECONDS)),
            "channel_timeout": _CONNECT_SECONDS,
            "key_filename": [
                each for each in found.get("identityfile", []) if Path(each).is_file()
            ],
        }
        if url.password is not None:  # of a BATCH file; in `destination` it is refused
            options["password"] = unquote(url.password)
    except (OSError, ValueError, paramiko.SSHException) as error:
        raise ConfigurationError(f"{file} cannot be used: {error}.") from error
    user = unquote(url.username or "") or found.get("user") or getpass.getuser()
    host = found["hostname"]
    return _SERVERS.setdefault((user, host, port), Server(user, host, port, options))
