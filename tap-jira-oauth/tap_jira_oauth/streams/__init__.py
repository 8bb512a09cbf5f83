"""The streams of the tap: one small file per family; this is the list."""

from __future__ import annotations

from tap_jira_oauth.streams.child_streams import CHILD_STREAMS
from tap_jira_oauth.streams.issues import IssuesStream
from tap_jira_oauth.streams.reference import REFERENCE_STREAMS
from tap_jira_oauth.streams.worklogs_deleted import WorklogsDeletedStream

__all__ = ["CHILD_STREAMS", "REFERENCE_STREAMS", "IssuesStream", "WorklogsDeletedStream"]
