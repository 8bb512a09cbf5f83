"""What paramiko lacks: a connection that looks whom it reaches, and a client that asks for the disk.

smart-open would take any host for the right one. A connection of this kind ends before anybody signs
in, unless `~/.ssh/known_hosts` has the host's key.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, cast

import paramiko
from paramiko.sftp import CMD_EXTENDED

from target_s3_jsonl.errors import StoreError

# It would lay tracebacks of its own beside the one line that ends a run.
logging.getLogger("paramiko").setLevel(logging.CRITICAL)


class Client(paramiko.SFTPClient):
    """paramiko's client, and a few words more. An empty path is the root."""

    def exists(self, path: str) -> bool:
        """Tell whether there is a file or a folder."""
        try:
            self.stat(path or "/")
        except FileNotFoundError:
            return False
        return True

    def make(self, folder: str) -> None:
        """Make a folder, unless another run is faster."""
        try:
            self.mkdir(folder)
        except OSError:
            if not self.exists(folder):
                raise

    def sync(self, path: str, *, folder: bool) -> None:
        """Have a file written to the server's disk; a folder, too, where the server opens folders."""
        try:
            file = self.open(path or "/")
        except OSError as error:
            if not folder or isinstance(error, TimeoutError) or channel(self).closed:
                raise
            return
        with file:
            # There is no public way to send a request that paramiko has no method for.
            self._request(CMD_EXTENDED, "fsync@openssh.com", file.handle)  # type: ignore[attr-defined]  # not in its stubs


class Connection(paramiko.Transport):
    """A connection to nobody but the host that it is meant for."""

    address: str

    def start_client(self, *args: Any, **options: Any) -> None:
        """Agree on keys, and look at the host's before it learns who is there.

        Raises:
            StoreError: The host is not known, or shows another key.
        """
        super().start_client(*args, **options)
        key = self.get_remote_server_key()
        file = Path("~/.ssh/known_hosts").expanduser()
        known = paramiko.HostKeys(str(file) if file.is_file() else None)
        if not known.check(self.address, key):
            self.close()
            raise StoreError(
                f"The host {self.address} shows a key ({key.get_name()}, {key.fingerprint}) that {file} does not have. "
                "Compare it with the server's own, then add it, as `ssh` does when it asks."
            )


def channel(client: paramiko.SFTPClient) -> paramiko.Channel:
    """Return what a client speaks through."""
    return cast("paramiko.Channel", client.get_channel())
