"""All of Jira, a shard a task: as many at once as Jira's rate limit bears, and at the end one object that says how it went.

A shard is a plain command (`shard.py`), which Airflow only starts, repeats and stops. What it reads is
up to the Meltano project; what varies here is in the environment of Airflow's workers:

| variable | default | meaning |
|---|---|---|
| `SHARDS` | 8 | how many parts; also a parameter of each run, `shards` |
| `SHARDS_AT_ONCE` | 4 | how many tasks of a run at a time |
| `SHARDS_POOL` | `default_pool` | the pool that bounds them together with other DAGs that ask the same Jira |
| `SHARDS_SCHEDULE` | `@hourly` | |
| `SHARD_RETRIES`, `SHARD_RETRY_SECONDS` | 4, 60 | twice as long after each failure, half an hour at most |
| `SHARD_HOURS` | 24 | after which a shard is stopped; its next try goes on where it was |
| `SHARD_PYTHON` | that beside `SHARD_MELTANO` | the Python that target-s3-jsonl is installed in |
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from airflow.sdk import BaseOperator, Param, dag, task
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowTaskTimeout

from shard_command import DEFAULT_COUNT, shards
from shard_report import INCOMPLETE, report_in

HERE = Path(__file__).resolve().parent
RETRIES = int(os.environ.get("SHARD_RETRIES", "4"))
RETRY_DELAY = timedelta(seconds=float(os.environ.get("SHARD_RETRY_SECONDS", "60")))


class ReadShard(BaseOperator):
    """Runs the command of one shard, and keeps its report whether it succeeds or not."""

    template_fields = ("shard",)

    def __init__(self, *, shard: str, **more: Any) -> None:
        """Take the shard, such as `7/32`."""
        super().__init__(**more)
        self.shard = shard
        self._process: subprocess.Popen[str] | None = None

    def execute(self, context: Any) -> None:
        """Start it in a session of its own: Airflow kills everything in the task's own after five seconds."""
        command = [sys.executable, str(HERE / "shard.py"), self.shard, "--with-parent"]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        try:
            status = self._follow(self._process, context)
        except AirflowTaskTimeout:
            self._process.terminate()
            self._follow(self._process, context)  # it ends by itself, or is killed in its time
            raise
        if status:
            raise AirflowException(
                f"Shard {self.shard} ended with status {status}; its log says why."
            )

    def _follow(self, process: subprocess.Popen[str], context: Any) -> int:
        for line in process.stdout or ():
            self.log.info("%s", line.rstrip())
            if report_in(line):
                _keep(line, context)
        return process.wait()

    def on_kill(self) -> None:
        """Ask the shard to stop; it finishes its page, stores it and saves its state, also after this task is gone."""
        if self._process:
            self._process.terminate()


def _keep(line: str, context: Any) -> None:
    """Hand on the reports of all tries: XCom forgets those before, the store of Airflow 3.3 does not."""
    store = context.get("task_state_store")
    lines = [*(store.get("reports", []) if store else []), line]
    if store:
        store.set("reports", lines)
    context["ti"].xcom_push(key="reports", value=lines)


@dag(
    schedule=os.environ.get("SHARDS_SCHEDULE", "@hourly") or None,
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    max_active_runs=1,
    params={
        "shards": Param(
            int(os.environ.get("SHARDS", DEFAULT_COUNT)),
            type="integer",
            minimum=1,
            description="Another number than before reads everything again, unless states were moved.",
        )
    },
    tags=["jira"],
)
def jira_shards() -> None:
    """Read all shards, then tell."""

    @task
    def cut(params: dict[str, Any] | None = None) -> list[str]:
        return [str(shard) for shard in shards((params or {})["shards"])]

    @task(trigger_rule="all_done", retries=RETRIES, retry_delay=RETRY_DELAY)
    def tell(names: list[str], ti: Any = None) -> str:
        reports = ti.xcom_pull(
            task_ids="read_shard", key="reports", map_indexes=[*range(len(names))]
        )
        meltano = shutil.which(os.environ.get("SHARD_MELTANO", "meltano")) or "meltano"
        python = os.environ.get("SHARD_PYTHON") or str(Path(meltano).with_name("python"))
        which = ("--run", ti.run_id, "--shards", str(len(names)))
        command = [python, str(HERE / "run_manifest.py"), *which]
        lines = "".join(line for each in reports for line in each or ())
        done = subprocess.run(command, input=lines, stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode == INCOMPLETE:
            raise AirflowFailException(
                f"Not all shards succeeded; {done.stdout.strip()} in the lake says which."
            )
        if done.returncode:
            raise AirflowException(
                f"How the run ended could not be written: status {done.returncode}."
            )
        return done.stdout.strip()

    names = cut()
    read = ReadShard.partial(
        task_id="read_shard",
        map_index_template="{{ task.shard }}",
        pool=os.environ.get("SHARDS_POOL", "default_pool"),
        max_active_tis_per_dagrun=int(os.environ.get("SHARDS_AT_ONCE", "4")),
        retries=RETRIES,
        retry_delay=RETRY_DELAY,
        retry_exponential_backoff=2.0,
        max_retry_delay=timedelta(minutes=30),
        execution_timeout=timedelta(hours=float(os.environ.get("SHARD_HOURS", "24"))),
    ).expand(shard=names)
    read >> tell(names)


jira_shards()
