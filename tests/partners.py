"""Plugins of the package index, each in an environment of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from documents import ROOT


def installed(name: str, command: str = "") -> Path:
    """Return the command of a package, which may be called otherwise; installed once, into `.venv-peers`, from its hash-locked requirements."""
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
    return venv / "bin" / (command or name)
