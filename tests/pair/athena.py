"""Athena, as far as it can be had on one machine: MiniStack's, which runs on Glue's tables, and a parser of Athena's SQL."""

from __future__ import annotations

import json
import os
import subprocess
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from local_aws import LocalAWS
from loopback import free_port, listening
from partners import installed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_READY_SECONDS = 30.0
_TRANSPILE = """
import json, sys
import sqlglot
statements = json.load(sys.stdin)
json.dump([sqlglot.transpile(each, read="athena", write="duckdb")[0] for each in statements], sys.stdout)
"""


@contextmanager
def ministack(folder: Path) -> Iterator[LocalAWS]:
    """Run the server in the block, on loopback."""
    port = free_port()
    where = {"BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "HOME": str(folder), "TZ": "UTC"}
    with listening([str(installed("ministack"))], port, folder / "ministack.log", **where):
        yield LocalAWS(port)


def ask(server: LocalAWS, database: str, query: str, output: str) -> list[list[str | None]]:
    """Run one statement as Athena does, and return its rows as texts."""
    with closing(server.client("athena")) as client:
        begun = client.start_query_execution(
            QueryString=query,
            QueryExecutionContext={"Database": database},
            ResultConfiguration={"OutputLocation": output},
        )
        execution = {"QueryExecutionId": begun["QueryExecutionId"]}
        deadline = time.monotonic() + _READY_SECONDS
        while time.monotonic() < deadline:
            status: dict[str, Any] = client.get_query_execution(**execution)["QueryExecution"][
                "Status"
            ]
            if status["State"] in {"SUCCEEDED", "FAILED"}:
                break
            time.sleep(0.05)
        assert status["State"] == "SUCCEEDED", f"{query[:200]}: {status.get('StateChangeReason')}"
        rows = client.get_query_results(**execution)["ResultSet"]["Rows"]
        return [[cell.get("VarCharValue") for cell in row["Data"]] for row in rows[1:]]


def in_words_of_duckdb(statements: Sequence[str]) -> list[str]:
    """Return Athena's statements as DuckDB spells them; what is no SQL of Athena's is an error."""
    python = installed("ministack").with_name("python")
    done = subprocess.run(
        [str(python), "-c", _TRANSPILE],
        input=json.dumps(list(statements)).encode(),
        capture_output=True,
        check=False,
        timeout=60,
        env=os.environ | {"NO_COLOR": "1"},
    )
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    return list(json.loads(done.stdout))
