"""Pages of a project on Jira Cloud, by token, in order.

`POST /rest/api/2/search/jql` (Cloud's OpenAPI, version 2: texts are wiki text as on Data Center, so
that both share one schema). `fields` is always sent, since Cloud's default is the id alone; a page
may hold fewer issues than were asked for, and only a missing token ends the result.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from tap_jira_oauth.errors import BadRequestError
from tap_jira_oauth.fetch import Page, row_of
from tap_jira_oauth.jql import restriction, window_jql

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tap_jira_oauth.client import JiraClient
    from tap_jira_oauth.cloud_window import CloudReader

logger = logging.getLogger("tap-jira-oauth")

SEARCH = "/rest/api/2/search/jql"
COUNT = "/rest/api/2/search/approximate-count"

MANY = 0.05
"""The share of issues, counted and not shown, that is more than deletions in a lagging index explain."""


class TokenPage(msgspec.Struct):
    """The envelope of `SEARCH`; `nextPageToken` is absent on the last page."""

    issues: list[dict[str, Any]]
    token: str | None = msgspec.field(name="nextPageToken", default=None)
    is_last: bool = msgspec.field(name="isLast", default=True)


class Count(msgspec.Struct):
    """The answer of `COUNT`: "approximate", because the index lags."""

    count: int


@dataclass(frozen=True)
class CloudSearch:
    """What is the same for every page of a run."""

    client: JiraClient
    fields: Sequence[str]
    page_size: int
    condition: str | None = None

    def pages(self, project_key: str, reader: CloudReader) -> Iterator[Page]:
        """Read one project as `reader` says, until it is done.

        Raises:
            TapError: Jira refused, did not answer, or answered something else.
        """
        total: int | None = None
        requests = 0
        while not reader.done:
            requests += 1
            found = self._page(project_key, reader)
            if found is None:
                reader.lose()
                continue
            rows = [row_of(issue) for issue in found.issues]
            new = reader.take(rows, found.token, last=found.is_last)
            if total is None and not reader.done:
                requests += 1
                total = self._count(project_key, reader)
            yield Page([found.issues[index] for index in new], total or len(rows), requests)
            requests = 0
        if reader.missing and total:
            logger.log(
                logging.WARNING if reader.missing > total * MANY else logging.INFO,
                "%s: Jira counts about %d issues and showed %d fewer: deleted meanwhile, or not in "
                "its index yet, and then the next run reads them",
                project_key,
                total,
                reader.missing,
            )

    def _page(self, project_key: str, reader: CloudReader) -> TokenPage | None:
        """Ask for one page; None where Jira refuses the token."""
        since, token = reader.ask
        payload: dict[str, Any] = {
            "jql": window_jql(project_key, since, self.condition),
            "maxResults": self.page_size,
            "fields": self.fields,
        }
        if token is None:
            return self.client.post(SEARCH, payload, TokenPage)[0]
        try:
            return self.client.post(SEARCH, payload | {"nextPageToken": token}, TokenPage)[0]
        except BadRequestError as error:
            # The same query without a token was answered, so it is the token: it has expired.
            logger.warning("%s: %s The search begins anew where it was.", project_key, error)
            return None

    def _count(self, project_key: str, reader: CloudReader) -> int:
        """Ask how many rows the window has, which only a result of several pages is worth."""
        jql = restriction(project_key, reader.ask.since, self.condition)
        count = self.client.post(COUNT, {"jql": jql}, Count)[0].count
        reader.expect(count)
        return count
