"""`python -m sandbox`, as a person starts it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import requests

TIMEOUT = 10
TESTS = Path(__file__).parents[1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_serves_until_it_is_told_to_stop(
    tmp_path: Path, number: signal.Signals
) -> None:
    """It prints the settings to copy, keeps the key to its owner, serves, and ends with 0 and no traceback."""
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--issues", "20", "--projects", "2"]
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    with subprocess.Popen(
        [*command, "--keys", str(tmp_path / "keys")],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        watchdog = threading.Timer(30, process.kill)
        watchdog.start()
        try:
            lines: list[str] = []
            while not lines or "Ctrl-C" not in lines[-1]:
                lines.append(process.stdout.readline())
                assert lines[-1], process.stderr.read()
            text = "".join(lines)
            url = re.findall(r"api_url +(\S+)", text)[0]
            info = requests.get(url + "/rest/api/2/serverInfo", timeout=TIMEOUT)
            token = re.findall(r"personal_token +(\S+)\n", text)[-1]
            bearer = {"Authorization": f"Bearer {token}"}
            me = requests.get(url + "/rest/api/2/myself", headers=bearer, timeout=TIMEOUT)
            process.send_signal(number)
            assert process.wait(timeout=TIMEOUT) == 0
            assert process.stderr.read() == ""
        finally:
            watchdog.cancel()
            process.kill()
    assert info.json()["baseUrl"] == url
    assert me.json()["name"] == "sandbox"
    key_file = Path(re.findall(r"private_key_file +(\S+)", text)[0])
    assert key_file.stat().st_mode & 0o777 == 0o600
    assert all(name in text for name in ("request-token", "authorize", "access-token", "_sandbox"))


def test_the_command_says_what_is_wrong(tmp_path: Path) -> None:
    """A folder without issues, or a port in use, is one line and status 1."""
    command = [sys.executable, "-m", "sandbox", "--folder", str(tmp_path)]
    done = subprocess.run(
        [*command, "--keys", str(tmp_path / "keys")],
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("sandbox: no issue with project and updated")
