"""An SFTP server of another make, which knows no more than the protocol has: no request of OpenSSH's."""

from __future__ import annotations

import os
import socket
import threading
from typing import TYPE_CHECKING, Any

import paramiko
from paramiko.common import AUTH_SUCCESSFUL, OPEN_SUCCEEDED
from paramiko.sftp import SFTP_OK

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from typing_extensions import Self


class _Everybody(paramiko.ServerInterface):
    """Lets in whoever has a key."""

    def get_allowed_auths(self, username: str) -> str:
        """Name the one way in."""
        del username
        return "publickey"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        """Let in."""
        del username, key
        return AUTH_SUCCESSFUL

    def check_channel_request(self, kind: str, chanid: int) -> int:
        """Open a session."""
        del kind, chanid
        return OPEN_SUCCEEDED


class _Handle(paramiko.SFTPHandle):
    """An open file."""

    def stat(self) -> paramiko.SFTPAttributes | int:
        """Look."""
        return paramiko.SFTPAttributes.from_stat(os.fstat(self.readfile.fileno()))  # type: ignore[attr-defined]  # set where it is opened


class _Files(paramiko.SFTPServerInterface):
    """This machine's files; folders cannot be opened."""

    def stat(self, path: str) -> paramiko.SFTPAttributes | int:
        """Look."""
        try:
            return paramiko.SFTPAttributes.from_stat(os.stat(path))  # noqa: PTH116 - as the protocol has it
        except OSError as error:
            return _code(error)

    def open(self, path: str, flags: int, attr: paramiko.SFTPAttributes) -> Any:
        """Open."""
        del attr
        try:
            file = os.fdopen(os.open(path, flags, 0o666), "wb" if flags & os.O_WRONLY else "rb", 0)
        except OSError as error:
            return _code(error)
        handle = _Handle(flags)
        handle.filename = path  # type: ignore[attr-defined]  # as the base class wants it
        handle.readfile = handle.writefile = file  # type: ignore[attr-defined]  # as the base class wants them
        return handle

    def mkdir(self, path: str, attr: paramiko.SFTPAttributes) -> int:
        """Make a folder."""
        del attr
        return _done(os.mkdir, path)

    def remove(self, path: str) -> int:
        """Remove a file."""
        return _done(os.unlink, path)

    def rename(self, oldpath: str, newpath: str) -> int:
        """Give a file a name that is free."""
        return _done(os.link, oldpath, newpath) or _done(os.unlink, oldpath)


def _code(error: OSError) -> int:
    return paramiko.SFTPServer.convert_errno(error.errno or 0)


def _done(what: Any, *paths: str) -> int:
    try:
        what(*paths)
    except OSError as error:
        return _code(error)
    return SFTP_OK


class PlainSftp:
    """Context manager: the server runs inside the `with` block, in threads of this process."""

    def __init__(self, host_key: Path) -> None:
        """Take its private key."""
        self._key = paramiko.Ed25519Key.from_private_key_file(str(host_key))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._connections: list[paramiko.Transport] = []
        self._thread = threading.Thread(target=self._accept)
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        """Begin to accept."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End every connection."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        for each in self._connections:
            each.close()

    @property
    def known_host(self) -> str:
        """The line of `known_hosts`."""
        return f"[127.0.0.1]:{self.port} {self._key.get_name()} {self._key.get_base64()}\n"

    def _accept(self) -> None:
        while True:
            try:
                link, _ = self._listener.accept()
            except OSError:
                return
            transport = paramiko.Transport(link)
            transport.add_server_key(self._key)
            transport.set_subsystem_handler("sftp", paramiko.SFTPServer, _Files)
            transport.start_server(event=threading.Event(), server=_Everybody())
            self._connections.append(transport)
