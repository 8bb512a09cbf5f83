"""The issues of an answer, one after the other: each is decoded, put in order, and made into what is printed.

So what belongs to an issue, hundreds of small objects, is gone before those of the next one come,
and never leaves the processor's cache. Doing each step for a whole page takes a fifth longer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec

from tap_jira_oauth.answered_issue import IssueDecoder
from tap_jira_oauth.client import decoding
from tap_jira_oauth.errors import AnswerError
from tap_jira_oauth.jql import parse_datetime
from tap_jira_oauth.span import Row

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tap_jira_oauth.answered_issue import Issue, Values

T = TypeVar("T")

_text = msgspec.json.Decoder(str)


class IssueMaker(Generic[T]):
    """Makes of each issue whatever is wanted of it."""

    def __init__(
        self, make: Callable[[Issue[Values]], T], decoder: IssueDecoder | None = None
    ) -> None:
        """Take what makes it, and what decodes the issues."""
        self._make = make
        self._decoder = decoder or IssueDecoder()

    def made(self, path: str, issues: Sequence[msgspec.Raw]) -> tuple[list[T], list[Row]]:
        """Return what was made of the issues of an answer from `path`, and their places in its order.

        Raises:
            AnswerError: an issue has another shape.
            UnavailableError: the answer is broken JSON.
        """
        made, rows = [], []
        with decoding(path):
            for each in issues:
                issue = self._decoder.decode(each, issues)
                rows.append(row(issue))
                made.append(self._make(issue))
        return made, rows


def row(issue: Issue[Values]) -> Row:
    """Return an issue's place in the order by last change.

    Raises:
        AnswerError: it came without `updated`.
    """
    try:
        updated = _text.decode(issue.fields["updated"])
    except (KeyError, msgspec.ValidationError) as error:
        raise AnswerError(
            f"Issue {issue.key} came without 'updated'; it cannot be put in order by its last "
            "change."
        ) from error
    return Row(issue.id, parse_datetime(updated), issue.key)
