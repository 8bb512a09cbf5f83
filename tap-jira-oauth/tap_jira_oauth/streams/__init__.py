"""The streams of the tap: one small file per family; this is the list."""

from __future__ import annotations

from tap_jira_oauth.streams.issues import IssuesStream
from tap_jira_oauth.streams.reference import REFERENCE_STREAMS

STREAMS = (IssuesStream, *REFERENCE_STREAMS)
