"""The children of the issues that a run emits: printed after a page of issues, before its bookmark moves.

So a run that is killed in between reads the page again, and its children with it. What an issue's
search row embeds and says to be whole is used; the rest is asked for. An issue that is edited
between its row and that question has a newer `updated`, and comes again with all its children.
"""

from __future__ import annotations

import functools
import logging
from collections import Counter, defaultdict
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk import SchemaDirectory, StreamSchema, metrics
from typing_extensions import override

from tap_jira_oauth.child_fetch import ListReader, Read, Short
from tap_jira_oauth.child_lists import (
    CHANGELOG,
    EXPANDED,
    WORKLOGS,
    Item,
    Kind,
    Parent,
    Part,
    embedded,
    parent,
    record,
    to_ask,
)
from tap_jira_oauth.errors import AccessError
from tap_jira_oauth.history_redaction import HistoryRedaction
from tap_jira_oauth.progress import ChildTally
from tap_jira_oauth.streams import schemas
from tap_jira_oauth.streams.late_worklogs import LateWorklogs
from tap_jira_oauth.streams.printing import PrintingStream

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from singer_sdk.helpers.types import Context

    from tap_jira_oauth.answered_issue import Issue, Values
    from tap_jira_oauth.field_redaction import Redaction
    from tap_jira_oauth.jira import Jira

logger = logging.getLogger("tap-jira-oauth")

ISSUES = "issues"
"""The stream above, as the state names it."""

NAMED = 10
"""Issues that a warning names."""

REFUSED = 10
"""So many lists asked for, and every one of them refused, are no matter of single issues any more."""


class ChildStream(PrintingStream):
    """A list below issues as a stream of its own; `Children` prints it, and not the SDK by `sync`."""

    kind: ClassVar[Kind]
    primary_keys: ClassVar[tuple[str, ...]] = ("id",)
    schema = StreamSchema(SchemaDirectory(schemas))
    selected_by_default = False

    @override
    def get_records(self, context: Context | None) -> Iterable[dict[str, Any]]:
        """Return none: without the search row of its issue nobody knows what is to be asked for."""
        return ()

    @override
    def finalize_state_progress_markers(self, state: dict[str, Any] | None = None) -> None:
        """Leave the state alone: the bookmark of the issues covers their children."""

    def write_schema(self) -> None:
        """Print the SCHEMA message."""
        self._write_schema_message()

    @functools.cached_property
    def date_times(self) -> tuple[str, ...]:
        """The properties of a child that the schema declares as `date-time`."""
        properties = self.schema["properties"]
        return tuple(name for name, kind in properties.items() if kind.get("format") == "date-time")


@dataclass(frozen=True)
class Below:
    """The version of an issue, and what its search row holds of each stream's list."""

    issue: Parent
    parts: Sequence[Part]


class Children:
    """The selected streams of children, which are read and printed page by page."""

    def __init__(
        self,
        streams: Sequence[ChildStream],
        jira: Jira,
        own: Sequence[str],
        redaction: Redaction,
        *,
        with_issues: bool,
    ) -> None:
        """Nothing is asked for yet. `own` is the `fields` parameter that the issues themselves need.

        `with_issues` tells that the issues are printed, too. A stream whose list is redacted whole
        is left out.
        """
        self._redaction = redaction
        streams = [each for each in streams if not self._left_out(each)]
        self._streams = streams
        self._names = [ISSUES] * with_issues + [stream.name for stream in streams]
        self._late: set[str] = set()
        self._jira = jira
        kinds = [stream.kind for stream in streams]
        self.fields, self._strange = to_ask(own, kinds)
        self.expand = [kind.field for kind in kinds if kind.field in EXPANDED]
        self._tallies = jira.progress.streams
        self._amiss: dict[tuple[str, str], list[str]] = defaultdict(list)
        self._asked: Counter[str] = Counter()
        self._open = ExitStack()
        self._counters: dict[str, metrics.Counter] = {}
        self._late_worklogs: LateWorklogs | None = None

    @functools.cached_property
    def _reader(self) -> ListReader:
        # Made late, since it asks what Jira this is: the first question of a run is who we are.
        width = self._jira.settings.max_concurrent_requests
        return ListReader(self._jira.client, width, is_cloud=self._jira.is_cloud)

    def _left_out(self, stream: ChildStream) -> bool:
        redacted = stream.kind.field in self._redaction.whole
        if redacted:
            logger.warning("%s is not read: redact_fields names %s", stream.name, stream.kind.field)
        return redacted

    @functools.cached_property
    def _histories(self) -> HistoryRedaction:
        redacts = self._redaction.whole or self._redaction.parts
        # Histories go by names, and those of the catalog may be old.
        names = {field.id: field.name for field in self._jira.fields} if redacts else {}
        return HistoryRedaction.of(self._redaction, names)

    def _redacted(self, kind: Kind, item: Item) -> Item:
        if kind.field == CHANGELOG:
            return self.redacted_history(item)
        return self._redaction.of_child(kind.field, item)

    def redacted_history(self, history: Item) -> Item:
        """Return a history without what nobody may see."""
        return self._histories.apply(self._redaction.of_child(CHANGELOG, history))

    def write_schemas(self) -> None:
        """Print the SCHEMA messages, and begin to count."""
        for stream in self._streams:
            self._tallies[stream.name] = ChildTally()
            counter = stream.get_record_counter()
            self._counters[stream.name] = self._open.enter_context(counter)
            stream.write_schema()
            if stream.kind is WORKLOGS:
                self._late_worklogs = LateWorklogs(self._jira, stream.get_context_state(None))

    def below(self, issue: Issue[Values]) -> Below | None:
        """Return what the search shows of the lists below an issue; take out the fields that came for them alone."""
        if not self._streams:
            return None
        found = Below(parent(issue), [embedded(stream.kind, issue) for stream in self._streams])
        for name in self._strange:
            if name in issue.fields:
                del issue.fields[name]
        return found

    def write(self, page: Sequence[Below], passed: Collection[str] | None) -> None:
        """Read what is missing of a page's lists and print them all; only those of `passed` issues.

        Raises:
            AccessError: Jira refuses all lists of a stream.
            TapError: Jira did not answer, or answered something else.
            StopRequestedError: the run was asked to stop while it waited.
        """
        page = [below for below in page if passed is None or below.issue.id in passed]
        short = [
            Short(stream.kind, below.issue.id, part)
            for below in page
            for stream, part in zip(self._streams, below.parts, strict=True)
            if not part.whole
        ]
        bulk = self._reader.in_bulk(short)
        read = {(each.kind, each.issue_id): found for each, found in self._reader.read(short, bulk)}
        self._asked.update(kind.stream for kind, _ in read)
        for place, stream in enumerate(self._streams):
            children = []
            for below in page:
                found = read.get((stream.kind, below.issue.id)) or Read(below.parts[place].items)
                children += [(below.issue, item) for item in found.items]
                self._count(stream.name, below.issue.key, found)
                if stream.kind is WORKLOGS and self._late_worklogs:
                    self._late_worklogs.note(below.issue, found.items)
            self._tallies[stream.name].requests += (
                bulk.requests if stream.kind.field == CHANGELOG else 0
            )
            self._print(stream, children)
        for name in {kind.stream for kind, _ in read}:
            self._heed_refusals(name)

    def write_late_worklogs(self) -> None:
        """Print the worklogs that changed without their issue, when all issues are read.

        Raises:
            TapError: Jira did not answer, or answered something else.
            StopRequestedError: the run was asked to stop.
        """
        for stream in self._streams:
            if stream.kind is WORKLOGS and self._late_worklogs:
                for children in self._late_worklogs.pages():
                    self._print(stream, children)
                self._tallies[stream.name].requests += self._late_worklogs.requests

    def leave_late_worklogs(self) -> None:
        """Say that they are not looked for."""
        if self._late_worklogs:
            logger.warning(
                "Worklogs that changed without their issue are not looked for: a stream map of the "
                "issues decides which of them are printed, and they are not at hand"
            )

    def _print(self, stream: ChildStream, children: Sequence[tuple[Parent, Item]]) -> None:
        kind = stream.kind
        records = [
            record(issue, self._redacted(kind, item), stream.date_times, kind.names)
            for issue, item in children
        ]
        self._tallies[stream.name].records += len(records)
        self._counters[stream.name].increment(len(records))
        if records:
            stream.write(records)

    def warn_of_late_ones(self, state: Mapping[str, Any]) -> None:
        """Say which streams a bookmark does not cover: it was made by runs without them."""
        late = set(self._names) - set(state.get("streams", [ISSUES])) - self._late
        self._late |= late
        if late:
            logger.warning(
                "%s: begins with what changes from now on; the runs before were without. For what "
                "was there before, read once without a state",
                ", ".join(sorted(late)),
            )

    def note_in(self, state: dict[str, Any]) -> None:
        """Note in a project's state which streams its bookmark covers, where it is not the issues alone."""
        if self._names == [ISSUES]:
            state.pop("streams", None)
        else:
            state["streams"] = self._names

    def report(self) -> None:
        """Say how many records there were, and which lists are not as they should be."""
        self._open.close()
        for (stream, what), keys in self._amiss.items():
            named = ", ".join(keys[:NAMED]) + (" and others" if len(keys) > NAMED else "")
            lists = "1 list" if len(keys) == 1 else f"{len(keys)} lists"
            logger.warning("%s: %s %s, of %s", stream, lists, what, named)
        self._amiss.clear()

    def _heed_refusals(self, stream: str) -> None:
        """End the run, and before the bookmark moves, where Jira refuses whatever is asked for.

        Raises:
            AccessError: it does.
        """
        refused = self._tallies[stream].unreadable
        if refused == self._asked[stream] >= REFUSED:
            raise AccessError(
                f"Stream '{stream}': Jira refuses every list that the search does not show whole, "
                f"{refused} of {refused} so far (403). Ask a Jira administrator for the permission to "
                "see them (with OAuth 2.0, look at the scopes of the app, too), or deselect the "
                "stream. The issues come again with the next run."
            )

    def _count(self, stream: str, key: str, found: Read) -> None:
        tally = self._tallies[stream]
        tally.requests += found.requests
        tally.truncated += found.cut
        tally.vanished += found.gone
        tally.unreadable += found.refused
        if found.cut:
            self._amiss[stream, "could not be read whole"].append(key)
        if found.refused:
            self._amiss[stream, "may not be seen by the signed-in user"].append(key)
