"""The streams of the tap: one small file per family; this is the list."""

from __future__ import annotations

from tap_jira_oauth.streams.agile import AGILE_STREAMS
from tap_jira_oauth.streams.child_streams import CHILD_STREAMS
from tap_jira_oauth.streams.deleted_issues import DeletedIssuesStream
from tap_jira_oauth.streams.issue_census import IssueCensusStream, Taking
from tap_jira_oauth.streams.issues import IssuesStream
from tap_jira_oauth.streams.people import PEOPLE_STREAMS
from tap_jira_oauth.streams.projects import PROJECTS_STREAMS
from tap_jira_oauth.streams.site import SITE_STREAMS
from tap_jira_oauth.streams.vocabulary import VOCABULARY_STREAMS
from tap_jira_oauth.streams.worklogs_deleted import WorklogsDeletedStream

__all__ = [
    "CENSUS_STREAMS",
    "CHILD_STREAMS",
    "REFERENCE_STREAMS",
    "IssuesStream",
    "Taking",
    "WorklogsDeletedStream",
]

CENSUS_STREAMS = (IssueCensusStream, DeletedIssuesStream)
"""Of what there is, and what is gone. Both come last in a run, in this order."""

REFERENCE_STREAMS = (
    *PROJECTS_STREAMS,
    *PEOPLE_STREAMS,
    *VOCABULARY_STREAMS,
    *SITE_STREAMS,
    *AGILE_STREAMS,
)
"""Read whole in every run."""
