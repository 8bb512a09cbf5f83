"""`python -m sandbox` as Cloud, with nodes that lag and people who edit, and with pages made beforehand."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import requests

if TYPE_CHECKING:
    from collections.abc import Iterator

TIMEOUT = 10
TESTS = Path(__file__).parents[1]


@contextmanager
def started(folder: Path, *flags: str) -> Iterator[str]:
    """The command, serving 20 issues with these flags; yields what it printed."""
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--issues", "20", *flags]
    with subprocess.Popen(
        [*command, "--keys", str(folder / "keys")],
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        watchdog = threading.Timer(30, process.kill)
        watchdog.start()
        try:
            assert process.stdout is not None
            text = ""
            while "Ctrl-C" not in text:
                text += process.stdout.readline()
                assert text, "the command ended"
            yield text
        finally:
            watchdog.cancel()
            process.kill()


def test_the_command_serves_cloud_with_a_lag_and_a_life(tmp_path: Path) -> None:
    """`--cloud`, `--index-lag` and `--edits-per-second` do what the same options of `Sandbox` do."""
    flags = ["--cloud", "--index-lag", "0", "--index-lag", "2", "--edits-per-second", "20"]
    with started(tmp_path, *flags) as text:
        url = re.findall(r"api_url +(\S+)", text)[0]
        info = requests.get(url + "/rest/api/3/serverInfo", timeout=TIMEOUT).json()
        time.sleep(0.3)
        requests.get(url + "/rest/api/3/serverInfo", timeout=TIMEOUT)
        deeds = requests.get(url + "/_sandbox/life", timeout=TIMEOUT).json()
        log = requests.get(url + "/_sandbox/requests", timeout=TIMEOUT).json()
    assert info["deploymentType"] == "Cloud"
    assert {deed["action"] for deed in deeds} == {"edit"}
    assert [entry["node"] for entry in log] == ["sandbox-1", "sandbox-2"]


def test_the_command_renders_what_it_is_told_to_before_the_first_request(tmp_path: Path) -> None:
    """Each `--warm` renders every issue once; without it nothing is made before somebody asks."""
    with started(tmp_path, "--warm", "*all", "--warm", "updated,summary") as text:
        assert re.findall(r"rendered +(\d+) times", text) == ["40"]
    with started(tmp_path) as text:
        assert "rendered" not in text
