"""The DAG, run by Airflow itself: three shards, one of which fails once."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import partners
from docs import pages
from measured import unmeasured
from orchestrate.conftest import DAGS, worker
from sandbox import Corpus, Sandbox

if TYPE_CHECKING:
    from orchestrate.conftest import Lake

pytestmark = pytest.mark.workspace

ISSUES = 150
SECONDS = 300
PROGRAM = Path(__file__).with_name("airflow_run.py")


# Meltano, in a project whose second shard always fails, and whose third hangs once.
MELTANO = """
import json, os, pathlib, signal, sys, time
lake = pathlib.Path(os.environ["LAKE"])
shard = os.environ.get("MELTANO_RUN_STATE_ID_SUFFIX")
manifest = lake / "_catalog/runs/0a-1b.jsonl"
def stop(*_):
    manifest.parent.mkdir(parents=True)
    manifest.write_text('{"type": "run", "objects": 1, "rows": 7, "bytes": 70, "rejected": 0}')
    print("Manifest of this run: _catalog/runs/0a-1b.jsonl", flush=True)
    sys.exit(1)
if sys.argv[1] == "invoke":
    print(json.dumps({"destination": str(lake)}))
elif shard == "3-of-3" and not manifest.exists():
    signal.signal(signal.SIGTERM, stop)
    time.sleep(600)
sys.exit(shard == "2-of-3")
"""


def ran(environment: dict[str, str], folder: Path, *commands: str) -> Any:
    """Run the DAG, or commands of Airflow; return what became of its tasks, or of what each command changes."""
    airflow = {
        "AIRFLOW_HOME": str(folder / "airflow"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
        "SHARDS_SCHEDULE": "",
    }
    done = subprocess.run(
        [str(partners.installed("airflow", "python")), str(PROGRAM), str(DAGS), *commands],
        env=environment | airflow,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        cwd=folder,
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
    return json.loads(done.stdout.splitlines()[-1])


def tries(told: Any) -> dict[str, tuple[str, int]]:
    """Return how each shard ended, and after how many tries."""
    return {
        task["name"]: (task["state"], task["tries"])
        for task in told["tasks"]
        if task["task"] == "read_shard"
    }


def test_a_shard_that_fails_for_good_fails_the_run_after_all_others(tmp_path: Path) -> None:
    """The object at the end is there all the same, and names it. One that takes too long is stopped, heard to its end, and tried again."""
    meltano = tmp_path / "meltano"
    meltano.write_text(f"#!{sys.executable}{MELTANO}")
    meltano.chmod(0o755)
    mine = {"SHARD_MELTANO": str(meltano), "SHARD_PYTHON": sys.executable, "SHARDS": "3"}
    place = {"SHARD_PROJECT": str(tmp_path), "LAKE": str(tmp_path / "lake")}
    told = ran(
        unmeasured()
        | mine
        | place
        | {"SHARD_RETRIES": "1", "SHARD_RETRY_SECONDS": "0", "SHARD_HOURS": "0.001"},
        tmp_path,
    )
    assert told["run"] == "failed"
    assert tries(told) == {"1/3": ("success", 1), "2/3": ("failed", 2), "3/3": ("success", 2)}
    (told_once,) = (task for task in told["tasks"] if task["task"] == "tell")
    assert (told_once["state"], told_once["tries"]) == ("failed", 1)
    (end,) = (tmp_path / "lake" / "_catalog" / "loads").rglob("*.json")
    assert end.name.startswith("failed-")
    said = json.loads(end.read_text())
    assert (said["failed"], said["rows"]) == (["2/3"], 7)


def test_airflow_takes_the_commands_of_the_page(tmp_path: Path) -> None:
    """The DAG is found paused; each command does what the page says. `airflow standalone` goes on until Ctrl-C."""
    commands = [
        command
        for command in pages.commands("orchestrate/README.md")
        if command.startswith("airflow ") and command != "airflow standalone"
    ]
    before: dict[str, Any] = {"is_paused": True, "runs": 0, "pools": {"default_pool": 128}}
    after = {}
    for command, told in zip(commands, ran(unmeasured(), tmp_path, *commands), strict=True):
        after[command] = {name: new for name, new in told.items() if new != before[name]}
        before = told
    assert after == {
        "airflow dags unpause jira_shards": {"is_paused": False},
        "airflow dags trigger jira_shards": {"runs": 1},
        'airflow pools set jira 4 "requests to Jira"': {"pools": {"default_pool": 128, "jira": 4}},
        "airflow dags pause jira_shards": {"is_paused": True},
    }


def test_three_shards_of_which_one_fails_once(lake: Lake, tmp_path: Path) -> None:
    """All issues come, each once, under three states, in the pool of the settings; the object at the end names what the shards have stored."""
    with Sandbox(corpus=Corpus.generate(seed=4, issues=ISSUES, projects=9)) as jira:
        # A few pages into the first shard that has some.
        jira.fault("/rest/api/2/search", shape="not-found", skip=4)
        variables = worker(lake, jira.url, tmp_path, SHARD_RETRY_SECONDS="0", SHARDS_POOL="jira")
        told = ran(variables, tmp_path)
        assert told["run"] == "success"
        assert {task["pool"] for task in told["tasks"] if task["task"] == "read_shard"} == {"jira"}
        assert sorted(tries(told)) == ["1/3", "2/3", "3/3"]
        assert sorted(tries(told).values()) == [("success", 1), ("success", 1), ("success", 2)]
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
