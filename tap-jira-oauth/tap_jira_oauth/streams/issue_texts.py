"""What is kept of an issue between the answer and standard output: texts, and not its many values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from tap_jira_oauth.fields import as_json, record

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from tap_jira_oauth.answered_issue import Issue, Values
    from tap_jira_oauth.expansion import Expansion
    from tap_jira_oauth.fields import Shape
    from tap_jira_oauth.streams.children import Below, Children


class IssueText(NamedTuple):
    """The record of an issue as text, which properties did not conform, and what hangs below it."""

    record: bytes
    unconformed: Collection[str]
    below: Below | None


class IssueTexts:
    """Makes them. `write` is how a record becomes text, or None where the issues themselves are not read."""

    def __init__(self, shape: Shape, children: Children, expansion: Expansion) -> None:
        """Take what the records look like, and what is noted beside them."""
        self._shape = shape
        self._children = children
        self._expansion = expansion
        self.write: Callable[[dict[str, Any]], bytes] | None = as_json

    def make(self, issue: Issue[Values]) -> IssueText:
        """Return what is kept of an issue.

        Raises:
            AnswerError: it lacks what every issue has.
        """
        below = self._children.below(issue)
        if self.write is None:
            return IssueText(b"", (), below)
        made = record(issue, self._shape)
        if self._expansion.names:
            made.update(self._expansion.of(issue))
        return IssueText(self.write(made), made.get("unconformed", ()), below)
