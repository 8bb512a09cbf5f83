"""Tables in the Glue Data Catalog: made where they are missing, brought up to date where they differ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from botocore import exceptions as boto

from target_s3_jsonl import refusal
from target_s3_jsonl.errors import GlueError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_MISSING = "EntityNotFoundException"


class GlueCatalog:
    """One database of the catalog."""

    def __init__(self, client: Any, database: str) -> None:
        """Take boto3's client; no request is made yet."""
        self._client = client
        self._database = database

    def put(self, table: Mapping[str, Any]) -> Literal["created", "updated", "unchanged"]:
        """Make a table as `TableInput` describes it; the database, too, if it is missing.

        Raises:
            GlueError: Glue does not allow it, or does not answer.
        """
        name = str(table["Name"])
        there = self._asked(self._client.get_table, name, Name=name)
        if there is None:
            self._make_database()
            self._asked(self._client.create_table, name, TableInput=table)
            return "created"
        if all(_as_told(there["Table"].get(member), value) for member, value in table.items()):
            return "unchanged"
        self._asked(self._client.update_table, name, TableInput=table)
        return "updated"

    def _make_database(self) -> None:
        wanted = {"Name": self._database}
        try:
            self._client.get_database(**wanted)
        except boto.ClientError as error:
            if refusal.code(error) != _MISSING:
                raise self._failure(f"database {self._database}", error) from error
            try:
                self._client.create_database(DatabaseInput=wanted)
            except (boto.ClientError, boto.BotoCoreError) as again:
                raise self._failure(f"database {self._database}", again) from again

    def _asked(self, call: Callable[..., Any], table: str, **what: Any) -> Any:
        """Return the answer, None if the table is not there."""
        try:
            return call(DatabaseName=self._database, **what)
        except boto.ClientError as error:
            if refusal.code(error) == _MISSING and "TableInput" not in what:
                return None
            raise self._failure(f"table {self._database}.{table}", error) from error
        except (boto.BotoCoreError, OSError) as error:
            raise self._failure(f"table {self._database}.{table}", error) from error

    def _failure(self, what: str, error: Exception) -> GlueError:
        said = (
            error.response.get("Error", {}).get("Message", "no reason given")
            if isinstance(error, boto.ClientError)
            else str(error)
        )
        return GlueError(
            f"Glue does not take {what}: {said}. It takes glue:GetTable, glue:CreateTable, glue:UpdateTable, glue:GetDatabase "
            "and glue:CreateDatabase; AWS_ENDPOINT_URL_GLUE names another Glue."
        )


def _as_told(there: Any, wanted: Any) -> bool:
    """Whether Glue has what was asked for; it adds members of its own."""
    if isinstance(wanted, dict) and isinstance(there, dict):
        return all(_as_told(there.get(name), value) for name, value in wanted.items())
    if isinstance(wanted, list) and isinstance(there, list):
        return len(wanted) == len(there) and all(map(_as_told, there, wanted))
    return bool(there == wanted) or (wanted == [] and there is None)
