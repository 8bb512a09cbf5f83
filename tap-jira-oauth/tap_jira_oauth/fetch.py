"""Pages of a project, in order and verified. The only module that will know threads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from tap_jira_oauth.errors import AnswerError
from tap_jira_oauth.jql import parse_datetime, window_jql
from tap_jira_oauth.window import Reader, Row

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tap_jira_oauth.client import JiraClient

SEARCH = "/rest/api/2/search"


class SearchAnswer(msgspec.Struct):
    """The envelope of a Data Center search (Jira REST API 10.3, `POST /rest/api/2/search`).

    `max_results` is the server's own cap where that is lower than what was asked for.
    """

    issues: list[dict[str, Any]]
    total: int
    max_results: int = msgspec.field(name="maxResults")


@dataclass(frozen=True)
class Page:
    """One answer: the issues in it that are new, and the rows that the window counts in all.

    `requests` counts what was asked for it, without tries that Jira let wait.
    """

    issues: list[dict[str, Any]]
    total: int
    requests: int = 1


@dataclass(frozen=True)
class Search:
    """What is the same for every page of a run."""

    client: JiraClient
    fields: Sequence[str]
    page_size: int
    condition: str | None = None

    def pages(self, project_key: str, reader: Reader) -> Iterator[Page]:
        """Read one project as `reader` says, until it is done.

        Raises:
            TapError: Jira refused, did not answer, or answered something else.
        """
        while not reader.done:
            ask = reader.ask
            payload = {
                "jql": window_jql(project_key, ask.since, self.condition),
                "startAt": ask.start_at,
                "maxResults": self.page_size,
                "fields": self.fields,
            }
            found, _ = self.client.post(SEARCH, payload, SearchAnswer)
            if found.max_results == 1:
                raise AnswerError("Jira answers only one issue a page; it must be two or more.")
            new = reader.take([row_of(issue) for issue in found.issues], found.total)
            yield Page([found.issues[index] for index in new], found.total)


def row_of(issue: dict[str, Any]) -> Row:
    """Return the version of an issue that an answer holds."""
    try:
        return Row(issue["id"], parse_datetime(issue["fields"]["updated"]))
    except (KeyError, TypeError) as error:
        raise AnswerError(
            f"Issue {issue.get('key', 'without key')} came without {error}; it cannot be put in "
            "order by its last change."
        ) from error
