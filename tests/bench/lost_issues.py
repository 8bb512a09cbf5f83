"""How many issues a tap loses while people edit: `./dev bench lost_issues`.

A first run reads a sandbox Jira of 500 issues in pages of 50, while the issue that was changed longest ago is edited before
each page but the first: always one that has been read. A second run reads on from the state, while nobody edits. Then the
issues whose newest version never came are counted, for this tap and for PyPI's tap-jira; and both again without any edit.
In a third measurement the first run is killed at its sixth search, and 40 issues that it has printed are edited; two quiet
runs go on from its last STATE.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

import partners
from sandbox import Corpus, Sandbox
from tls import make_certificate, tls_front

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox.journal import LogEntry

PROGRAM: Final = """
import certifi
certifi.where = lambda: "certificate.pem"
import tap_jira
tap_jira.main()
"""
"""Starts tap-jira so that it can read the sandbox: its certificate is trusted, for which there is no setting."""

ISSUES: Final = 500
PAGE: Final = 50
SEED: Final = 7
SECONDS: Final = 300
EDITED: Final = 40
KILLED_AT: Final = 6
START: Final = "2000-01-01T00:00:00Z"


@dataclass(frozen=True)
class Reader:
    """A tap's command and settings, and how its commands are told which streams to read."""

    command: list[str]
    config: dict[str, Any]
    catalog: Callable[[dict[str, Any]], list[str]] | None = None


def ours(jira: Sandbox, _https: str) -> Reader:
    """This repository's tap, with a personal access token."""
    return Reader(
        [str(Path(sys.executable).with_name("tap-jira-oauth"))],
        {
            "api_url": jira.url,
            "auth_method": "personal_token",
            "personal_token": "sandbox-token",
            "page_size": PAGE,
            "pages_per_state": 1,
        },
    )


def theirs(_jira: Sandbox, https: str) -> Reader:
    """singer-io's tap-jira, which insists on https; its pages are as long as Jira makes them."""
    return Reader(
        [str(partners.installed("tap-jira").with_name("python")), "-c", PROGRAM],
        {
            "base_url": https,
            "username": "sandbox",
            "password": "sandbox",
            "start_date": START,
            "user_agent": "bench",
        },
        only_issues,
    )


def only_issues(catalog: dict[str, Any]) -> list[str]:
    """Select `issues` alone in a discovered catalog; return the arguments that hand it over."""
    for stream in catalog["streams"]:
        top = next(each["metadata"] for each in stream["metadata"] if not each["breadcrumb"])
        top["selected"] = stream["tap_stream_id"] == "issues"
    Path("catalog.json").write_text(json.dumps(catalog))
    return ["--properties", "catalog.json"]


@contextmanager
def edited_between_pages(jira: Sandbox, *, edits: bool) -> Iterator[list[str]]:
    """If `edits`, edit the issue changed longest ago before every page but the first; yields the keys as they come."""
    edited: list[str] = []
    pages = 0

    def edit(entry: LogEntry) -> None:
        nonlocal pages
        if entry.path == "/rest/api/2/search":
            pages += 1
            if edits and pages > 1:
                oldest = min(jira.issues, key=lambda issue: issue["updated_ms"])
                edited.extend(jira.edit(keys=[oldest["key"]]))

    jira.before_request.append(edit)
    yield edited
    jira.before_request.remove(edit)


def run(command: list[str]) -> bytes:
    """Run a tap to its end; return what it printed."""
    with Path("log").open("wb") as log:
        done = subprocess.run(
            command,
            env=os.environ | {"NO_PROXY": "127.0.0.1"},
            stdout=subprocess.PIPE,
            stderr=log,
            timeout=SECONDS,
            check=False,
        )
    if done.returncode:
        sys.exit(f"{command[0]} ended with status {done.returncode}:\n{Path('log').read_text()}")
    return done.stdout


def read(command: list[str]) -> list[dict[str, Any]]:
    """Run a tap to its end; return its messages, and keep its last STATE for the next run."""
    messages = [json.loads(line) for line in run(command).splitlines()]
    states = [message["value"] for message in messages if message["type"] == "STATE"]
    Path("state.json").write_text(json.dumps(states[-1]))
    return messages


def milliseconds(updated: str) -> int:
    """Return the epoch milliseconds of a datetime in UTC, however many digits its seconds have."""
    moment = datetime.fromisoformat(updated.replace("Z", "+00:00"))
    return (moment - datetime.fromisoformat("1970-01-01T00:00:00+00:00")) // timedelta(
        milliseconds=1
    )


def newest(messages: list[dict[str, Any]]) -> dict[str, int]:
    """Return the newest `updated` (epoch ms) of each issue by id."""
    found: dict[str, int] = {}
    for message in messages:
        if message["type"] == "RECORD" and message["stream"] == "issues":
            record = message["record"]
            updated = milliseconds(record["fields"]["updated"])
            found[record["id"]] = max(updated, found.get(record["id"], 0))
    return found


@contextmanager
def reading(make: Callable[[Sandbox, str], Reader]) -> Iterator[tuple[Sandbox, list[str]]]:
    """Serve the issues in pages; yields the Jira and the command that reads it from the start."""
    certificate = make_certificate(Path.cwd())
    corpus = Corpus.generate(seed=SEED, issues=ISSUES, projects=1)
    with Sandbox(corpus=corpus, page_cap=PAGE) as jira, tls_front(certificate, jira.port) as port:
        reader = make(jira, f"https://127.0.0.1:{port}{jira.context_path}")
        Path("config.json").write_text(json.dumps(reader.config))
        command = [*reader.command, "--config", "config.json"]
        if reader.catalog:
            command += reader.catalog(json.loads(run([*command, "--discover"])))
        yield jira, command


def missing(jira: Sandbox, messages: list[dict[str, Any]]) -> int:
    """Count the issues whose newest version is in none of the messages."""
    came = newest(messages)
    return sum(came.get(each["id"]) != each["updated_ms"] for each in jira.issues)


def lost(make: Callable[[Sandbox, str], Reader], *, edits: bool) -> tuple[int, int]:
    """Run a tap twice; return how many issues miss their newest version, and how many edits there were."""
    with reading(make) as (jira, command):
        with edited_between_pages(jira, edits=edits) as edited:
            messages = read(command)
        messages += read([*command, "--state", "state.json"])
        return missing(jira, messages), len(edited)


def lost_after_a_kill(make: Callable[[Sandbox, str], Reader]) -> tuple[int, int]:
    """Kill a first run and edit what it has printed; return how many issues miss their newest version after two more runs, and how many were edited."""
    with reading(make) as (jira, command):
        messages = killed(jira, command)
        printed = newest(messages)
        keys = [each["key"] for each in jira.issues if each["id"] in printed]
        edited = jira.edit(keys=keys[:EDITED])
        states = [message["value"] for message in messages if message["type"] == "STATE"]
        Path("state.json").write_text(json.dumps(states[-1] if states else {}))
        for _ in range(2):
            messages += read([*command, "--state", "state.json"])
        return missing(jira, messages), len(edited)


def killed(jira: Sandbox, command: list[str]) -> list[dict[str, Any]]:
    """Start a tap and kill it at its sixth search; return the whole lines that it printed."""
    searches = 0

    def kill(entry: LogEntry) -> None:
        nonlocal searches
        if entry.path == "/rest/api/2/search":
            searches += 1
            if searches == KILLED_AT:
                process.kill()

    env = os.environ | {"NO_PROXY": "127.0.0.1"}
    with Path("log").open("wb") as log:
        process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=log)
        with process:
            jira.before_request.append(kill)
            assert process.stdout is not None
            lines = process.stdout.read().splitlines(keepends=True)
            jira.before_request.remove(kill)
    if process.returncode != -signal.SIGKILL:
        sys.exit(f"{command[0]} ended before it was killed:\n{Path('log').read_text()}")
    return [json.loads(line) for line in lines if line.endswith(b"\n")]


@contextmanager
def in_a_new_folder() -> Iterator[None]:
    """Work in a folder that is deleted at the end: taps leave files where they are."""
    with TemporaryDirectory(prefix="bench-") as folder:
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir("/")


READERS: Final = {"tap-jira-oauth": ours, "tap-jira 2.6.0": theirs}


def main() -> None:
    """Measure and print, a line each."""
    for name, make in READERS.items():
        for edits in (True, False):
            with in_a_new_folder():
                count, edited = lost(make, edits=edits)
            say(f"{name:15} {edited:3} edits between pages: {count} of {ISSUES} issues missing")
        with in_a_new_folder():
            count, edited = lost_after_a_kill(make)
        say(f"{name:15} {edited:3} edits after a kill: {count} of {ISSUES} issues missing")


def say(line: str) -> None:
    """Print a line."""
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
