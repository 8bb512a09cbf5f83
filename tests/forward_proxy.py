"""A real forwarding proxy in a process of its own: CONNECT, plain requests, and a password."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

COMMAND = str(Path(sys.executable).with_name("proxy"))
SECONDS = 20


class ForwardProxy:
    """Runs for a `with` block; what passed stands in its log when the block has ended, and before."""

    def __init__(self, folder: Path, sign_in: str | None = None) -> None:
        """`sign_in` is `user:password`, demanded of everybody."""
        self._log = folder / "proxy.log"
        self._port_file = folder / "proxy.port"
        self._sign_in = sign_in
        self._options = ["--data-dir", str(folder / "proxy"), "--threaded", "--log-level", "i"]

    def __enter__(self) -> Self:
        """Start on a free port."""
        known = ["--basic-auth", self._sign_in] if self._sign_in else []
        command = [COMMAND, "--hostname", "127.0.0.1", "--port", "0", "--num-workers", "1"]
        command += ["--num-acceptors", "1", "--port-file", str(self._port_file)]
        self._process = subprocess.Popen(
            [*command, "--log-file", str(self._log), *self._options, *known],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until = time.monotonic() + SECONDS
        while not (self._port_file.exists() and self._port_file.read_text().strip()):
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError("the proxy did not start")
            time.sleep(0.05)
        self.port = int(self._port_file.read_text().split()[0])
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop."""
        self._process.terminate()
        self._process.communicate(timeout=SECONDS)

    @property
    def url(self) -> str:
        """Its address, with the password where it has one."""
        known = f"{self._sign_in}@" if self._sign_in else ""
        return f"http://{known}127.0.0.1:{self.port}"

    def passed(self, text: str) -> bool:
        """Tell whether the log has a line with this text, soon."""
        until = time.monotonic() + 3
        while text not in self._log.read_text():
            if time.monotonic() > until:
                return False
            time.sleep(0.05)
        return True
