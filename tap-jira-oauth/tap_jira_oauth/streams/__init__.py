"""The streams of the tap: one small file per family; this is the list."""

from __future__ import annotations

from tap_jira_oauth.streams.access import ACCESS_STREAMS
from tap_jira_oauth.streams.agile import AGILE_STREAMS
from tap_jira_oauth.streams.audit import AuditRecordsStream
from tap_jira_oauth.streams.child_streams import CHILD_STREAMS as EMBEDDED_STREAMS
from tap_jira_oauth.streams.custom_fields import CUSTOM_FIELDS_STREAMS
from tap_jira_oauth.streams.deleted_issues import DeletedIssuesStream
from tap_jira_oauth.streams.issue_census import IssueCensusStream, Taking
from tap_jira_oauth.streams.issues import IssuesStream
from tap_jira_oauth.streams.of_issues import OF_ISSUES_STREAMS
from tap_jira_oauth.streams.people import PEOPLE_STREAMS
from tap_jira_oauth.streams.projects import PROJECTS_STREAMS
from tap_jira_oauth.streams.site import SITE_STREAMS
from tap_jira_oauth.streams.views import VIEWS_STREAMS
from tap_jira_oauth.streams.vocabulary import VOCABULARY_STREAMS
from tap_jira_oauth.streams.workflows import WORKFLOWS_STREAMS
from tap_jira_oauth.streams.worklogs_deleted import WorklogsDeletedStream

__all__ = [
    "CENSUS_STREAMS",
    "CHILD_STREAMS",
    "INCREMENTAL_STREAMS",
    "REFERENCE_STREAMS",
    "DeletedIssuesStream",
    "IssuesStream",
    "Taking",
]

CHILD_STREAMS = (*EMBEDDED_STREAMS, *OF_ISSUES_STREAMS)
"""What hangs below issues: in the answers to searches, or asked for issue by issue."""

INCREMENTAL_STREAMS = (AuditRecordsStream, WorklogsDeletedStream)
"""Logs of the whole server, with a bookmark each."""

CENSUS_STREAMS = (IssueCensusStream, DeletedIssuesStream)
"""Of what there is, and what is gone. Both come last in a run, in this order."""

REFERENCE_STREAMS = (
    *PROJECTS_STREAMS,
    *PEOPLE_STREAMS,
    *VOCABULARY_STREAMS,
    *CUSTOM_FIELDS_STREAMS,
    *WORKFLOWS_STREAMS,
    *ACCESS_STREAMS,
    *VIEWS_STREAMS,
    *SITE_STREAMS,
    *AGILE_STREAMS,
)
"""Read whole in every run."""
