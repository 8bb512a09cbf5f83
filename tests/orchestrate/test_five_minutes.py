"""The five minutes of the page as they stand: a Jira, `airflow standalone`, and the run that begins by itself."""

from __future__ import annotations

import json
import re
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
import requests

from docs import pages
from docs.scenes import published
from loopback import free_port
from measured import unmeasured
from orchestrate.conftest import BIN
from orchestrate.terminal import terminal

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

pytestmark = [
    pytest.mark.workspace,
    pytest.mark.skipif(sys.platform != "linux", reason="a session is looked up in /proc"),
]

SECONDS = 180
SETTINGS = ("AIRFLOW_", "AWS_", "MELTANO_", "SHARD", "TAP_", "TARGET_")
PARTS = ("metadatabase", "scheduler", "triggerer", "dag_processor")


def step(beginning: str) -> str:
    """Return the first block of the page that has a line which begins so."""
    return next(
        block.code
        for block in pages.blocks("orchestrate/README.md")
        if not block.language and re.search(rf"(?m)^{re.escape(beginning)}", block.code)
    )


class Person:
    """Who types the commands of the page in a clone, in one terminal after the other."""

    def __init__(self, folder: Path) -> None:
        """Clone; nothing runs yet."""
        self.folder = published(folder / "clone")
        (self.folder / ".venv").symlink_to(BIN.parent)
        self.airflow = f"http://127.0.0.1:{free_port()}"
        lock = "tests/peers/airflow.lock"
        self._names = {
            "./dev sandbox": f"PYTHONPATH=tests {BIN}/python -m sandbox",
            "8090": str(free_port()),
            # What the page asks for, in the versions of the lock, and sooner.
            "pip install ": f"{BIN}/uv pip install --quiet --python .venv-airflow/bin/python --constraint {lock} ",
            "SHARDS=6": "SHARDS=2",
        }

    def here(self, commands: str) -> str:
        """Return commands with what stands for the names and numbers of the page."""
        for name, stand_in in self._names.items():
            commands = commands.replace(name, stand_in)
        return commands

    def log(self, name: str) -> str:
        """Return what a terminal shows."""
        return (self.folder.parent / name).read_text("utf-8", "replace")

    def terminal(self, name: str, commands: str) -> AbstractContextManager[subprocess.Popen[bytes]]:
        """Run commands in the clone beside the block."""
        log = self.folder.parent / name
        return terminal(self.here(commands), self.folder, self._environment(), log)

    def shown(self, name: str, commands: str) -> str:
        """Run commands in the clone to their end; return what they show."""
        with self.terminal(name, commands) as process:
            assert process.wait(SECONDS) == 0, self.log(name)
        return self.log(name)

    def _environment(self) -> Mapping[str, str]:
        kept = {name: it for name, it in unmeasured().items() if not name.startswith(SETTINGS)}
        return kept | {
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": self.airflow.rpartition(":")[2],
            "AIRFLOW__API__BASE_URL": self.airflow,
            "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(free_port()),
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "false",
            "MELTANO_CLI_DISABLE_VERSION_CHECK": "1",
            "NO_PROXY": "127.0.0.1",
        }


def health(url: str) -> dict[str, Any]:
    """Return how Airflow's parts are, nothing while it does not answer."""
    with suppress(requests.ConnectionError):
        answer = requests.get(f"{url}/api/v2/monitor/health", timeout=10)
        parts: dict[str, Any] = answer.json()
        return {part: parts[part]["status"] for part in PARTS}
    return {}


def test_airflow_reads_all_of_jira_within_five_minutes(tmp_path: Path) -> None:
    """By the page's own commands, with the variables by which its measurement is done again: one object says that all is there."""
    person = Person(tmp_path)
    start = step("airflow standalone")
    again = step("export SHARDS=6")
    before, _, _ = start.partition("airflow standalone")
    mine = [
        line for line in before.splitlines() if line.startswith(("export PATH", "export AIRFLOW"))
    ]
    unpause = "\n".join([*mine, step("airflow dags unpause")])
    loads = person.folder / "output" / "_catalog" / "loads"
    end = time.monotonic() + SECONDS
    with (
        person.terminal("jira", step("./dev sandbox --port 8090")),
        person.terminal(
            "airflow", start.replace("airflow standalone", f"{again}airflow standalone")
        ) as airflow,
    ):
        while set(health(person.airflow).values()) != {"healthy"}:
            assert airflow.poll() is None, person.log("airflow")
            assert time.monotonic() < end, person.log("airflow")
            time.sleep(0.5)
        # Until Airflow has found the DAG, there is none to be unpaused.
        while "jira_shards" not in person.shown("third", unpause):
            assert time.monotonic() < end, person.log("airflow")
        while not (told := [*loads.glob("scheduled__*/*.json")]):
            assert time.monotonic() < end, person.log("airflow")
            time.sleep(0.5)
    (one,) = told
    said = json.loads(one.read_text("utf-8"))
    assert one.name.startswith("complete-")
    assert (said["complete"], said["rows"], said["shards"]) == (True, 250, 2)
    assert "Airflow is ready" in person.log("airflow")
