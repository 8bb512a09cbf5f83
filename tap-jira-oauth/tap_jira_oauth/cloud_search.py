"""Pages of a project on Jira Cloud, by token, in order.

`POST /rest/api/2/search/jql` (Cloud's OpenAPI, version 2: texts are wiki text as on Data Center, so
that both share one schema). `fields` is always sent, since Cloud's default is the id alone; a page
may hold fewer issues than were asked for, and only a missing token ends the result.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec

from tap_jira_oauth.client import decode
from tap_jira_oauth.cloud_window import Chain
from tap_jira_oauth.errors import BadRequestError
from tap_jira_oauth.fetch import Arrived, Found
from tap_jira_oauth.jql import restriction, window_jql

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tap_jira_oauth.answered_page import IssueMaker
    from tap_jira_oauth.client import JiraClient
    from tap_jira_oauth.cloud_window import CloudAsk, CloudReader
    from tap_jira_oauth.page_size import PageSize

T = TypeVar("T")

logger = logging.getLogger("tap-jira-oauth")

SEARCH = "/rest/api/2/search/jql"
COUNT = "/rest/api/2/search/approximate-count"

MANY = 0.05
"""The share of issues, counted and not shown, that is more than deletions in a lagging index explain."""


class TokenPage(msgspec.Struct):
    """The envelope of `SEARCH`; `nextPageToken` is absent on the last page."""

    issues: list[msgspec.Raw]
    token: str | None = msgspec.field(name="nextPageToken", default=None)
    is_last: bool = msgspec.field(name="isLast", default=True)


class Count(msgspec.Struct):
    """The answer of `COUNT`: "approximate", because the index lags."""

    count: int


_decoder = msgspec.json.Decoder(TokenPage)
_count_decoder = msgspec.json.Decoder(Count)


@dataclass(frozen=True)
class TokenSearch(Generic[T]):
    """The search of Cloud, by `nextPageToken`."""

    client: JiraClient
    issues: IssueMaker[T]
    fields: Sequence[str]
    size: PageSize
    condition: str | None = None
    expand: Sequence[str] = ()

    def find(self, project_key: str, ask: CloudAsk) -> Arrived[T]:
        """Ask for one page; a token that Jira refuses is said in the answer's `chain`.

        Its envelope is decoded at once, since whether to count depends on it.

        Raises:
            TapError: Jira refused, did not answer, or answered something else.
        """
        try:
            found = self._page(project_key, ask)
        except BadRequestError as error:
            if ask.token is None:
                raise
            # The same query without a token was answered, so it is the token: it has expired.
            logger.warning("%s: %s The search begins anew where it was.", project_key, error)
            return Arrived(lambda: Found([], [], 0, chain=Chain(refused=True)))
        count = None
        if ask.uncounted and found.token is not None:
            count = self._count(project_key, ask)
        return Arrived(lambda: self._found(found, count))

    def _found(self, page: TokenPage, count: int | None) -> Found[T]:
        made, rows = self.issues.made(SEARCH, page.issues)
        return Found(
            made,
            rows,
            len(rows) if count is None else count,
            chain=Chain(page.token, page.is_last, count),
            requests=1 if count is None else 2,
        )

    def _page(self, project_key: str, ask: CloudAsk) -> TokenPage:
        asked = self.size.current
        jql = window_jql(project_key, self.condition, since=ask.since)
        more = {} if ask.token is None else {"nextPageToken": ask.token}
        if self.expand:
            more["expand"] = ",".join(self.expand)

        def payload() -> Mapping[str, Any]:
            nonlocal asked
            asked = self.size.current
            return {"jql": jql, "maxResults": asked, "fields": self.fields, **more}

        answer = self.client.search(SEARCH, payload, lambda: self.size.shrink(asked))
        found = decode(answer, SEARCH, _decoder)
        self.size.worked()
        return found

    def _count(self, project_key: str, ask: CloudAsk) -> int:
        """Ask how many rows the window has, which only a result of several pages is worth."""
        jql = restriction(project_key, self.condition, since=ask.since)
        answer = self.client.search(COUNT, lambda: {"jql": jql}, lambda: None)
        return decode(answer, COUNT, _count_decoder).count


def report_missing(project_key: str, reader: CloudReader) -> None:
    """Say what Jira counted and did not show in a project that was read to its end."""
    if reader.missing and reader.total:
        logger.log(
            logging.WARNING if reader.missing > reader.total * MANY else logging.INFO,
            "%s: Jira counts about %d issues and showed %d fewer: deleted meanwhile, or not in its "
            "index yet, and then the next run reads them",
            project_key,
            reader.total,
            reader.missing,
        )
