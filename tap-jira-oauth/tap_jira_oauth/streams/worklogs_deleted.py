"""The `worklogs_deleted` stream: which worklogs are gone, of all projects, by the server's own log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk import SchemaDirectory, StreamSchema
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE
from typing_extensions import override

from tap_jira_oauth.bookmark import Bookmark
from tap_jira_oauth.gate import StopRequestedError
from tap_jira_oauth.jql import format_datetime
from tap_jira_oauth.streams import schemas
from tap_jira_oauth.streams.paged import PagedStream
from tap_jira_oauth.worklog_log import DELETED, ChangeLog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context

    from tap_jira_oauth.jira import Jira


class WorklogsDeletedStream(PagedStream):
    """Deletions of worklogs, bookmarked by the server's own time."""

    name = "worklogs_deleted"
    primary_keys: ClassVar[tuple[str, ...]] = ("worklog_id",)
    replication_key = "updated_at"
    schema = StreamSchema(SchemaDirectory(schemas))
    selected_by_default = False

    def __init__(self, tap: Tap, connect: Callable[[], Jira]) -> None:
        """Connect to nothing yet."""
        super().__init__(tap)
        self._connect = connect

    @override
    def get_records(self, context: Context | None) -> Iterator[dict[str, Any]]:
        """Yield what was deleted since the bookmark, each once; the bookmark follows page by page."""
        jira = self._connect()
        state = self.get_context_state(context)
        full = self.replication_method == REPLICATION_FULL_TABLE
        old = None if full else Bookmark.from_state(state)
        log = ChangeLog(jira.client, DELETED, old, jira.settings.start_date or 0)
        for changes in log.pages():
            for gone in changes:
                yield {"worklog_id": gone.key, "updated_at": format_datetime(gone.at)}
            log.bookmark.write(state, replication_key=self.replication_key)
            self.write_state()
            if jira.client.stopping:
                raise StopRequestedError
