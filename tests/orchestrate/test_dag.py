"""The DAG, run by Airflow itself: three shards, one of which fails once."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import partners
from orchestrate.conftest import DAGS, worker
from sandbox import Corpus, Sandbox

if TYPE_CHECKING:
    from orchestrate.conftest import Lake

pytestmark = pytest.mark.workspace

ISSUES = 150
SECONDS = 300
PROGRAM = Path(__file__).with_name("airflow_run.py")


def test_three_shards_of_which_one_fails_once(lake: Lake, tmp_path: Path) -> None:
    """All issues come, each once, under three states; the object at the end names what the shards have stored."""
    with Sandbox(corpus=Corpus.generate(seed=4, issues=ISSUES, projects=9)) as jira:
        # A few pages into the first shard that has some.
        jira.fault("/rest/api/2/search", shape="not-found", skip=4)
        quiet = {"AIRFLOW__CORE__LOAD_EXAMPLES": "false", "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS)}
        airflow = {"AIRFLOW_HOME": str(tmp_path / "airflow"), "SHARDS_SCHEDULE": "", **quiet}
        done = subprocess.run(
            [str(partners.installed("airflow", "python")), str(PROGRAM), str(DAGS)],
            env=worker(lake, jira.url, tmp_path, SHARD_RETRY_SECONDS="0", **airflow),
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
            cwd=tmp_path,
        )
        assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
        told = json.loads(done.stdout.splitlines()[-1])
        assert told["run"] == "success"
        tries = {
            task["name"]: task["tries"] for task in told["tasks"] if task["task"] == "read_shard"
        }
        assert sorted(tries) == ["1/3", "2/3", "3/3"]
        assert sorted(tries.values()) == [1, 1, 2]
        assert lake.issues() == Counter(jira.corpus.snapshot().by_id.keys())
        states = lake.states()
        assert set(states) == {"1-of-3", "2-of-3", "3-of-3"}
        projects = [key for state in states.values() for key in state]
        assert sorted(projects) == sorted({issue["project"] for issue in jira.issues})
    (end,) = lake.ends()
    assert (end["run"], end["complete"], end["failed"]) == (told["run_id"], True, [])
    assert end["rows"] == ISSUES
    assert [part["shard"] for part in end["parts"]] == ["1/3", "2/3", "3/3"]
    stored = lake.objects("_catalog/runs/")
    for part in end["parts"]:
        assert part["rows"] == sum(
            json.loads(stored[place].splitlines()[-1])["rows"] for place in part["manifests"]
        )
