"""The queries of `docs/answers.md`, and a lake from the sandbox Jira to run them over."""

from __future__ import annotations

import dataclasses
import json
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from documents import ROOT
from pair.two_runs import selected, tapped
from sandbox import Corpus, Sandbox
from tap.command import ended
from tap_jira_oauth.auth.private_key import private_pem, public_pem
from target.command import run
from target.duck import duck, printed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import duckdb
    from cryptography.hazmat.primitives.asymmetric import rsa

    from sandbox.issue import Issue

PAGE = ROOT / "docs" / "answers.md"
ANSWERS = {
    int(number): sql
    for number, sql in re.findall(
        r"## (\d+)\. .*?```sql\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL
    )
}
_CONSUMER = "lake"
_STREAMS = (
    *("issues", "issue_changelogs", "issue_worklogs"),
    *("issue_comments", "users", "fields"),
)


def printed_by_the_tap(folder: Path, key: rsa.RSAPrivateKey) -> bytes:
    """Return what a run of the tap prints of invented issues, the same each time but for the address of Jira."""
    (folder / "private.pem").write_bytes(private_pem(key))
    corpus = Corpus.generate(seed=11, issues=60, projects=2)
    corpus.change([each.id for each in corpus.snapshot().issues], _estimated)
    with Sandbox(corpus=corpus) as server:
        server.register_consumer(_CONSUMER, public_pem(key), name="Lake")
        token = server.grant(_CONSUMER)
        config = {
            "api_url": server.url,
            "consumer_key": _CONSUMER,
            "private_key_file": str(folder / "private.pem"),
            "access_token": token.token,
            "access_token_secret": token.secret,
        }
        status, discovered = ended(folder, config, None, "--discover")
        assert status == 0
        options = ("--catalog", str(selected(folder, json.loads(discovered), _STREAMS)))
        return tapped(folder, config, None, options)[0]


def _estimated(issue: Issue) -> Issue:
    """Give an issue what the generator does not: an estimate."""
    hours = int(issue.id) % 40 + 1
    return dataclasses.replace(issue, fields={**issue.fields, "timeoriginalestimate": 3600 * hours})


@contextmanager
def lake_of(folder: Path, output: bytes) -> Iterator[duckdb.DuckDBPyConnection]:
    """Load that into a folder, and open it by the views that `ddl` prints."""
    config = {"destination": str(folder / "lake")}
    code, _, log = run(folder, config, [output])
    assert code == 0, log
    with duck(printed(folder, config, "duckdb")) as connection:
        yield connection
