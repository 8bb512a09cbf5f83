"""The streams of what hangs below an issue. None is selected by default: they cost requests."""

from __future__ import annotations

from typing import ClassVar

from tap_jira_oauth import child_lists
from tap_jira_oauth.streams.children import ChildStream
from tap_jira_oauth.streams.issues import IssuesStream


class IssueCommentsStream(ChildStream):
    """Every comment of an issue."""

    name = "issue_comments"
    kind = child_lists.COMMENTS
    parent_stream_type = IssuesStream


class IssueChangelogsStream(ChildStream):
    """Every history of an issue: one moment, one author, the fields that changed."""

    name = "issue_changelogs"
    kind = child_lists.CHANGELOGS
    parent_stream_type = IssuesStream


class IssueWorklogsStream(ChildStream):
    """Every worklog of an issue."""

    name = "issue_worklogs"
    kind = child_lists.WORKLOGS
    parent_stream_type = IssuesStream


class IssueLinksStream(ChildStream):
    """Every link to another issue; both issues show it, under the same id."""

    name = "issue_links"
    kind = child_lists.LINKS
    primary_keys: ClassVar[tuple[str, ...]] = ("issue_id", "id")
    parent_stream_type = IssuesStream


class IssueAttachmentsStream(ChildStream):
    """The metadata of every file of an issue."""

    name = "issue_attachments"
    kind = child_lists.ATTACHMENTS
    parent_stream_type = IssuesStream


CHILD_STREAMS = (
    IssueAttachmentsStream,
    IssueChangelogsStream,
    IssueCommentsStream,
    IssueLinksStream,
    IssueWorklogsStream,
)
