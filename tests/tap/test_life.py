"""A whole life over HTTP: a lagging index on two nodes, edits at every request, bulk changes, a kill."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox import Corpus, Sandbox
from sandbox.script import Order, Step
from tap.command import Run, messages, run, started
from tap_jira_oauth.auth.private_key import public_pem

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric import rsa

pytestmark = pytest.mark.any_version

MINUTE = 60


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_killed_run_in_a_lively_jira_is_made_good_by_the_next_ones(
    private_key: rsa.RSAPrivateKey, private_key_file: Path, tmp_path: Path, seed: int
) -> None:
    """After a kill, a live run and a quiet one, nothing is missing or old; one more brings nothing."""
    corpus = Corpus.generate(seed=seed, issues=400, projects=2)
    with Sandbox(corpus=corpus, nodes={"a": (0, 0.1), "b": (0, 30)}) as jira:
        jira.register_consumer("lake", public_pem(private_key))
        config = {
            "api_url": jira.url,
            "consumer_key": "lake",
            "private_key_file": str(private_key_file),
            "access_token": jira.grant("lake").token,
            "page_size": 20,
            "pages_per_state": 1,
            "fields": ["summary"],
        }
        bulk = (Step("bulk", before_request=9, count=80), Step("bulk", before_request=20, count=40))
        jira.play(Order(steps=bulk, per_request=1.0, seed=seed))
        with started(tmp_path, config) as process:
            assert process.stdout is not None
            printed = b"".join(process.stdout.readline() for _ in range(100))
            process.kill()
            printed += process.stdout.read()
        runs = [Run(-9, messages(printed), "")]
        runs.append(run(tmp_path, config, runs[-1].states[-1]))
        assert len(jira.deeds) > 20
        jira.play(Order())
        jira.clock.offset += 2 * MINUTE  # the index catches up; OAuth allows five minutes
        runs.append(run(tmp_path, config, runs[-1].states[-1]))
        runs.append(run(tmp_path, config, runs[-1].states[-1]))
        assert [each.status for each in runs[1:]] == [0, 0, 0]
        newest: dict[str, str] = {}
        for record in (record for each in runs for record in each.records):
            newest[record["id"]] = max(record["updated"], newest.get(record["id"], ""))
        truth = {issue["id"]: issue["updated"].replace("+0000", "Z") for issue in jira.issues}
        assert {id_: newest.get(id_) for id_ in truth} == truth
        assert runs[-1].records == []
