"""Plugins and servers of the package index, each in an environment of its own."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from pathlib import Path

from documents import ROOT


def installed(name: str, command: str = "") -> Path:
    """Return the command of a package, of its name unless said otherwise; installed once, into `.venv-peers`, from its hash-locked requirements."""
    folder = ROOT / ".venv-peers"
    folder.mkdir(exist_ok=True)
    # Tests of several processes may ask for it at once.
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _installed(name) / (command or name)


def _installed(name: str) -> Path:
    lock = ROOT / "tests" / "peers" / f"{name}.lock"
    venv = ROOT / ".venv-peers" / name
    stamp = venv / "made-from"
    if not (stamp.exists() and stamp.read_text() == lock.read_text()):
        uv = str(Path(sys.executable).with_name("uv"))
        python = ["--quiet", "--python", str(venv)]
        for step in (
            ["venv", "--quiet", "--clear", "--python", sys.executable, str(venv)],
            ["pip", "install", *python, "--require-hashes", "-r", str(lock)],
        ):
            subprocess.run([uv, *step], check=True)
        stamp.write_text(lock.read_text())
    return venv / "bin"
