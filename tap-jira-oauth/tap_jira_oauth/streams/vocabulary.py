"""The words that issues are described with: fields, types, statuses, priorities."""

from __future__ import annotations

from tap_jira_oauth.streams.reference import ReferenceStream


class FieldsStream(ReferenceStream):
    """Every field, system and custom ones: what `customfield_10010` in an issue is called."""

    name = "fields"
    path = "/rest/api/2/field"


class IssueTypesStream(ReferenceStream):
    """Every issue type that the user sees."""

    name = "issue_types"
    path = "/rest/api/2/issuetype"


class StatusesStream(ReferenceStream):
    """Every status of the workflows in use."""

    name = "statuses"
    path = "/rest/api/2/status"


class StatusCategoriesStream(ReferenceStream):
    """To do, in progress, done: what statuses count as."""

    name = "status_categories"
    path = "/rest/api/2/statuscategory"


class PrioritiesStream(ReferenceStream):
    """Every priority, the highest first."""

    name = "priorities"
    path = "/rest/api/2/priority"


class ResolutionsStream(ReferenceStream):
    """Every resolution."""

    name = "resolutions"
    path = "/rest/api/2/resolution"


VOCABULARY_STREAMS = (
    FieldsStream,
    IssueTypesStream,
    PrioritiesStream,
    ResolutionsStream,
    StatusCategoriesStream,
    StatusesStream,
)
