"""Airflow with the DAG in a database that is made here: `python airflow_run.py DAGS_FOLDER [COMMAND ...]` in Airflow's own environment; the last line tells, as JSON.

Without commands the DAG runs once: `dag.test()` runs one task after the other in this process, with retries, and what became of
the tasks is told. Commands, such as `airflow dags pause jira_shards`, run one after the other instead, and what each has changed is told.
"""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Any

from airflow.__main__ import main as airflow
from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.dag_processing.dagbag import BundleDagBag, sync_bag_to_db
from airflow.models import DagModel, DagRun, Pool
from airflow.utils.db import initdb

BUNDLE = "dags-folder"


def main(folder: str, *commands: str) -> None:
    """Make the database, load the DAG as Airflow does, run it or the commands."""
    initdb()
    bag = BundleDagBag(folder, bundle_path=Path(folder), bundle_name=BUNDLE)
    assert not bag.import_errors, bag.import_errors
    (dag,) = bag.dags.values()
    DagBundlesManager().sync_bundles_to_db()
    sync_bag_to_db(bag, BUNDLE, None)
    told = [changed(command, dag.dag_id) for command in commands] if commands else outcome(dag)
    sys.stdout.write(f"\n{json.dumps(told)}\n")


def outcome(dag: Any) -> dict[str, Any]:
    """Run the DAG; return what became of its tasks."""
    run = dag.test()
    tasks = [
        {
            "task": each.task_id,
            "name": each.rendered_map_index,
            "state": each.state,
            "tries": each.try_number,
            "pool": each.pool,
        }
        for each in run.get_task_instances()
    ]
    return {"run": run.state, "run_id": run.run_id, "tasks": tasks}


def changed(command: str, dag_id: str) -> dict[str, Any]:
    """Run a command as the shell would; return how things are after it."""
    _, *arguments = shlex.split(command)
    sys.argv[1:] = arguments
    airflow()
    return {
        "is_paused": DagModel.get_dagmodel(dag_id).is_paused,
        "runs": len(DagRun.find(dag_id=dag_id)),
        "pools": {pool.pool: pool.slots for pool in Pool.get_pools()},
    }


main(*sys.argv[1:])
