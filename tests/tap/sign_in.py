"""Runs the real `jira-oauth` command; a small program stands in for the person's browser."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from tap.command import environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

COMMAND = str(Path(sys.executable).with_name("jira-oauth"))
SECONDS = 60.0

BROWSER = """#!/bin/sh
printf '%s' "$1" > "{folder}/opening" && mv "{folder}/opening" "{folder}/opened"
"""
"""Notes which page it was asked to open."""


@dataclass(frozen=True)
class Login:
    """A login that runs, with its browser's folder."""

    process: subprocess.Popen[str]
    folder: Path

    @property
    def page(self) -> str:
        """The page that was opened in the browser, as soon as it is."""
        opened = self.folder / "opened"
        until = time.monotonic() + SECONDS
        while not opened.exists():
            assert self.process.poll() is None, self.process.communicate()
            assert time.monotonic() < until
            time.sleep(0.02)
        return opened.read_text()

    def end(self) -> tuple[int, str, str]:
        """Wait for the end; return status, stdout and stderr."""
        output, log = self.process.communicate(timeout=SECONDS)
        return self.process.returncode, output, log


def run(
    folder: Path, *arguments: str, said: str = "", **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run the command to its end; `said` is what the person types."""
    return subprocess.run(
        [COMMAND, *arguments],
        cwd=folder,
        env=environment() | variables,
        input=said,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def login_by_code(
    folder: Path, answer: Callable[[str], str], *options: str, **variables: str
) -> tuple[int, str]:
    """Sign in without a browser; `answer` plays the person: it gets the request token and returns the code."""
    return login_by([COMMAND, "login"], folder, answer, *options, **variables)


def login_by(
    command: list[str],
    folder: Path,
    answer: Callable[[str], str],
    *options: str,
    **variables: str,
) -> tuple[int, str]:
    """The same, by whatever starts the command."""
    with subprocess.Popen(
        [*command, "--no-browser", *options],
        cwd=folder,
        env=environment() | variables,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        said = ""
        for line in process.stdout:
            said += line
            if "/authorize?" in line:
                token = parse_qs(urlsplit(line.strip()).query)["oauth_token"][0]
                output, _ = process.communicate(answer(token) + "\n", timeout=SECONDS)
                said += output
                break
        return process.wait(timeout=SECONDS), said


@contextmanager
def logging_in(folder: Path, *arguments: str) -> Iterator[Login]:
    """Start a login with a browser; it is killed at the latest at the end of the block."""
    browser = folder / "browser"
    browser.write_text(BROWSER.format(folder=folder))
    browser.chmod(0o755)
    with subprocess.Popen(
        [COMMAND, "login", *arguments],
        cwd=folder,
        env=environment() | {"BROWSER": os.fspath(browser)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Login(process, folder)
        finally:
            process.kill()
