"""DynamoDB on loopback for tests: two implementations that share nothing, and what tests ask of a table."""

from __future__ import annotations

import functools
import sys
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import partners
from loopback import free_port, listening
from state_backend_dynamodb.aws import dynamodb_client
from state_backend_dynamodb.lock import Terms
from state_backend_dynamodb.states import CLOCK, States
from state_backend_dynamodb.table import Table, projects_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mypy_boto3_dynamodb import DynamoDBClient

    from state_backend_dynamodb.lock import Clock

REGION = "us-east-1"
KEYS = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
"""MiniStack's own, which may do everything; without rights to check any will do."""

# With threads moto lets two conditional writes through at once; the command has no option for it.
_ONE_THREAD = """
import sys
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple
run_simple("127.0.0.1", int(sys.argv[1]), DomainDispatcherApplication(create_backend_app))
"""


class LocalDynamoDB:
    """A running server."""

    def __init__(self, url: str) -> None:
        """Take the address of a running server."""
        self.url = url

    @functools.cached_property
    def client(self) -> DynamoDBClient:
        """A client as the package makes it."""
        return dynamodb_client(region=REGION, endpoint_url=self.url, **KEYS)

    def table(self) -> Table:
        """Make a table of its own for a test."""
        table = Table(self.client, f"State-{uuid.uuid4().hex[:12]}")
        table.create()
        return table

    def article_table(self, dates: dict[str, Any]) -> str:
        """Make a table as the AWS article has it: a date for each project."""
        name = f"ingest-{uuid.uuid4().hex[:12]}"
        self.client.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": "project", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "project", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        articles = Table(self.client, name)
        for project, date in dates.items():
            articles.put({"project": project, "last_ingest_date": date})
        return name


def states(
    table: Table,
    *,
    lease: float = 30,
    patience: float = 0,
    clock: Clock = CLOCK,
    import_table: Table | None = None,
) -> States:
    """Return the states in a table, on terms that suit tests."""
    return States(table, Terms(lease, patience, 0.05), clock=clock, import_table=import_table)


def edit(table: Table, state_id: str, project: str, date: object) -> None:
    """Do what a person does in the console: change one attribute of a project's row."""
    table.update(
        projects_of(state_id),
        project,
        "SET #last_ingest_date = :date",
        "attribute_not_exists(#nothing)",
        {"date": date},
    )


@contextmanager
def running(implementation: str, folder: Path, **more: str) -> Iterator[LocalDynamoDB]:
    """Run `moto` or `ministack` in the block, with more variables in its environment."""
    port = free_port()
    if implementation == "moto":
        command = [sys.executable, "-c", _ONE_THREAD, str(port)]
    else:
        command = [str(partners.installed("ministack"))]
    address = {"BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port)}
    with listening(command, port, folder / f"{implementation}.log", **address, **more):
        yield LocalDynamoDB(f"http://127.0.0.1:{port}")
