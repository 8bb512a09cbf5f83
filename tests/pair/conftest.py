"""Partners from the package index, each in an environment of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from documents import ROOT

Peer = Callable[[str], Path]
"""Returns the command of a plugin of the package index, by its name."""


@pytest.fixture(scope="session")
def peer() -> Peer:
    """Install a plugin once, into `.venv-peers`, from its own hash-locked requirements."""

    def command(name: str) -> Path:
        lock = ROOT / "tests" / "peers" / f"{name}.lock"
        venv = ROOT / ".venv-peers" / name
        stamp = venv / "made-from"
        if not (stamp.exists() and stamp.read_text() == lock.read_text()):
            uv = str(Path(sys.executable).with_name("uv"))
            for step in (
                ["venv", "--quiet", "--clear", "--python", sys.executable, str(venv)],
                [
                    "pip",
                    "install",
                    "--quiet",
                    "--python",
                    str(venv),
                    "--require-hashes",
                    "-r",
                    str(lock),
                ],
            ):
                subprocess.run([uv, *step], check=True)
            stamp.write_text(lock.read_text())
        return venv / "bin" / name

    return command
