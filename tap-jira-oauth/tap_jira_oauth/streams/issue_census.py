"""The `issue_census` stream: which issues there are now, by id and key, whole or not at all."""

from __future__ import annotations

import functools
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk import SchemaDirectory, StreamSchema
from typing_extensions import override

from tap_jira_oauth.census_fetch import take_census
from tap_jira_oauth.gate import StopRequestedError
from tap_jira_oauth.jql import format_datetime
from tap_jira_oauth.streams import schemas
from tap_jira_oauth.streams.printing import PrintingStream

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context

    from tap_jira_oauth.census import Census
    from tap_jira_oauth.jira import Jira

PRINTED = 1_000
"""Records that are printed at once."""


class Taking:
    """The one census of a run, which is taken when the first stream wants it."""

    def __init__(self, connect: Callable[[], Jira]) -> None:
        """Connect to nothing yet."""
        self._connect = connect

    @functools.cached_property
    def jira(self) -> Jira:
        """The connection."""
        return self._connect()

    @functools.cached_property
    def census(self) -> Census:
        """What there is."""
        return take_census(self.jira)


def records(census: Census) -> Iterator[dict[str, Any]]:
    """Yield a record for each issue."""
    taken_at = format_datetime(census.taken_at)
    size = census.size
    for id_, key, project in census.rows():
        yield {
            "census_id": census.id,
            "taken_at": taken_at,
            "issues_in_census": size,
            "id": str(id_),
            "key": key,
            "project_id": project.project_id,
            "project_key": project.project_key,
        }


class IssueCensusStream(PrintingStream):
    """One record for each issue; a census is whole if it has as many records as each of them says."""

    name = "issue_census"
    primary_keys: ClassVar[tuple[str, ...]] = ("census_id", "id")
    schema = StreamSchema(SchemaDirectory(schemas))
    selected_by_default = False

    def __init__(self, tap: Tap, taking: Taking) -> None:
        """Connect to nothing yet."""
        super().__init__(tap)
        self._taking = taking

    @override
    def get_records(self, context: Context | None) -> Iterator[dict[str, Any]]:
        """Yield every issue, when all of them are known."""
        yield from records(self._taking.census)

    @override
    def _sync_records(
        self, context: Context | None = None, *, write_messages: bool = True
    ) -> Generator[dict[str, Any], Any, Any]:
        """Print the records; by the SDK where anything of it may change one."""
        if not (write_messages and self.prints_as_they_are):
            yield from super()._sync_records(context, write_messages=write_messages)
            return
        found = self.get_records(context)
        with self.get_record_counter() as counter, self.get_sync_timer():
            while batch := list(islice(found, PRINTED)):
                self.write(batch)
                counter.increment(len(batch))
                if self._taking.jira.client.stopping:
                    self._write_state_message()
                    raise StopRequestedError
        self._write_state_message()
