"""The streams of what hangs below an issue and is in no search: a request an issue, but for those without any.

Most of it changes without the issue's `updated`, so what is here is as it was when the issue changed.
"""

from __future__ import annotations

from typing import ClassVar

from tap_jira_oauth import child_lists
from tap_jira_oauth.streams.children import ChildStream
from tap_jira_oauth.streams.issues import IssuesStream


class OfIssuesStream(ChildStream):
    """What has an id within its issue only."""

    primary_keys: ClassVar[tuple[str, ...]] = ("issue_id", "id")
    parent_stream_type = IssuesStream


class IssuePropertiesStream(OfIssuesStream):
    """What apps have noted about an issue."""

    name = "issue_properties"
    kind = child_lists.PROPERTIES


class IssueRemoteLinksStream(OfIssuesStream):
    """Links to pages, builds and whatever else is not an issue of this Jira."""

    name = "issue_remote_links"
    kind = child_lists.REMOTE_LINKS


class IssueTransitionsStream(OfIssuesStream):
    """What the signed-in user may do with an issue in its present status."""

    name = "issue_transitions"
    kind = child_lists.TRANSITIONS


class IssueVotesStream(OfIssuesStream):
    """Who has voted for an issue."""

    name = "issue_votes"
    kind = child_lists.VOTES


class IssueWatchersStream(OfIssuesStream):
    """Who watches an issue."""

    name = "issue_watchers"
    kind = child_lists.WATCHERS


OF_ISSUES_STREAMS = (
    IssuePropertiesStream,
    IssueRemoteLinksStream,
    IssueTransitionsStream,
    IssueVotesStream,
    IssueWatchersStream,
)
