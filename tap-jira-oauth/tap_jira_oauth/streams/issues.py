"""The `issues` stream: every issue of every project, in its newest version, project by project."""

from __future__ import annotations

import functools
import sys
from contextlib import nullcontext
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk import SchemaDirectory, StreamSchema
from singer_sdk.mapper import SameRecordTransform
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE
from typing_extensions import override

from tap_jira_oauth.answered_page import IssueMaker
from tap_jira_oauth.bookmark import Bookmark, take_over
from tap_jira_oauth.cloud_search import TokenSearch, report_missing
from tap_jira_oauth.cloud_window import CloudReader
from tap_jira_oauth.display import shown
from tap_jira_oauth.errors import AccessError, ConfigurationError
from tap_jira_oauth.expansion import Expansion, declared
from tap_jira_oauth.fetch import Fetcher
from tap_jira_oauth.field_types import Discovered, typed
from tap_jira_oauth.fields import (
    NEEDED,
    Shape,
    as_json,
    fields_to_ask,
    from_json,
    record_line,
)
from tap_jira_oauth.gate import StopRequestedError
from tap_jira_oauth.jql import in_utc
from tap_jira_oauth.offset_search import OffsetSearch
from tap_jira_oauth.page_size import PageSize
from tap_jira_oauth.stream_redaction import of_fields
from tap_jira_oauth.streams import schemas
from tap_jira_oauth.streams.children import Children, ChildStream
from tap_jira_oauth.streams.issue_texts import IssueText, IssueTexts
from tap_jira_oauth.streams.paged import PagedStream
from tap_jira_oauth.streams.printing import printed_as_they_are
from tap_jira_oauth.streams.readings import Readings
from tap_jira_oauth.streams.served import served_names

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping

    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context
    from singer_sdk.singerlib.catalog import MetadataMapping

    from tap_jira_oauth.jira import Jira, Project
    from tap_jira_oauth.window import Reader


_FIELDS = ("properties", "fields", "properties")


class IssuesStream(PagedStream):
    """Issues by project, bookmarked by `updated`; the state of a project is a partition."""

    name = "issues"
    primary_keys: ClassVar[tuple[str, ...]] = ("id",)
    replication_key = "updated"
    declared_schema = StreamSchema(SchemaDirectory(schemas))
    selected_by_default = True

    def __init__(self, tap: Tap, connect: Callable[[], Jira]) -> None:
        """Connect to nothing yet: a catalog is made without settings, too."""
        super().__init__(tap)
        self._connect = connect
        self._pages = 0
        self._unreadable: list[str] = []
        self._passed: set[str] | None = None
        self._prints = False

    @functools.cached_property
    def _jira(self) -> Jira:
        return self._connect()

    @property
    @override
    def schema(self) -> dict[str, Any]:
        """The catalog's, if there is one; else what Jira's list of fields tells."""
        return self._discovered.schema if self._input_schema is None else self._input_schema

    @functools.cached_property
    def _discovered(self) -> Discovered:
        """The schema with this Jira's own fields; without them where there is no sign-in yet."""
        try:
            jira = self._jira
        except ConfigurationError as error:
            self.logger.warning("The catalog is made without custom fields: %s", error)
            return Discovered(self.declared_schema, {})
        schema = declared(self.declared_schema, jira.settings.expand)
        return typed(schema, jira.fields, jira.settings.custom_field_names)

    @property
    @override
    def metadata(self) -> MetadataMapping:
        """As the SDK makes it; what differs on every read is selected only if somebody asks for it."""
        new = self._metadata is None and self._tap_input_catalog is None
        found = super().metadata
        if new and self._discovered.volatile:
            asked = self._jira.settings.fields
            for field, name in self._discovered.volatile.items():
                if field not in asked:
                    found[(*_FIELDS, name)].selected_by_default = False
        return found

    @functools.cached_property
    def _shape(self) -> Shape:
        names = self.schema.get("properties", {}).get("fields", {}).get("properties", {})
        deselected = [name for name in names if not self.mask[(*_FIELDS, name)]]
        redact = of_fields(self._jira.settings.redact_fields, served_names(self._tap))
        shape = Shape(self.schema, in_utc, deselected, redact)
        if shape.known is None:
            self.logger.info(
                "The catalog was made without custom fields: they come as Jira sends them. To have "
                "them typed, discover again (`meltano run --refresh-catalog`)."
            )
        return shape

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
        if not context:  # the SDK's word for no partition: a shard may have none
            return
        self._texts.write = as_json
        for records in self._pages_of(self._project(context)):
            yield from map(from_json, records)

    @override
    def _sync_records(
        self, context: Context | None = None, *, write_messages: bool = True
    ) -> Generator[dict[str, Any], Any, Any]:
        """Print the records of all projects; the run fails at its end if one of them could not be read.

        The SDK's own way is taken where anything of it may change a record.
        """
        self._prints = write_messages
        with shown(self._jira.progress) if write_messages else nullcontext():
            if write_messages:
                self._children.write_schemas()
            try:
                if write_messages and self._prints_records_as_they_are():
                    self._print_records()
                else:
                    self._passed = set()
                    yield from super()._sync_records(context, write_messages=write_messages)
                if write_messages:
                    self._catch_up()
            finally:
                self._children.report()
        unreadable = [self._jira.invisible] if self._jira.invisible else []
        unreadable += self._unreadable
        if unreadable and self._jira.settings.on_inaccessible_project == "fail":
            self._jira.unserved.append(
                f"{' '.join(unreadable)} All other projects were read, and their state is printed. "
                "To go on without these, set on_inaccessible_project to 'skip'."
            )

    def _catch_up(self) -> None:
        """Print what changed below issues without them, unless not all issues may be printed or read."""
        mapped = any(type(each) is not SameRecordTransform for each in self.stream_maps)
        failed = self._unreadable and self._jira.settings.on_inaccessible_project == "fail"
        if mapped:
            self._children.leave_late_worklogs()
        elif not failed:
            try:
                self._children.write_late_worklogs()
            finally:
                self.write_state()

    def _prints_records_as_they_are(self) -> bool:
        """Tell whether no stream map, flattening, selection within a record or limit is in the way."""
        kept = all(
            selected or (breadcrumb[:3] == _FIELDS and breadcrumb[-1] not in NEEDED)
            for breadcrumb, selected in self.mask.items()
        )
        return not self.selected or (kept and printed_as_they_are(self))

    def _print_records(self) -> None:
        name = self.stream_maps[0].stream_alias
        self._texts.write = (
            (lambda made: record_line(name, made, datetime.now(timezone.utc)))
            if self.selected
            else None
        )
        output = sys.stdout.buffer
        with self.get_record_counter() as counter, self.get_sync_timer() as timer:
            for context in self.partitions:
                counter.with_context(context)
                timer.with_context(context)
                for lines in self._pages_of(self._project(context)):
                    self.state_manager.is_flushed = False
                    if not self.selected:
                        continue
                    output.write(b"\n".join([*lines, b""]))
                    output.flush()
                    counter.increment(len(lines))
        self._write_state_message()

    def _pages_of(self, project: Project) -> Iterator[list[bytes]]:
        """Yield the records of one project page by page, as text; its state follows what was taken."""
        state = self.get_context_state({"project_id": project.id})
        old = self._readings.bookmark(state)
        reading = self._readings[project]
        reader = reading.reader
        if old:
            self._children.warn_of_late_ones(state)
        progress = self._jira.progress
        progress.begin(project.key)
        try:
            for page in self._fetcher.pages(reading, lambda: self._readings.after(project)):
                yield [issue.record for issue in page.issues]
                # Reached only when the last of them is printed.
                if self._prints:
                    below = [issue.below for issue in page.issues if issue.below]
                    self._children.write(below, self._passed)
                progress.unconformed.update(
                    field for issue in page.issues for field in issue.unconformed
                )
                self._keep(state, project, reader, old)
                bookmark = state.get("replication_key_value")
                progress.page(len(page.issues), page.total, page.requests, reader.moved, bookmark)
                self._heed_signals()
        except AccessError as error:
            self._unreadable.append(f"{project.key}: {error}")
            self.logger.warning(self._unreadable[-1])
            return
        except StopRequestedError:
            self._write_state_message()
            raise
        finally:
            self._readings.forget(project)
        self.logger.info("%s", progress.finish())
        if isinstance(reader, CloudReader):
            report_missing(project.key, reader)

    @functools.cached_property
    def _readings(self) -> Readings:
        """The projects' readings; all from their beginning for a person who says so in the catalog."""
        whole = self.replication_method == REPLICATION_FULL_TABLE
        return Readings(self._jira, self.stream_state, whole=whole)

    @functools.cached_property
    def _texts(self) -> IssueTexts:
        return IssueTexts(self._shape, self._children, self._expansion)

    @functools.cached_property
    def _fetcher(self) -> Fetcher[IssueText]:
        settings = self._jira.settings
        size = PageSize(settings.page_size)
        issues = IssueMaker(self._texts.make)
        parts = (self._jira.client, issues, self._children.fields, size, settings.jql)
        expand = list(dict.fromkeys([*self._expansion.names, *self._children.expand]))
        search = (
            TokenSearch(*parts, expand=expand)
            if self._jira.is_cloud
            else OffsetSearch(*parts, literal=self._jira.literal, expand=expand)
        )
        return Fetcher(search, settings.max_concurrent_requests, self._jira.client.rest)

    @functools.cached_property
    def _children(self) -> Children:
        """The selected streams of what hangs below issues, and the fields that all this needs."""
        wanted = self._jira.settings.fields
        fields = fields_to_ask(wanted, self._shape.left_out) if self.selected else NEEDED
        streams = [each for each in self.child_streams if isinstance(each, ChildStream)]
        selected = [each for each in streams if each.selected]
        redaction = self._shape.redaction
        return Children(selected, self._jira, fields, redaction, with_issues=self.selected)

    @functools.cached_property
    def _expansion(self) -> Expansion:
        wanted = self._jira.settings.expand if self.selected else ()
        redaction = self._shape.redaction
        names = [n for n in wanted if n not in redaction.whole and self.mask["properties", n]]
        return Expansion(names, redaction, self._children.redacted_history)

    def _project(self, context: Context | None) -> Project:
        wanted = (context or {})["project_id"]
        return next(project for project in self._jira.projects if project.id == wanted)

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
            self._children.note_in(state)
        self._pages += 1
        if self._pages % self._jira.settings.pages_per_state == 0:
            self._write_state_message()

    def _heed_signals(self) -> None:
        if self._jira.client.stopping:
            raise StopRequestedError

    @override
    def get_child_context(self, record: Mapping[str, Any], context: Context | None) -> Context:
        """Return the issue, for `_sync_children`."""
        return {"issue_id": record["id"]}

    @override
    def _sync_children(self, child_context: Context | None) -> None:
        """Note an issue that no stream map filtered; its children are printed with those of its page."""
        if self._passed is not None and child_context is not None:
            self._passed.add(child_context["issue_id"])
