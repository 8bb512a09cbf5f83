"""`./dev lock`: every version that the packages and their tests need, each pinned by hash."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import requires
from pathlib import Path

import pytest

from docs.scenes import published
from measured import unmeasured

pytestmark = pytest.mark.workspace

SECONDS = 240
PIN = re.compile(
    r"^(?P<name>[a-z0-9-]+)(?:\[[^\]]+\])?==[^\n]*(?: \\\n    --hash=sha256:[0-9a-f]{64})+\n",
    re.MULTILINE,
)
TOOLS = {"meltano", "mypy", "pytest", "ruff"}
PACKAGES = ("tap-jira-oauth", "durable-target-s3-jsonl", "meltano-state-backend-dynamodb")
UV = str(Path(sys.executable).with_name("uv"))


def needed(*packages: str) -> set[str]:
    """Return what packages say that they need, extras too."""
    lines = [line for package in packages for line in requires(package) or ()]
    return {re.split(r"[^\w.-]", line.lower())[0] for line in lines}


def test_a_lock_that_lacks_most_is_made_whole(tmp_path: Path) -> None:
    """By the command itself, in a clone: all that is declared, and what that needs; the file has no line more, no address either."""
    folder = published(tmp_path / "clone")
    lock = folder / "requirements.lock"
    builds = {"uv", "editables", "hatchling", *needed("hatchling")}
    pins = PIN.finditer(lock.read_text("utf-8"))
    lock.write_text("".join(pin.group() for pin in pins if pin["name"] in builds), "utf-8")
    dev = [sys.executable, "dev", "lock"]
    subprocess.run(dev, cwd=folder, env=unmeasured(), check=True, timeout=SECONDS)
    made = lock.read_text("utf-8")
    assert PIN.sub("", made) == ""
    assert TOOLS | needed(*PACKAGES) <= {pin["name"] for pin in PIN.finditer(made)}
    # Refuses what needs a package that is not in the file.
    check = [UV, "pip", "install", "--quiet", "--dry-run", "--require-hashes", "-r", str(lock)]
    subprocess.run([*check, "--python", str(folder / ".venv")], check=True, timeout=SECONDS)
