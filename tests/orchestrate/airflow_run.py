"""Runs the DAG once: `python airflow_run.py DAGS_FOLDER` in Airflow's own environment; the last line is what became of the tasks, as JSON.

`dag.test()` runs one task after the other in this process, with retries, against a database that is made here.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.dag_processing.dagbag import BundleDagBag, sync_bag_to_db
from airflow.utils.db import initdb

BUNDLE = "dags-folder"


def main(folder: str) -> None:
    """Make the database, load the DAG as Airflow does, run it."""
    initdb()
    bag = BundleDagBag(folder, bundle_path=Path(folder), bundle_name=BUNDLE)
    assert not bag.import_errors, bag.import_errors
    (dag,) = bag.dags.values()
    DagBundlesManager().sync_bundles_to_db()
    sync_bag_to_db(bag, BUNDLE, None)
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
    sys.stdout.write(f"\n{json.dumps({'run': run.state, 'run_id': run.run_id, 'tasks': tasks})}\n")


main(sys.argv[1])
