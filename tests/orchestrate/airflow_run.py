"""Runs the DAG once by `dag.test()`: for Airflow's own environment, `python airflow_run.py`; prints the states of all tasks as JSON."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

BEGAN = time.monotonic()

from airflow import settings  # noqa: E402
from airflow.dag_processing.dagbag import BundleDagBag  # noqa: E402
from airflow.utils.db import initdb  # noqa: E402


def main() -> None:
    """Make the database, load the DAG as Airflow does, run it."""
    initdb()
    print(f"initdb {time.monotonic() - BEGAN:.1f}", file=sys.stderr)
    bag = BundleDagBag(sys.argv[1], bundle_path=Path(sys.argv[1]), bundle_name='dags-folder')
    assert not bag.import_errors, bag.import_errors
    dag = bag.dags["jira_shards"]
    from airflow.models.dagbundle import DagBundleModel
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.dag_processing.dagbag import sync_bag_to_db
    DagBundlesManager().sync_bundles_to_db()
    sync_bag_to_db(bag, "dags-folder", None)
    print(f"synced {time.monotonic() - BEGAN:.1f}", file=sys.stderr)
    run = dag.test()
    print(f"done {time.monotonic() - BEGAN:.1f}", file=sys.stderr)
    states = {
        "run": run.state,
        "run_id": run.run_id,
        "tasks": [
            {"task": ti.task_id, "index": ti.map_index, "state": ti.state, "tries": ti.try_number, "name": ti.rendered_map_index}
            for ti in run.get_task_instances()
        ],
    }
    print(json.dumps(states))


main()
