"""A real PostgreSQL for tests: one cluster in a folder of its own, on loopback, stopped and deleted at the end."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loopback import READY_SECONDS, free_port
from measured import unmeasured

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

USER = "lake"


def binaries() -> Path | None:
    """Return the folder of PostgreSQL's programs, the newest one's; Debian keeps them off the PATH."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    versions = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    return max((path.parent for path in versions), default=None, key=_version)


def _version(programs: Path) -> float:
    return float(programs.parent.name)


def _nobody() -> dict[str, Any]:
    """Return as whom the server runs: it refuses to be root."""
    if os.geteuid() != 0:
        return {}
    who = pwd.getpwnam("nobody")
    return {"user": who.pw_uid, "group": who.pw_gid, "extra_groups": []}


class Cluster:
    """Context manager: the server runs inside the `with` block; whoever is on this machine may sign in."""

    def __init__(self, programs: Path) -> None:
        """Choose a port; nothing is started yet."""
        self.port = free_port()
        self._programs = programs
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Make the cluster, start the server, and wait until it answers."""
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="postgres-")))
            as_whom = _nobody()
            if as_whom:
                os.chown(folder, as_whom["user"], as_whom["group"])
            data = ["-D", str(folder / "data")]
            options = ["-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
            subprocess.run(
                [str(self._programs / "initdb"), *data, *options],
                cwd=folder,
                env=unmeasured(),
                stdout=subprocess.DEVNULL,
                check=True,
                **as_whom,
            )
            settings = {
                "listen_addresses": "127.0.0.1",
                "port": self.port,
                "unix_socket_directories": "",
                "fsync": "off",
            }
            chosen = [part for item in settings.items() for part in ("-c", "{}={}".format(*item))]
            log = stack.enter_context((folder / "log").open("wb"))
            process = subprocess.Popen(
                [str(self._programs / "postgres"), *data, *chosen],
                cwd=folder,
                env=unmeasured(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                **as_whom,
            )
            stack.callback(process.wait)
            # At once: by SIGTERM it would wait for whoever is still connected.
            stack.callback(process.send_signal, signal.SIGQUIT)
            self._wait(process)
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
    def account(self) -> dict[str, Any]:
        """The settings that plugins of Meltano's have for it."""
        return {
            "host": "127.0.0.1",
            "port": self.port,
            "user": USER,
            "password": "not asked for",
            "database": "postgres",
        }

    def sql(self, text: str) -> str:
        """Run statements; return what the last one gives, a line for each row."""
        done = self._psql(text)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Return the rows of a table as PostgreSQL itself writes them as JSON; none if there is no table."""
        if not self.sql(f"SELECT to_regclass('{table}')").strip():
            return []
        text = self.sql(f"SELECT to_jsonb(kept) FROM {table} AS kept")  # noqa: S608 - a table of the test's own
        return [json.loads(line, parse_float=Decimal) for line in text.split("\n") if line]

    def _psql(self, text: str) -> subprocess.CompletedProcess[str]:
        where = f"postgresql://{USER}@127.0.0.1:{self.port}/postgres"
        return subprocess.run(
            [str(self._programs / "psql"), "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", where],
            input=text,
            env=unmeasured(),
            capture_output=True,
            encoding="utf-8",
            timeout=READY_SECONDS,
            check=False,
        )

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while self._psql("SELECT 1").returncode:
            if time.monotonic() > deadline or process.poll() is not None:
                raise RuntimeError("PostgreSQL did not start")
            time.sleep(0.05)
