"""The `issues` stream: every issue of every project, in its newest version, project by project."""

from __future__ import annotations

import functools
import logging
import sys
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk import SchemaDirectory, StreamSchema
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE
from singer_sdk.streams import Stream
from typing_extensions import override

from tap_jira_oauth.bookmark import Bookmark, take_over
from tap_jira_oauth.client import StopRequestedError
from tap_jira_oauth.cloud_search import CloudSearch
from tap_jira_oauth.cloud_window import CloudReader
from tap_jira_oauth.display import shown
from tap_jira_oauth.errors import TapError
from tap_jira_oauth.fetch import Search
from tap_jira_oauth.fields import date_time_fields, fields_to_ask, record
from tap_jira_oauth.jql import format_datetime, parse_datetime
from tap_jira_oauth.streams import schemas
from tap_jira_oauth.window import MINUTE, Reader, Span, lower_bound

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping

    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context

    from tap_jira_oauth.fetch import Page
    from tap_jira_oauth.jira import Jira, Project


class IssuesStream(Stream):
    """Issues by project, bookmarked by `updated`; the state of a project is a partition."""

    name = "issues"
    primary_keys: ClassVar[tuple[str, ...]] = ("id",)
    replication_key = "updated"
    schema = StreamSchema(SchemaDirectory(schemas))
    selected_by_default = True

    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE
    # STATE is printed by pages, below, and never by the SDK's count of records.
    STATE_MSG_FREQUENCY = sys.maxsize
    is_sorted = True
    # `updated >= ...` shows rows of the look-back again, which the SDK would call unsorted.
    check_sorted = False

    def __init__(self, tap: Tap, jira: Jira) -> None:
        """Take the connection; nothing is sent yet."""
        super().__init__(tap)
        self._jira = jira
        self._pages = 0

    @functools.cached_property
    @override
    def partitions(self) -> list[dict[str, Any]]:
        """One partition a project, by the id that outlives a renaming."""
        projects = self._jira.projects
        begin = take_over(self.stream_state, {project.id: project.key for project in projects})
        contexts = [{"project_id": project.id} for project in projects]
        for context in contexts:
            if context["project_id"] in begin:
                state = self.get_context_state(context)
                state.setdefault("replication_key_value", begin[context["project_id"]])
        return contexts

    @override
    def get_records(self, context: Context | None) -> Iterable[dict[str, Any]]:
        """Yield the new issues of one project; keep its state true to what was yielded."""
        project = self._project(context)
        state = self.get_context_state(context)
        old = self._bookmark(state)
        pages, reader = self._pages_of(project, old)
        progress = self._jira.progress
        progress.begin(project.key)
        to_utc = _to_utc
        date_times = date_time_fields(self.schema)
        try:
            for page in pages:
                for issue in page.issues:
                    yield record(issue, date_times, to_utc)
                # Reached only when the SDK has printed the last of them.
                self._keep(state, project, reader, old)
                bookmark = state.get("replication_key_value")
                progress.page(len(page.issues), page.total, page.requests, reader.moved, bookmark)
        except StopRequestedError:
            self._write_state_message()
            raise
        self.logger.info("%s", progress.finish())

    @override
    def _sync_records(
        self, context: Context | None = None, *, write_messages: bool = True
    ) -> Generator[dict[str, Any], Any, Any]:
        """Read and print all projects, and show meanwhile how far that is."""
        with shown(self._jira.progress) if write_messages else nullcontext():
            yield from super()._sync_records(context, write_messages=write_messages)

    def _bookmark(self, state: dict[str, Any]) -> Bookmark | None:
        """Return where to go on; nowhere for a person who asks for everything in the catalog."""
        full = self.replication_method == REPLICATION_FULL_TABLE
        return None if full else Bookmark.from_state(state)

    def _project(self, context: Context | None) -> Project:
        wanted = (context or {})["project_id"]
        return next(project for project in self._jira.projects if project.id == wanted)

    def _span(self, old: Bookmark | None) -> Span:
        settings = self._jira.settings
        lookback = self._jira.lookback_minutes * MINUTE
        bounds = [settings.start_date, lower_bound(old.updated, lookback) if old else None]
        since = max((bound for bound in bounds if bound is not None), default=None)
        return Span(since, settings.end_date, self._jira.started, lookback)

    def _pages_of(
        self, project: Project, old: Bookmark | None
    ) -> tuple[Iterator[Page], Reader | CloudReader]:
        """Return the pages of a project, and who knows how far they were read."""
        settings = self._jira.settings
        fields = fields_to_ask(settings.fields, self._deselected_fields())
        asked = (self._jira.client, fields, settings.page_size, settings.jql)
        begin = (self._span(old), old.seen if old else {})
        if self._jira.is_cloud:
            by_token = CloudReader(*begin)
            return CloudSearch(*asked).pages(project.key, by_token), by_token
        by_offset = Reader(*begin)
        return Search(*asked).pages(project.key, by_offset), by_offset

    def _deselected_fields(self) -> list[str]:
        names = self.schema["properties"]["fields"]["properties"]
        breadcrumb = ("properties", "fields", "properties")
        return [name for name in names if not self.mask[(*breadcrumb, name)]]

    def _keep(
        self,
        state: dict[str, Any],
        project: Project,
        reader: Reader | CloudReader,
        old: Bookmark | None,
    ) -> None:
        """Move the project's bookmark up to what was printed; print STATE every few pages."""
        known = [reader.bookmark, old.updated if old else None]
        newest = max((moment for moment in known if moment is not None), default=None)
        if newest is not None:
            Bookmark(newest, reader.boundary(newest)).write(state, project.key)
        self._pages += 1
        if self._pages % self._jira.settings.pages_per_state == 0:
            self._write_state_message()
        if self._jira.client.stopping:
            raise StopRequestedError

    # What the SDK would add to the state on its own account.

    @override
    def _increment_stream_state(
        self, latest_record: Mapping[str, Any], *, context: Context | None = None
    ) -> None:
        """Leave the bookmark alone: `_keep` moves it, page by page."""

    @override
    def _write_starting_replication_value(self, context: Context | None) -> None:
        """Write none: the starting value is the bookmark itself."""

    @override
    def get_replication_key_signpost(self, context: Context | None = None) -> None:
        """Return none: the server's clock, not this machine's, bounds the bookmark."""

    @override
    def log(self, message: str, *args: Any, level: int = logging.INFO, **kwargs: Any) -> None:
        """Log, except that an error a person can act on was "unhandled": it is said once, later."""
        said_later = (TapError, StopRequestedError, BrokenPipeError)
        if not isinstance(sys.exc_info()[1], said_later):
            super().log(message, *args, level=level, **kwargs)


def _to_utc(text: str) -> str:
    return format_datetime(parse_datetime(text))
