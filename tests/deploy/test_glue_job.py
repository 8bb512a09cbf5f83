"""The script of the Glue job, as any scheduler may call it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from deploy.test_pipeline import stored
from documents import ROOT
from measured import unmeasured
from sandbox import Corpus, Sandbox
from sandbox.faults import Fault
from state.dynamodb import KEYS, REGION, running

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.workspace

ISSUES = 200


def test_a_job_that_is_ended_goes_on_with_the_next_one(tmp_path: Path) -> None:
    """Settings are its arguments; SIGTERM saves what was read."""
    with (
        Sandbox(corpus=Corpus.generate(seed=5, issues=ISSUES, projects=1)) as jira,
        running("moto", tmp_path) as server,
    ):
        environment = unmeasured() | {
            "AWS_ENDPOINT_URL": server.url,
            "AWS_ACCESS_KEY_ID": KEYS["aws_access_key_id"],
            "AWS_SECRET_ACCESS_KEY": KEYS["aws_secret_access_key"],
            "AWS_REGION": REGION,
        }
        given = {
            "STATE_TABLE": server.table().name,
            "STATE_ID": "jira",
            "TAP_JIRA_OAUTH_API_URL": jira.url,
            "TAP_JIRA_OAUTH_AUTH_METHOD": "personal_token",
            "TAP_JIRA_OAUTH_PERSONAL_TOKEN": "sandbox-token",
            "TAP_JIRA_OAUTH_PAGE_SIZE": "10",
            "TAP_JIRA_OAUTH_MAX_CONCURRENT_REQUESTS": "1",
            "TARGET_S3_JSONL_DESTINATION": str(tmp_path / "lake"),
        }
        arguments = [part for name, text in given.items() for part in (f"--{name}", text)]
        command = [sys.executable, str(ROOT / "deploy/glue_job.py"), "--JOB_NAME", "jira"]
        command += [*arguments, "--minutes", "10"]
        slow = Fault("/rest/api/2/search", count=10**6, delay=0.3)
        jira.world.faults.add(slow)
        with (tmp_path / "log").open("wb") as log:
            job = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
            until = time.monotonic() + 60
            while len(jira.requests) < 12 and time.monotonic() < until:
                time.sleep(0.05)
            job.send_signal(signal.SIGTERM)
            assert job.wait(60) == 0, (tmp_path / "log").read_text()
        assert 0 < len(stored(tmp_path / "lake")) < ISSUES
        slow.delay = 0
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert '"finished": true' in done.stdout
        assert set(stored(tmp_path / "lake").values()) == {1}
        assert len(stored(tmp_path / "lake")) == ISSUES
