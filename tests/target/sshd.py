"""A real OpenSSH server for tests: a process of its own on loopback, with a folder, keys and a log of its own."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loopback import READY_SECONDS, free_port
from measured import unmeasured

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

_CONFIG = """\
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/authorized_keys
PidFile none
StrictModes no
UsePAM yes
PasswordAuthentication no
KbdInteractiveAuthentication no
LogLevel VERBOSE
Subsystem sftp internal-sftp {sftp}
{more}
"""


def program() -> Path | None:
    """Return the server's program, which Debian keeps off the PATH of people."""
    found = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    return Path(found) if found else None


def _whom() -> pwd.struct_passwd:
    """Return as whom the server runs and lets people in: nobody in place of root, whom no folder stops."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())


class Sshd:
    """Context manager: the server runs inside the `with` block."""

    def __init__(
        self, sshd: Path, *, sftp: str = "", blocks: str = "unlimited", more: str = ""
    ) -> None:
        """Choose a port; `sftp` are options of its SFTP part, `blocks` how many a file may have, `more` a line of its configuration."""
        self.port = free_port()
        self.user = _whom().pw_name
        self._sshd = sshd
        self._sftp = sftp
        self._more = more
        self._limit = f'ulimit -f {blocks} && exec "$0" "$@"'
        self._stack = ExitStack()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Make the keys, start the server, and wait until it listens."""
        with ExitStack() as stack:
            self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sshd-")))
            self.lake = self.folder / "lake"
            self.lake.mkdir()
            for name in ("host_key", "client_key"):
                self.make_key(self.folder / name)
            (self.folder / "client_key.pub").rename(self.folder / "authorized_keys")
            config = _CONFIG.format(
                port=self.port, folder=self.folder, sftp=self._sftp, more=self._more
            )
            (self.folder / "config").write_text(config)
            for each in (self.folder, *self.folder.iterdir()):
                os.chown(each, _whom().pw_uid, _whom().pw_gid)
            stack.callback(self.stop)
            self.start()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the server and delete its folder."""
        self._stack.close()

    @property
    def destination(self) -> str:
        """Where the target is to write."""
        return f"sftp://{self.user}@127.0.0.1:{self.port}{self.lake}/jira"

    @staticmethod
    def make_key(place: Path) -> None:
        """Make a key pair."""
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(place)],  # noqa: S607 - beside the server
            check=True,
        )

    def welcome(self, home: Path) -> Path:
        """Write into a home what it takes to sign in, and return its `.ssh`."""
        folder = home / ".ssh"
        folder.mkdir(mode=0o700)
        shutil.copy(self.folder / "client_key", folder / "id_ed25519")
        kind, key = (self.folder / "host_key.pub").read_text().split()[:2]
        (folder / "known_hosts").write_text(f"[127.0.0.1]:{self.port} {kind} {key}\n")
        return folder

    def start(self) -> None:
        """Start the server, for the first time or again."""
        options: dict[str, Any] = {}
        if os.geteuid() == 0:
            who = _whom()
            options = {"user": who.pw_uid, "group": who.pw_gid, "extra_groups": []}
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    "/bin/sh",
                    "-c",
                    self._limit,
                    str(self._sshd),
                    "-D",
                    "-e",
                    "-f",
                    str(self.folder / "config"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=unmeasured(),
                restore_signals=False,  # a file that may not grow is an error then, not the end of the process
                **options,
            )
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            time.sleep(0.05)
        raise RuntimeError(f"sshd did not start: {self.log()}")

    def stop(self) -> None:
        """Kill the server, and each connection's process."""
        if self._process is None:
            return
        self.signal(signal.SIGKILL)
        self._process.kill()
        self._process.wait()
        self._process = None

    def signal(self, signum: signal.Signals) -> None:
        """Signal the process of each connection."""
        assert self._process is not None
        for pid in _below(self._process.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signum)

    def log(self) -> str:
        """Return what the server logged."""
        return (self.folder / "log").read_text(errors="replace")


def _below(pid: int) -> list[int]:
    """Return the children of a process, and theirs."""
    parents: dict[int, int] = {}
    for each in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = each.read_text(errors="replace").rpartition(")")[2].split()
            parents[int(each.parent.name)] = int(fields[1])
    found = [pid]
    for above in found:
        found += [child for child, parent in parents.items() if parent == above]
    return found[1:]
