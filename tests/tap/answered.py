"""Issues as the tap decodes them out of Jira's answers."""

from __future__ import annotations

import msgspec

from tap_jira_oauth.answered_issue import Issue, IssueDecoder, Values


def decoded(issue: bytes) -> Issue[Values]:
    """Decode an issue, given as JSON text, by what is learnt from itself."""
    return IssueDecoder().decode(msgspec.Raw(issue), [msgspec.Raw(issue)])
