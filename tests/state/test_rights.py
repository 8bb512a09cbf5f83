"""The rights that the README names are enough, and no more than that is used."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest

from state.dynamodb import KEYS, REGION, LocalDynamoDB, running, states
from state_backend_dynamodb.aws import dynamodb_client
from state_backend_dynamodb.errors import ConfigurationError
from state_backend_dynamodb.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.workspace

README = Path(__file__).resolve().parents[2] / "state-backend-dynamodb" / "README.md"


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalDynamoDB]:
    """A server that enforces the policies of users."""
    with running("ministack", tmp_path_factory.mktemp("strict"), AUTH="true") as server:
        yield server


def user(server: LocalDynamoDB, table: Table, *without: str) -> Table:
    """Return the table as a user sees it who has the README's policy, `without` some of its actions."""
    policy = re.search(r"```json\n(\{\s+\"Version\".*?)```", README.read_text("utf-8"), re.DOTALL)
    assert policy is not None
    rights = json.loads(policy[1].replace("meltano-state", table.name))
    (statement,) = rights["Statement"]
    statement["Action"] = [name for name in statement["Action"] if name not in without]
    iam = boto3.session.Session(
        aws_access_key_id=KEYS["aws_access_key_id"],
        aws_secret_access_key=KEYS["aws_secret_access_key"],
    ).client("iam", endpoint_url=server.url, region_name=REGION)
    name = f"user-{table.name}"
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps(rights))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    iam.close()
    client = dynamodb_client(
        region=REGION,
        endpoint_url=server.url,
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )
    return Table(client, table.name)


def whole_life(table: Table) -> None:
    """Do all that a run and `meltano state` do."""
    state = {"context": {}, "project_key": "ABC", "replication_key_value": "2026-01-01"}
    bookmarks = {"issues": {"partitions": [state]}}
    for _ in range(2):
        with states(table, lease=0.1).locked("one") as held:
            held.read()
            held.write({"completed": {"singer_state": {"bookmarks": bookmarks}}, "partial": {}})
    assert list(states(table).ids()) == ["one"]
    with states(table).locked("one") as held:
        held.delete()


def test_the_policy_is_enough(strict: LocalDynamoDB) -> None:
    """For everything but making the table and reading another one."""
    whole_life(user(strict, strict.table()))


@pytest.mark.parametrize("action", ["GetItem", "Query", "PutItem", "UpdateItem", "DeleteItem"])
def test_each_action_is_needed(strict: LocalDynamoDB, action: str) -> None:
    """Without it the error says that a right is missing."""
    table = user(strict, strict.table(), f"dynamodb:{action}")
    with pytest.raises(ConfigurationError, match="AWS does not permit it; the README lists"):
        whole_life(table)
