"""A process that counts under a lock, for tests: it writes the count into the table itself, unprotected.

`counting.py URL TABLE ROUNDS LEASE`: in each round it holds the lock, notes itself as inside, looks
whether anybody else is, counts up by reading and writing, and leaves. With `hang` in place of
ROUNDS it takes the lock, says so, and never leaves.
"""

from __future__ import annotations

import sys
import time

from state_backend_dynamodb.aws import dynamodb_client
from state_backend_dynamodb.lock import Terms
from state_backend_dynamodb.states import States
from state_backend_dynamodb.table import Table

PLACE = ("test", "count")


def _main(url: str, name: str, rounds: str, lease: str) -> None:
    client = dynamodb_client(
        region="us-east-1",
        endpoint_url=url,
        aws_access_key_id="anybody",
        aws_secret_access_key="x",
    )
    table = Table(client, name)
    states = States(table, Terms(float(lease), 60, 0.02))
    if rounds == "hang":
        with states.locked("counted"):
            sys.stdout.write("held\n")
            sys.stdout.flush()
            time.sleep(600)
    for _ in range(int(rounds)):
        with states.locked("counted"):
            found = table.get(*PLACE) or {"count": 0, "inside": 0, "most": 0}
            inside = int(found["inside"]) + 1
            keys = dict(zip(("id", "part"), PLACE, strict=True))
            counted = {**keys, "most": max(inside, int(found["most"]))}
            table.put({**counted, "count": found["count"], "inside": inside})
            time.sleep(0.01)
            table.put({**counted, "count": int(found["count"]) + 1, "inside": inside - 1})


if __name__ == "__main__":
    _main(*sys.argv[1:])
