"""Issues as the tap decodes them out of Jira's answers."""

from __future__ import annotations

from tap_jira_oauth.answered_issue import Issue, PageDecoder, Values
from tap_jira_oauth.offset_search import SearchAnswer


def decoded(issue: bytes) -> Issue[Values]:
    """Decode an issue, given as JSON text, out of an answer that holds nothing else."""
    decoder: PageDecoder[SearchAnswer[Values]] = PageDecoder(SearchAnswer)
    return decoder.decode(b'{"issues":[%b],"total":1,"maxResults":1}' % issue).issues[0]
