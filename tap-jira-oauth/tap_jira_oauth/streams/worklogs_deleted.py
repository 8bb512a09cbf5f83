"""The `worklogs_deleted` stream: which worklogs are gone, of all projects, by the server's own list.

`GET /rest/api/2/worklog/deleted?since=MS` (Jira REST API 10.3, Cloud's OpenAPI version 2) gives up to
1,000 entries in the order of time, `since` included, and in `until` where to go on. It holds back
what happened within the last minute; so each run looks back by as much.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
from singer_sdk import SchemaDirectory, StreamSchema
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE
from typing_extensions import override

from tap_jira_oauth.bookmark import Bookmark
from tap_jira_oauth.gate import StopRequestedError
from tap_jira_oauth.jql import format_datetime
from tap_jira_oauth.streams import schemas
from tap_jira_oauth.streams.paged import PagedStream
from tap_jira_oauth.window import MINUTE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context

    from tap_jira_oauth.jira import Jira

DELETED = "/rest/api/2/worklog/deleted"


class Deletion(msgspec.Struct):
    """A worklog that is gone, and when (epoch ms)."""

    id: int | str = msgspec.field(name="worklogId")
    at: int = msgspec.field(name="updatedTime")

    @property
    def key(self) -> str:
        """The id as the `id` of a worklog is spelled."""
        return str(self.id)


class DeletedPage(msgspec.Struct):
    """An answer of `DELETED`."""

    values: list[Deletion]
    until: int
    last: bool = msgspec.field(name="lastPage")


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
        since = old.updated - MINUTE if old else jira.settings.start_date or 0
        newest = old.updated if old else since
        seen = dict(old.seen) if old else {}
        while True:
            page, _ = jira.client.get(f"{DELETED}?since={since}", DeletedPage)
            for gone in page.values:
                if seen.get(gone.key) != gone.at:
                    seen[gone.key] = gone.at
                    yield {"worklog_id": gone.key, "updated_at": format_datetime(gone.at)}
            newest = max(newest, page.until)
            seen = {key: at for key, at in seen.items() if at >= newest - MINUTE}
            Bookmark(newest, seen).write(state, replication_key=self.replication_key)
            self.write_state()
            if jira.client.stopping:
                raise StopRequestedError
            if page.last:
                return
            since = self._following(since, page)

    def _following(self, since: int, page: DeletedPage) -> int:
        """Return where the next page begins."""
        if page.until > since:
            return page.until
        self.logger.warning(
            "More worklogs were deleted in the millisecond %d than Jira lists in one answer; the rest "
            "of them it does not tell",
            since,
        )
        return since + 1
