"""The `audit_records` stream: what administrators and apps have changed, by the server's own log.

`GET /rest/api/2/auditing/record` (Jira REST API 10.3, Cloud's OpenAPI version 2) gives the newest
first, by `offset` and `limit`, between two moments. The later one is before the start of the run, so
that no new record moves the offsets; what is logged late may, and is noticed. Pages are read from the
oldest on, and the bookmark follows them.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

from singer_sdk import SchemaDirectory, StreamSchema
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE
from typing_extensions import override

from tap_jira_oauth.bookmark import Bookmark
from tap_jira_oauth.errors import AnswerError
from tap_jira_oauth.gate import StopRequestedError
from tap_jira_oauth.jql import format_datetime, parse_datetime
from tap_jira_oauth.newest_first import Part, oldest_first
from tap_jira_oauth.span import MINUTE
from tap_jira_oauth.stream_redaction import without
from tap_jira_oauth.streams import schemas
from tap_jira_oauth.streams.paged import PagedStream
from tap_jira_oauth.streams.rights import ADMINISTER_JIRA
from tap_jira_oauth.streams.served import ServedStream

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from singer_sdk.helpers.types import Context

    from tap_jira_oauth.jira import Jira

LIMIT = 1000
"""Records in one answer, which is what both flavours give at most."""


READINGS = 10
"""How often the log may move while it is read, before the run gives up."""

SECOND = 1000


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
        """Yield what was logged since the bookmark, each record once; the bookmark follows page by page.

        Each run looks back by a minute: what is logged while a list is made may miss it.
        """
        jira = self._connect()
        state = self.get_context_state(context)
        full = self.replication_method == REPLICATION_FULL_TABLE
        old = None if full else Bookmark.from_state(state)
        start = jira.settings.start_date or 0
        # The clock of an answer is the end of its second, which may still be to come.
        mark = old or Bookmark(start)
        until = max(jira.started - SECOND, mark.updated)
        redacted = self.redacted(jira)
        with self.noting_refusals(jira):
            for _ in range(READINGS):
                since = max(start, mark.updated - MINUTE)
                for records in oldest_first(partial(self._ask, jira, since, until)):
                    if records is None:
                        break
                    new, mark = _new(records, mark)
                    yield from (without(record, redacted) for record in new)
                    self._keep(mark, state)
                    if jira.client.stopping:
                        raise StopRequestedError
                else:
                    self._keep(Bookmark(until, _recent(mark.seen, until)), state)
                    return
            raise AnswerError(
                f"{self.path}: the log was never at rest while it was read. Run again; if it stays "
                "so, report it."
            )

    def _ask(self, jira: Jira, since: int, until: int, offset: int) -> Part:
        """Ask for records of a span, the newest first."""
        span = f"from={_moment(since)}&to={_moment(until)}"
        return jira.client.get(f"{self.path}?offset={offset}&limit={LIMIT}&{span}", Part)[0]

    def _keep(self, mark: Bookmark, state: dict[str, Any]) -> None:
        mark.write(state, replication_key=self.replication_key)
        self.write_state()

    @override
    def ask_first(self, jira: Jira) -> None:
        jira.client.get(f"{self.path}?offset=0&limit=1", Part)


def _new(records: list[dict[str, Any]], mark: Bookmark) -> tuple[list[dict[str, Any]], Bookmark]:
    """Return those that were not seen, in UTC, and the bookmark that covers them."""
    seen, newest, new = dict(mark.seen), mark.updated, []
    for record in records:
        id_, at = str(record["id"]), parse_datetime(record["created"])
        newest = max(newest, at)
        if seen.get(id_) != at:
            seen[id_] = at
            new.append({**record, "created": format_datetime(at)})
    return new, Bookmark(newest, _recent(seen, newest))


def _recent(seen: Mapping[str, int], newest: int) -> dict[str, int]:
    """Return what the next look-back shows again."""
    return {id_: at for id_, at in seen.items() if at >= newest - MINUTE}


def _moment(at: int) -> str:
    """Return a moment in the spelling of Jira's own answers, for a query."""
    return quote(format_datetime(at).replace("Z", "+0000"), safe=":")
