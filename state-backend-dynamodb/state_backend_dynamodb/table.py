"""The table: items as plain values, conditions that hold or do not, errors in one sentence.

Keys: `id` and `part`, both texts.

| `id` | `part` | an item is |
|---|---|---|
| `states` | the state id | the lock of a state, and which version of it is there |
| `chunks/` and the state id | version and number | a part of a state |
| `projects/` and the state id | the project's key | how far the project is, for people |

All names in expressions go as placeholders (`#name`): `project`, for one, is a reserved word.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.types import Binary, TypeDeserializer, TypeSerializer
from botocore import exceptions as boto

from state_backend_dynamodb.errors import ConfigurationError, TableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mypy_boto3_dynamodb import DynamoDBClient

Item = dict[str, Any]

STATES = "states"

_REFUSALS = {
    "AccessDeniedException": "AWS does not permit it; the README lists the actions that the role needs",
    "UnrecognizedClientException": "the AWS credentials are not valid",
    "InvalidSignatureException": "the AWS credentials are not valid, or the clock is wrong",
    "ExpiredTokenException": "the AWS session has expired",
    "KMSAccessDeniedException": "AWS does not permit the use of the table's KMS key",
}
"""What the person who wrote the settings can correct, by error code."""

_LOST = "ConditionalCheckFailedException"


def chunks_of(state_id: str) -> str:
    """Return the `id` of a state's chunks."""
    return f"chunks/{state_id}"


def projects_of(state_id: str) -> str:
    """Return the `id` of the rows of a state's projects."""
    return f"projects/{state_id}"


class Table:
    """One table of DynamoDB. Every read sees every write before it."""

    def __init__(self, client: DynamoDBClient, name: str) -> None:
        """Nothing is asked yet. The client may be used by several threads."""
        self._client = client
        self.name = name
        self.address = f"{client.meta.endpoint_url}/{name}"

    def create(self) -> None:
        """Make the table, billed by request, unless it is there; wait until it can be used.

        Raises:
            ConfigurationError: it may not be made.
            TableError: it cannot be made.
        """
        with self._asking("created"):
            try:
                self._client.describe_table(TableName=self.name)
            except self._client.exceptions.ResourceNotFoundException:
                self._create()
            self._client.get_waiter("table_exists").wait(
                TableName=self.name, WaiterConfig={"Delay": 1, "MaxAttempts": 120}
            )

    def _create(self) -> None:
        try:
            self._client.create_table(
                TableName=self.name,
                KeySchema=[
                    {"AttributeName": "id", "KeyType": "HASH"},
                    {"AttributeName": "part", "KeyType": "RANGE"},
                ],
                AttributeDefinitions=[
                    {"AttributeName": "id", "AttributeType": "S"},
                    {"AttributeName": "part", "AttributeType": "S"},
                ],
                BillingMode="PAY_PER_REQUEST",
            )
        except self._client.exceptions.ResourceInUseException:
            return  # another process makes it at the same time

    def get(self, id_: str, part: str) -> Item | None:
        """Return an item, None where there is none."""
        with self._asking("read"):
            found = self._client.get_item(
                TableName=self.name, Key=_item({"id": id_, "part": part}), ConsistentRead=True
            )
        return _values(found["Item"]) if "Item" in found else None

    def query(self, id_: str, condition: str = "", values: Item | None = None) -> Iterator[Item]:
        """Return the items of an `id` in the order of `part`; a condition on `#part` narrows them."""
        expression = "#id = :id" + (f" AND {condition}" if condition else "")
        after: dict[str, Any] = {}
        while True:
            with self._asking("read"):
                page = self._client.query(
                    TableName=self.name,
                    KeyConditionExpression=expression,
                    ExpressionAttributeNames=_names(expression),
                    ExpressionAttributeValues=_arguments({"id": id_, **(values or {})}),
                    ConsistentRead=True,
                    **after,
                )
            yield from map(_values, page["Items"])
            if "LastEvaluatedKey" not in page:
                return
            after = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def scan(self) -> Iterator[Item]:
        """Return every item, in no order."""
        after: dict[str, Any] = {}
        while True:
            with self._asking("read"):
                page = self._client.scan(TableName=self.name, ConsistentRead=True, **after)
            yield from map(_values, page["Items"])
            if "LastEvaluatedKey" not in page:
                return
            after = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def put(self, item: Item) -> None:
        """Write an item, in place of one with the same keys."""
        with self._asking("written"):
            self._client.put_item(TableName=self.name, Item=_item(item))

    def update(
        self, id_: str, part: str, expression: str, condition: str, values: Item
    ) -> Item | None:
        """Change an item, or make it; return it as it is then, None where the condition does not hold.

        A lost answer makes boto3 send it again: the condition may not hold then because of what
        this call itself has done. Who depends on it looks at the item.
        """
        both = f"{expression} {condition}"
        with self._asking("written"):
            try:
                changed = self._client.update_item(
                    TableName=self.name,
                    Key=_item({"id": id_, "part": part}),
                    UpdateExpression=expression,
                    ConditionExpression=condition,
                    ExpressionAttributeNames=_names(both),
                    ReturnValues="ALL_NEW",
                    ExpressionAttributeValues=_arguments(values),
                )
            except self._client.exceptions.ConditionalCheckFailedException:
                return None
        return _values(changed["Attributes"])

    def delete(self, id_: str, part: str) -> None:
        """Remove an item; none of these keys is as well."""
        with self._asking("written"):
            self._client.delete_item(TableName=self.name, Key=_item({"id": id_, "part": part}))

    @contextmanager
    def _asking(self, done: str) -> Iterator[None]:
        """Turn AWS's errors into one sentence; a condition that does not hold passes."""
        failure = f"The DynamoDB table '{self.name}' cannot be {done}"
        try:
            yield
        except boto.ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            if code == _LOST:
                raise
            raise self._refusal(failure, code, error) from error
        except boto.NoCredentialsError as error:
            raise ConfigurationError(
                f"{failure}: there are no AWS credentials in settings, environment, profile or role."
            ) from error
        except (boto.BotoCoreError, boto.HTTPClientError) as error:
            raise TableError(f"{failure}: AWS cannot be asked ({type(error).__name__}).") from error

    def _refusal(self, failure: str, code: str, error: boto.ClientError) -> Exception:
        said = error.response.get("Error", {}).get("Message", "")
        if code == "ResourceNotFoundException":
            return ConfigurationError(
                f"{failure}: there is none of that name at {self._client.meta.endpoint_url}. Make "
                f"it by `meltano config meltano set state_backend.dynamodb.create_table true`, or "
                f"with the command in the README; or correct region and name."
            )
        if code == "ValidationException" and "key" in said.lower():
            return ConfigurationError(
                f"{failure}: its keys are other ones ({said}). It needs the partition key 'id' and "
                "the sort key 'part', both of type S."
            )
        if code in _REFUSALS:
            return ConfigurationError(f"{failure}: {_REFUSALS[code]} ({code}).")
        return TableError(f"{failure}: {code}: {said}")


def _item(values: Mapping[str, Any]) -> dict[str, Any]:
    serialize = TypeSerializer().serialize
    return {name: serialize(value) for name, value in values.items()}


def _arguments(values: Mapping[str, Any]) -> dict[str, Any]:
    return {f":{name}": value for name, value in _item(values).items()}


def _names(expression: str) -> dict[str, str]:
    return {f"#{name}": name for name in re.findall(r"#(\w+)", expression)}


def _values(item: Mapping[str, Any]) -> Item:
    deserialize = TypeDeserializer().deserialize
    return {name: _plain(deserialize(value)) for name, value in item.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Binary):
        return bytes(value)  # type: ignore[call-overload]  # the stubs leave its __bytes__ out
    return value
