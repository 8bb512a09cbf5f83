"""A shard by the real command: Meltano, tap, target, a bucket, and the lock in DynamoDB."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from orchestrate.conftest import DAGS, worker
from sandbox import Corpus, Sandbox
from sandbox.faults import Fault
from stopping import running
from tap_jira_oauth.shard import Shard

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from orchestrate.conftest import Lake

pytestmark = [
    pytest.mark.workspace,
    pytest.mark.skipif(sys.platform != "linux", reason="processes are looked up in /proc"),
]

SECONDS = 120.0
SEARCH = "/rest/api/2/search"
SHARD = [sys.executable, str(DAGS / "shard.py")]
MANIFEST = [sys.executable, str(DAGS / "run_manifest.py"), "--run", "by hand"]


@pytest.fixture
def jira() -> Iterator[Sandbox]:
    """A Jira whose two shards both have projects."""
    with Sandbox(corpus=Corpus.generate(seed=4, issues=200, projects=5)) as sandbox:
        yield sandbox


@pytest.fixture
def slow(jira: Sandbox) -> Fault:
    """What makes each page take its time, as long as it has a delay."""
    fault = Fault(SEARCH, count=10**6, delay=0.7)
    jira.world.faults.add(fault)
    return fault


@pytest.fixture
def environment(lake: Lake, jira: Sandbox, tmp_path: Path) -> dict[str, str]:
    """That of the worker of a Kubernetes Job which does the first of two shards."""
    return worker(lake, jira.url, tmp_path, SHARDS="2", JOB_COMPLETION_INDEX="0")


def mine(jira: Sandbox) -> Counter[str]:
    """Return the ids of the first shard's issues, each once, without asking our commands."""
    shard = Shard(1, 2)
    snapshot = jira.corpus.snapshot()
    found = Counter(id_ for id_, issue in snapshot.by_id.items() if shard.has(issue.project.id))
    assert 0 < len(found) < len(snapshot.by_id)
    return found


def done(environment: dict[str, str], **more: str) -> tuple[int, str]:
    """Run the shard to its end; return the status and what it printed."""
    ended = subprocess.run(
        SHARD,
        env=environment | more,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    return ended.returncode, ended.stdout


@contextmanager
def started(environment: dict[str, str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run the shard beside the block."""
    with (folder / "first.log").open("wb") as log:
        process = subprocess.Popen(SHARD, env=environment, stdout=log, stderr=log)
        with process:
            try:
                yield process
            finally:
                process.kill()


def until_stored(lake: Lake, count: int) -> None:
    """Wait until so many objects are in the lake."""
    deadline = time.monotonic() + SECONDS
    while len(lake.objects("issues/")) < count:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def report_of(printed: str) -> Any:
    """Return the report at the end of what a shard has printed."""
    return json.loads(printed.splitlines()[-1])["shard_report"]


def test_a_shard_that_is_stopped_goes_on_and_reads_nothing_twice(
    lake: Lake, jira: Sandbox, slow: Fault, environment: dict[str, str], tmp_path: Path
) -> None:
    """SIGTERM; a second start of the shard while it runs is refused before it asks Jira for issues; the object at the end tells of both tries."""
    with started(environment, tmp_path) as first:
        until_stored(lake, 1)
        slow.delay = 3  # so that it is not done before the other one has begun
        # Another machine: nothing is shared but the table.
        status, printed = done(environment, SHARD_SYSTEM_ROOT=str(tmp_path / "elsewhere"))
        assert status == 1
        assert "Only one run of a state id can go on at a time" in printed
        assert report_of(printed)["manifests"] == []
        first.send_signal(signal.SIGTERM)
        assert first.wait(SECONDS) == 1
    reports = [(tmp_path / "first.log").read_text().splitlines()[-1]]
    assert 0 < sum(lake.issues().values()) < sum(mine(jira).values())
    slow.delay = 0
    status, printed = done(environment)
    assert status == 0, printed
    assert lake.issues() == mine(jira)  # each once: the state covers all that the first try stored
    assert set(lake.states()) == {"1-of-2"}
    reports += printed.splitlines()[-1:]
    told = subprocess.run(
        [*MANIFEST, "--shards", "2"],
        env=environment,
        input="\n".join(reports),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert told.returncode == 3, told.stderr  # nobody has run the second shard
    (end,) = lake.ends()
    assert told.stdout.strip().startswith("_catalog/loads/by_hand/failed-")
    assert (end["complete"], end["failed"], end["rows"]) == (False, ["2/2"], len(mine(jira)))
    assert len(end["parts"][0]["manifests"]) == 2


def test_a_shard_whose_meltano_is_killed_can_start_again_at_once(
    lake: Lake, jira: Sandbox, slow: Fault, environment: dict[str, str], tmp_path: Path
) -> None:
    """On the same machine, after the lease; no issue is missing, and no process of the dead run is left."""
    with started(environment, tmp_path) as first:
        until_stored(lake, 1)
        (meltano,) = (each.pid for each in running() if each.parent == first.pid)
        os.kill(meltano, signal.SIGKILL)
        assert first.wait(SECONDS) == 128 + signal.SIGKILL
    slow.delay = 0
    assert not [each for each in running() if str(tmp_path) in " ".join(each.arguments)]
    status, printed = done(environment)
    assert status == 0, printed
    assert set(lake.issues()) == set(mine(jira))
