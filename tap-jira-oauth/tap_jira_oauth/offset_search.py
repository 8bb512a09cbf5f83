"""Pages of a project on Jira Data Center, by `startAt` and `maxResults`, in order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec

from tap_jira_oauth.client import decode
from tap_jira_oauth.errors import AccessError, AnswerError, BadRequestError
from tap_jira_oauth.fetch import Arrived, Found
from tap_jira_oauth.jql import Literal, epoch_literal, window_jql
from tap_jira_oauth.page_size import SMALLEST_PAGE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tap_jira_oauth.answer import Answer
    from tap_jira_oauth.answered_page import IssueMaker
    from tap_jira_oauth.client import JiraClient
    from tap_jira_oauth.page_size import PageSize
    from tap_jira_oauth.span import Ask

T = TypeVar("T")

SEARCH = "/rest/api/2/search"


class SearchAnswer(msgspec.Struct):
    """The envelope of a Data Center search (Jira REST API 10.3, `POST /rest/api/2/search`).

    `max_results` is the server's own cap where that is lower than what was asked for.
    """

    issues: list[msgspec.Raw]
    total: int
    max_results: int = msgspec.field(name="maxResults")


_decoder = msgspec.json.Decoder(SearchAnswer)


@dataclass(frozen=True)
class OffsetSearch(Generic[T]):
    """The search of Data Center, by `startAt` and `maxResults`."""

    client: JiraClient
    issues: IssueMaker[T]
    fields: Sequence[str]
    size: PageSize
    condition: str | None = None
    literal: Literal = epoch_literal
    expand: Sequence[str] = ()

    def find(self, project_key: str, ask: Ask) -> Arrived[T]:
        """Ask for one page.

        Raises:
            TapError: Jira refused, or did not answer.
        """
        asked = self.size.current
        jql = window_jql(project_key, self.condition, **ask.window._asdict(), literal=self.literal)

        def payload() -> Mapping[str, Any]:
            nonlocal asked
            asked = self.size.current
            return {
                "jql": jql,
                "startAt": ask.start_at,
                "maxResults": asked,
                "fields": self.fields,
                **({"expand": self.expand} if self.expand else {}),
            }

        try:
            answer = self.client.search(SEARCH, payload, lambda: self.size.shrink(asked))
        except (AccessError, BadRequestError):
            if not ask.window.after:
                raise
            # The issue that the window begins with was deleted: its reader looks for another one.
            return Arrived(lambda: Found([], [], 0))
        self.size.worked()
        return Arrived(lambda: self._found(answer, asked))

    def _found(self, answer: Answer, asked: int) -> Found[T]:
        found = decode(answer, SEARCH, _decoder)
        if found.max_results < asked:
            if found.max_results < SMALLEST_PAGE:
                raise AnswerError("Jira answers only one issue a page; it must be two or more.")
            self.size.obey(found.max_results)
        made, rows = self.issues.made(SEARCH, found.issues)
        return Found(made, rows, found.total, min(found.max_results, asked))
