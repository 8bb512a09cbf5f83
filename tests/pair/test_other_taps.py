"""Somebody else's tap reads the same quiet Jira: both must tell the same."""

from __future__ import annotations

import json
import os
import subprocess
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from bench.lost_issues import PROGRAM, START
from sandbox import Corpus, Sandbox
from tap.below import run_with, select
from tls import make_certificate, tls_front

if TYPE_CHECKING:
    from pathlib import Path

    from pair.conftest import Peer

STREAMS = {"issues": "issues", "issue_comments": "issue_comments", "changelogs": "issue_changelogs"}
"""What we call the streams of singer-io's tap."""


def read_by_singer_io(peer: Peer, jira: Sandbox, folder: Path) -> list[dict[str, Any]]:
    """Run PyPI's tap-jira, which insists on https, with all streams of issues; return its records."""
    python = [str(peer("tap-jira").with_name("python")), "-c", PROGRAM]

    def command(*options: str) -> bytes:
        done = subprocess.run(
            [*python, "--config", "theirs.json", *options],
            cwd=folder,
            env=os.environ | {"NO_PROXY": "127.0.0.1"},
            capture_output=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    with tls_front(make_certificate(folder), jira.port) as port:
        config = {
            "base_url": f"https://127.0.0.1:{port}{jira.context_path}",
            "username": "sandbox",
            "password": "sandbox",
            "start_date": START,
            "user_agent": "test",
        }
        (folder / "theirs.json").write_text(json.dumps(config))
        catalog = json.loads(command("--discover"))
        for stream in catalog["streams"]:
            top = next(each["metadata"] for each in stream["metadata"] if not each["breadcrumb"])
            top["selected"] = stream["tap_stream_id"] in STREAMS
        (folder / "theirs-catalog.json").write_text(json.dumps(catalog))
        lines = command("--properties", "theirs-catalog.json").splitlines()
    return [message for message in map(json.loads, lines) if message["type"] == "RECORD"]


def moment(text: str) -> datetime:
    """Read a moment as either tap spells it."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def without_ties(corpus: Corpus) -> Corpus:
    """Give every issue an `updated` of its own."""
    issues = corpus.snapshot().issues
    newest = max(issue.updated_ms for issue in issues)
    for place, issue in enumerate(issues, 1):
        corpus.change([issue.id], lambda old, at=newest + 1000 * place: old.changed(at))  # type: ignore[misc]  # lambda's default has no type
    return corpus


@pytest.mark.workspace
def test_singer_ios_tap_finds_the_same_issues_comments_and_histories(
    peer: Peer, tmp_path: Path
) -> None:
    """On Data Center, over several pages, with their `updated`; while nobody edits, and no two issues have equal times.

    Of equal ones that stand at the end of a page it may miss some: it leaves their order to the server.
    """
    with Sandbox(corpus=without_ties(Corpus.generate(seed=7, issues=230, projects=3))) as jira:
        theirs = read_by_singer_io(peer, jira, tmp_path)
        config = {"api_url": jira.url, "auth_method": "basic"}
        config |= {"username": "sandbox", "password": "sandbox"}
        ours = run_with(tmp_path, config, select(tmp_path, ("issues", *STREAMS.values())))
    assert ours.status == 0, ours.log
    for their_name, our_name in STREAMS.items():
        found = [each["record"] for each in theirs if each["stream"] == their_name]
        assert len(found) >= 230
        mine = ours.of(our_name)
        assert sorted(each["id"] for each in found) == sorted(each["id"] for each in mine)
        if time := {"issue_comments": "updated", "issue_changelogs": "created"}.get(our_name):
            times = {each["id"]: moment(each[time]) for each in found}
            assert times == {each["id"]: moment(each[time]) for each in mine}
    versions = {
        each["record"]["id"]: moment(each["record"]["fields"]["updated"])
        for each in theirs
        if each["stream"] == "issues"
    }
    assert versions == {each["id"]: moment(each["updated"]) for each in ours.of("issues")}
