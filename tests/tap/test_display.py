"""Where the progress is shown: drawn on a terminal, as lines in a log, and never on stdout."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import pty
import re
import struct
import subprocess
import termios
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from tap.command import COMMAND, SECONDS, environment, messages, run
from tap_jira_oauth.display import shown
from tap_jira_oauth.progress import Progress

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Configure
    from sandbox import Sandbox

ONE_BY_ONE = {"page_size": 5, "project_keys": ["OPS"], "max_concurrent_requests": 1}
SEARCH = "/rest/api/2/search"
ESCAPE = "\x1b["
ERASED = f"{ESCAPE}2K"
LOG_TIME = re.compile(r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d,")
"""How a line of the log begins; it must not begin behind the live line."""


class Terminal:
    """A pseudo-terminal of 40 lines, and what was written on it."""

    def __init__(self, columns: int) -> None:
        """Open it and begin to read."""
        self._master, self.slave = pty.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        self._written: list[bytes] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        while True:
            try:
                piece = os.read(self._master, 65536)
            except OSError:  # nobody has the other end any more
                return
            if not piece:
                return
            self._written.append(piece)

    def text(self) -> str:
        """Return all that was written, after the last writer has ended."""
        os.close(self.slave)
        self._reader.join(SECONDS)
        os.close(self._master)
        return b"".join(self._written).decode()


def on_terminal(
    folder: Path,
    config: dict[str, Any],
    *,
    stdout: bool = False,
    term: str = "xterm",
    columns: int = 160,
) -> tuple[int, bytes, str]:
    """Run the command with stderr, and perhaps stdout, on a terminal; return what came where."""
    (folder / "config.json").write_text(json.dumps(config))
    terminal = Terminal(columns)
    process = subprocess.run(
        [COMMAND, "--config", str(folder / "config.json")],
        stdout=terminal.slave if stdout else subprocess.PIPE,
        stderr=terminal.slave,
        cwd=folder,
        env={**environment(), "TERM": term, "COLUMNS": str(columns)},
        timeout=SECONDS,
        check=False,
    )
    return process.returncode, process.stdout, terminal.text()


def test_a_live_line_on_a_terminal_says_how_far_and_why_it_waits(
    connected_jira: Sandbox, configure: Configure, tmp_path: Path
) -> None:
    """Drawn anew while it waits for a rate limit; the messages and the log are whole beside it."""
    wait = {"Retry-After": "2"}
    connected_jira.fault(SEARCH, status=429, headers=wait, skip=3)
    status, output, seen = on_terminal(tmp_path, configure(**ONE_BY_ONE))
    assert status == 0, seen
    assert ESCAPE in seen
    assert f"OPS: 9 of {issues_of(connected_jira, 'OPS')} issues" in seen
    assert "left, up to 20" in seen
    assert re.search(r"waiting [123] s: HTTP 429", seen)
    assert "━" in seen
    kinds = [message["type"] for message in messages(output)]
    assert kinds.count("RECORD") == issues_of(connected_jira, "OPS")
    assert kinds[-1] == "STATE"
    assert "Signed in to Jira" in seen
    seen = seen.replace(f"{ESCAPE}?25l", "").replace(f"{ESCAPE}?25h", "")  # the cursor, to hide it
    before = [seen[: match.start()] for match in LOG_TIME.finditer(seen)]
    assert len(before) > 5
    assert all(not text or text.endswith(("\n", ERASED)) for text in before)


def test_no_line_is_drawn_into_a_pipe(
    connected_jira: Sandbox, configure: Configure, tmp_path: Path
) -> None:
    """As under Meltano, which captures the log; the summary is one line of JSON there."""
    connected_jira.fault(SEARCH, status=429, headers={"Retry-After": "1"}, skip=2)
    result = run(tmp_path, configure(**ONE_BY_ONE))
    assert result.status == 0, result.log
    assert ESCAPE not in result.log
    assert "━" not in result.log
    (said,) = [line for line in result.log.splitlines() if "OPS: " in line]
    assert "issues in" in said
    assert "read up to" in said, "a line is not broken at the width of a terminal"
    found = result.summary
    (project,) = found["projects"]
    assert project["project"] == "OPS"
    assert project["finished"]
    assert project["emitted"] == issues_of(connected_jira, "OPS") == found["emitted"]
    # Without the one by which the start learns how times are written.
    searches = sum(entry.path == SEARCH for entry in connected_jira.requests) - 1
    assert project["requests"] == searches
    assert (project["retries"], project["pages"]) == (1, searches - 1)
    assert 1 <= project["waited_seconds"] < 2
    partition = result.states[-1]["bookmarks"]["issues"]["partitions"][0]
    assert project["bookmark"] == partition["replication_key_value"]


@pytest.mark.parametrize(("stdout", "term"), [(True, "xterm"), (False, "dumb")])
def test_no_line_is_drawn_where_it_would_do_harm(
    configure: Configure, tmp_path: Path, *, stdout: bool, term: str
) -> None:
    """Among messages on the same terminal, or on one that cannot go back in a line."""
    status, _, seen = on_terminal(tmp_path, configure(), stdout=stdout, term=term, columns=60)
    assert status == 0, seen
    assert ESCAPE not in seen
    lines = [line for line in seen.splitlines() if " issues in " in line]
    assert len(lines) == 3
    assert all("read up to" in line for line in lines), "the log is as in a file"


def test_a_run_that_fails_says_what_it_had_done(
    connected_jira: Sandbox, configure: Configure, tmp_path: Path
) -> None:
    """The summary has the project that was not finished; the last line is the error's."""
    connected_jira.fault(SEARCH, shape="bad-request-cloud", skip=3)
    result = run(tmp_path, configure(**ONE_BY_ONE))
    assert result.status == 1
    (project,) = result.summary["projects"]
    assert not project["finished"]
    assert project["emitted"] == len(result.records) == 9
    assert "CRITICAL" in result.log.splitlines()[-1]


def test_the_log_gets_a_line_at_every_interval_also_while_nothing_comes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A long wait is not silent, and after the end nothing more is said."""
    progress = Progress(time.monotonic)
    with caplog.at_level(logging.INFO, "tap-jira-oauth"):
        with shown(progress, interval=0.01):
            progress.begin("OPS")
            progress.waits("HTTP 503", 600)
            deadline = time.monotonic() + SECONDS
            while len(caplog.messages) < 3 and time.monotonic() < deadline:
                time.sleep(0.01)
        said = list(caplog.messages)
        time.sleep(0.05)
    assert set(said[:-1]) == {"OPS: 0 issues; waiting 10 min: HTTP 503"}
    assert '"waited_seconds":600' in said[-1]
    assert caplog.messages == said


def issues_of(jira: Sandbox, project: str) -> int:
    """How many issues a project has."""
    return sum(issue["project"] == project for issue in jira.issues)
