"""Reads to their end the lists below issues that a search's answer only begins.

Comments and worklogs have pages. Histories have pages on Cloud, for one issue or for many at once
(`POST /rest/api/2/changelog/bulkfetch`); Data Center gives them with the issue or not at all.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from tap_jira_oauth.child_lists import (
    CHANGELOG,
    CHANGELOGS,
    PAGE,
    PROPERTIES,
    TRANSITIONS,
    Item,
    Kind,
    PagedList,
    Part,
    part,
    properties,
    united,
)
from tap_jira_oauth.client import decode
from tap_jira_oauth.errors import AccessError, AnswerError, ConfigurationError, NotFoundError
from tap_jira_oauth.fetch import overlapped
from tap_jira_oauth.gate import StopRequestedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from tap_jira_oauth.client import JiraClient

logger = logging.getLogger("tap-jira-oauth")

ISSUE = "/rest/api/2/issue"
BULK = "/rest/api/2/changelog/bulkfetch"

BULK_ISSUES = 1000
"""Issues in one `bulkfetch`, by Cloud's OpenAPI."""

BULK_HISTORIES = 1000
"""Histories in one answer of it."""

WORTH_BULK = 2
"""Issues from which on `bulkfetch` costs fewer requests than each issue's own pages."""


@dataclass(frozen=True)
class Short:
    """A list that a search's answer only begins."""

    kind: Kind
    issue_id: str
    begun: Part


@dataclass(frozen=True)
class Read:
    """A list as it was read: in how many requests, and what about it is not as it should be.

    `cut` tells that it could not be read whole, `gone` that Jira has no such issue any more,
    `refused` that the user may not see it; then `items` is what the search embedded.
    """

    items: Sequence[Item]
    requests: int = 0
    cut: bool = False
    gone: bool = False
    refused: bool = False


@dataclass
class InBulk:
    """The histories that were asked for together, by the ids of their issues."""

    found: dict[str, list[Item]] = field(default_factory=dict)
    requests: int = 0


class _Log(msgspec.Struct):
    issue_id: str = msgspec.field(name="issueId")
    histories: list[dict[str, msgspec.Raw]] = msgspec.field(name="changeHistories")


class _BulkPage(msgspec.Struct):
    logs: list[_Log] = msgspec.field(name="issueChangeLogs")
    token: str | None = msgspec.field(name="nextPageToken", default=None)


class _WithChangelog(msgspec.Struct):
    changelog: msgspec.Raw


_bulk_decoder = msgspec.json.Decoder(_BulkPage)
_issue_decoder = msgspec.json.Decoder(_WithChangelog)
_json_decoder = msgspec.json.Decoder(msgspec.Raw)


@dataclass(frozen=True)
class ListReader:
    """Reads several lists at a time, up to `width`, through the gate that all requests pass.

    Its methods raise `TapError` where Jira refused, did not answer or answered something else, and
    `StopRequestedError` where the run was asked to stop while it waited.
    """

    client: JiraClient
    width: int
    is_cloud: bool

    def in_bulk(self, lists: Iterable[Short]) -> InBulk:
        """Ask Cloud for the histories of several issues at once; what it does not give is read singly."""
        ids = [short.issue_id for short in lists if short.kind is CHANGELOGS]
        bulk = InBulk()
        if not self.is_cloud or len(ids) < WORTH_BULK:
            return bulk
        try:
            for begin in range(0, len(ids), BULK_ISSUES):
                for page in self._bulk_pages(ids[begin : begin + BULK_ISSUES]):
                    bulk.requests += 1
                    for log in page.logs:
                        bulk.found.setdefault(log.issue_id, []).extend(log.histories)
        except (AccessError, AnswerError, ConfigurationError) as error:
            logger.warning("%s Histories are asked for issue by issue instead.", error)
        return bulk

    def read(self, lists: Sequence[Short], bulk: InBulk) -> Iterator[tuple[Short, Read]]:
        """Read each list to its end, in order, but for those that `bulk` holds whole.

        A page of issues may have hundreds of them: too many to be finished when the run is to stop.
        """
        works = [
            partial(self._unless_stopping, self._work(short, bulk.found.get(short.issue_id, [])))
            for short in lists
        ]
        return zip(lists, overlapped(works, self.width), strict=True)

    def _unless_stopping(self, work: Callable[[], Read]) -> Read:
        if self.client.stopping:
            raise StopRequestedError
        return work()

    def _bulk_pages(self, ids: Sequence[str]) -> Iterator[_BulkPage]:
        order = {"issueIdsOrKeys": ids, "maxResults": BULK_HISTORIES}
        tokens: set[str | None] = {None}
        while True:
            answer = self.client.exchange("POST", BULK, partial(msgspec.json.encode, order))
            page = decode(answer, BULK, _bulk_decoder)
            yield page
            if page.token in tokens:
                return
            tokens.add(page.token)
            order = {**order, "nextPageToken": page.token}

    def _work(self, short: Short, in_bulk: Sequence[Item]) -> Callable[[], Read]:
        if short.kind.apart or short.kind is TRANSITIONS:
            return lambda: _guarded(short, self._apart)
        if short.kind is CHANGELOGS and not self.is_cloud:
            return lambda: _guarded(short, self._with_issue)
        if short.kind is CHANGELOGS and Part(held := united((), in_bulk), short.begun.total).whole:
            return lambda: Read(held)
        return lambda: _guarded(short, self._paged)

    def _paged(self, short: Short) -> Read:
        path = f"{ISSUE}/{short.issue_id}/{short.kind.resource}"
        items = "values" if short.kind is CHANGELOGS else short.kind.items
        reading = PagedList()
        requests = 0
        while not reading.done:
            page = f"{path}?startAt={reading.start}&maxResults={PAGE}&orderBy=created"
            answer = self.client.exchange("GET", page)
            reading.take(part(items, decode(answer, path, _json_decoder)))
            requests += 1
        found = united(short.begun.items, reading.items) if reading.cut else reading.items
        return Read(found, requests, reading.cut)

    def _apart(self, short: Short) -> Read:
        """Ask for a list of which a search has shown nothing; it comes whole, or not to this user."""
        kind = short.kind
        joint = "" if kind.resource.startswith("?") else "/"
        path = f"{ISSUE}/{short.issue_id}{joint}{kind.resource}"
        raw = decode(self.client.exchange("GET", path), path, _json_decoder)
        found = properties(raw) if kind is PROPERTIES else part(kind.items, raw)
        return Read(found.items, 1, refused=not found.items and bool(short.begun.total))

    def _with_issue(self, short: Short) -> Read:
        """Ask for the issue with its histories: all that Data Center has to offer."""
        path = f"{ISSUE}/{short.issue_id}?fields=updated&expand={CHANGELOG}"
        answer = self.client.exchange("GET", path)
        found = part(short.kind.items, decode(answer, path, _issue_decoder).changelog)
        if found.whole:
            return Read(found.items, requests=1)
        return Read(united(short.begun.items, found.items), requests=1, cut=True)


def _guarded(short: Short, read: Callable[[Short], Read]) -> Read:
    """Read a list of an issue that may be deleted or hidden since the search."""
    try:
        return read(short)
    except NotFoundError:
        return Read((), requests=1, gone=True)
    except AccessError:
        return Read(short.begun.items, requests=1, refused=True)
