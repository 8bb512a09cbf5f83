"""Looks for issues by their ids: many at once, and then those that were not found one by one.

Data Center finds issues by `id in (...)`; with `validateQuery` off it passes over ids that it does not
find (Jira REST API 10.3, `POST /rest/api/2/search`). But its index lags, and it says nothing of why.
Asked for one issue, older ones say 404 where there is none and 403 where the user may not see it, newer
ones may say 404 of both. Cloud has `POST /rest/api/2/issue/bulkfetch` for up to 100 issues (its
OpenAPI); for one issue it says 404 of both.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from tap_jira_oauth.client import decode
from tap_jira_oauth.deleted import Place, Unseen
from tap_jira_oauth.errors import AccessError, AnswerError, ConfigurationError, NotFoundError
from tap_jira_oauth.fetch import overlapped
from tap_jira_oauth.jql import of_ids_jql
from tap_jira_oauth.offset_search import SEARCH

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tap_jira_oauth.client import JiraClient

logger = logging.getLogger("tap-jira-oauth")

ISSUE = "/rest/api/2/issue"
BULK = "/rest/api/2/issue/bulkfetch"

SEARCHED = 500
"""Ids in one search of Data Center."""

BULK_ISSUES = 100
"""Ids in one request to `BULK`."""

_FIELDS = ["project"]


class _Project(msgspec.Struct):
    id: str
    key: str


class _Fields(msgspec.Struct):
    project: _Project


class _Issue(msgspec.Struct):
    id: str
    key: str
    fields: _Fields

    @property
    def place(self) -> Place:
        return Place(self.key, self.fields.project.id, self.fields.project.key)


class _Issues(msgspec.Struct):
    issues: list[_Issue]
    total: int = 0


_issue = msgspec.json.Decoder(_Issue)
_issues = msgspec.json.Decoder(_Issues)


@dataclass(frozen=True)
class Lookup:
    """Looks for issues, up to `width` requests at a time.

    Its methods raise `TapError` where Jira did not answer or answered something else, and
    `StopRequestedError` where the run was asked to stop while it waited.
    """

    client: JiraClient
    width: int
    is_cloud: bool

    def in_bulk(self, ids: Sequence[int]) -> Iterator[tuple[Sequence[int], dict[int, Place]]]:
        """Yield some of the ids after the other, and where those of them are that were found."""
        size = BULK_ISSUES if self.is_cloud else SEARCHED
        parts = [ids[begin : begin + size] for begin in range(0, len(ids), size)]
        find = self._fetched if self.is_cloud else self._searched
        works = [partial(self._found, find, part) for part in parts]
        return zip(parts, overlapped(works, self.width), strict=True)

    def singly(self, ids: Sequence[int]) -> Iterator[tuple[int, Place | Unseen]]:
        """Yield what Jira says of each id."""
        works = [partial(self._look, id_) for id_ in ids]
        return zip(ids, overlapped(works, self.width), strict=True)

    @staticmethod
    def _found(find: Any, ids: Sequence[int]) -> dict[int, Place]:
        try:
            return {int(issue.id): issue.place for issue in find(ids)}
        except (AccessError, AnswerError, ConfigurationError) as error:
            logger.warning("%s These issues are not looked for together.", error)
            return {}

    def _searched(self, ids: Sequence[int]) -> Iterator[_Issue]:
        order = {
            "jql": of_ids_jql(ids),
            "validateQuery": False,
            "maxResults": len(ids),
            "fields": _FIELDS,
        }
        start = 0
        while True:
            body = partial(msgspec.json.encode, {**order, "startAt": start})
            page = decode(self.client.exchange("POST", SEARCH, body), SEARCH, _issues)
            yield from page.issues
            start += len(page.issues)
            if not page.issues or start >= page.total:
                return

    def _fetched(self, ids: Sequence[int]) -> Sequence[_Issue]:
        order = {"issueIdsOrKeys": list(map(str, ids)), "fields": _FIELDS}
        answer = self.client.exchange("POST", BULK, partial(msgspec.json.encode, order))
        return decode(answer, BULK, _issues).issues

    def _look(self, id_: int) -> Place | Unseen:
        path = f"{ISSUE}/{id_}?fields=project"
        try:
            return decode(self.client.exchange("GET", path), path, _issue).place
        except NotFoundError:
            return Unseen.ABSENT
        except AccessError:
            return Unseen.HIDDEN
