"""The `audit_records` stream: what administrators and apps have changed, by the server's own log.

`GET /rest/api/2/auditing/record` (Jira REST API 10.3, Cloud's OpenAPI version 2) gives the newest
first, by `offset` and `limit`, between two moments. The later one is before the start of the run, so
that no new record moves the offsets, and the bookmark moves there when all was printed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

import msgspec
from singer_sdk import SchemaDirectory, StreamSchema
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE
from typing_extensions import override

from tap_jira_oauth.bookmark import Bookmark
from tap_jira_oauth.gate import StopRequestedError
from tap_jira_oauth.jql import format_datetime, parse_datetime
from tap_jira_oauth.streams import schemas
from tap_jira_oauth.streams.paged import PagedStream
from tap_jira_oauth.streams.rights import ADMINISTER_JIRA
from tap_jira_oauth.streams.served import ServedStream
from tap_jira_oauth.window import MINUTE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from singer_sdk.helpers.types import Context

    from tap_jira_oauth.jira import Jira

LIMIT = 1000
"""Records in one answer, which is what both flavours give at most."""


SECOND = 1000


class AuditPage(msgspec.Struct):
    """An answer of the resource."""

    records: list[dict[str, Any]]
    total: int


class AuditRecordsStream(ServedStream, PagedStream):
    """Records of the audit log, bookmarked by the server's clock at the start of the run."""

    name = "audit_records"
    primary_keys: ClassVar[tuple[str, ...]] = ("id",)
    replication_key = "created"
    schema = StreamSchema(SchemaDirectory(schemas))
    selected_by_default = False
    path = "/rest/api/2/auditing/record"
    right = ADMINISTER_JIRA

    @override
    def get_records(self, context: Context | None) -> Iterator[dict[str, Any]]:
        """Yield what was logged since the bookmark, each record once; then move the bookmark.

        Each run looks back by a minute: what is logged while a list is made may miss it.
        """
        jira = self._connect()
        state = self.get_context_state(context)
        full = self.replication_method == REPLICATION_FULL_TABLE
        old = None if full else Bookmark.from_state(state)
        since = old.updated - MINUTE if old else jira.settings.start_date or 0
        # The clock of an answer is the end of its second, which may still be to come.
        until = jira.started - SECOND
        seen = dict(old.seen) if old else {}
        with self.noting_refusals(jira):
            for record in self._between(jira, since, until):
                id_, at = str(record["id"]), parse_datetime(record["created"])
                if seen.get(id_) != at:
                    seen[id_] = at
                    yield {**record, "created": format_datetime(at)}
                if at < until - MINUTE:
                    seen.pop(id_)
            newest = max(until, old.updated if old else 0)
            late = {id_: at for id_, at in seen.items() if at >= newest - MINUTE}
            Bookmark(newest, late).write(state, replication_key=self.replication_key)
            self.write_state()

    def _between(self, jira: Jira, since: int, until: int) -> Iterator[dict[str, Any]]:
        """Yield all records of a span, the newest first."""
        span = f"from={_moment(since)}&to={_moment(until)}"
        offset = 0
        while True:
            path = f"{self.path}?offset={offset}&limit={LIMIT}&{span}"
            page, _ = jira.client.get(path, AuditPage)
            yield from page.records
            if jira.client.stopping:
                raise StopRequestedError
            offset += len(page.records)
            if not page.records or offset >= page.total:
                return

    @override
    def ask_first(self, jira: Jira) -> None:
        jira.client.get(f"{self.path}?offset=0&limit=1", AuditPage)


def _moment(at: int) -> str:
    """Return a moment in the spelling of Jira's own answers, for a query."""
    return quote(format_datetime(at).replace("Z", "+0000"), safe=":")
