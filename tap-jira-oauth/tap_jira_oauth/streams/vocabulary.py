"""The words that issues are described with: fields, types, statuses, priorities, links, labels."""

from __future__ import annotations

from typing import ClassVar

from tap_jira_oauth.paging import Texts, Values, Whole
from tap_jira_oauth.streams.reference import ReferenceStream
from tap_jira_oauth.streams.rights import ADMINISTER_JIRA


class FieldsStream(ReferenceStream):
    """Every field, system and custom ones: what `customfield_10010` in an issue is called."""

    name = "fields"
    path = "/rest/api/2/field"


class IssueTypesStream(ReferenceStream):
    """Every issue type that the user sees."""

    name = "issue_types"
    path = "/rest/api/2/issuetype"


class IssueTypeSchemesStream(ReferenceStream):
    """Which issue types projects offer; Cloud tells only the name and the default."""

    name = "issue_type_schemes"
    path = "/rest/api/2/issuetypescheme?expand=schemes.issueTypes,schemes.defaultIssueType"
    paging = Whole("schemes")
    cloud_path = "/rest/api/2/issuetypescheme"
    cloud_paging = Values()
    right = ADMINISTER_JIRA


class IssueLinkTypesStream(ReferenceStream):
    """How issues may be linked, in both directions."""

    name = "issue_link_types"
    product = "issue linking, which an administrator switches on"
    path = "/rest/api/2/issueLinkType"
    paging = Whole("issueLinkTypes")


class LabelsStream(ReferenceStream):
    """Every label in use; Data Center has no list of them."""

    name = "labels"
    primary_keys: ClassVar[tuple[str, ...]] = ("name",)
    path = "/rest/api/2/label"
    paging = Texts(1000)
    flavors = frozenset({"cloud"})


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
    IssueLinkTypesStream,
    IssueTypeSchemesStream,
    IssueTypesStream,
    LabelsStream,
    PrioritiesStream,
    ResolutionsStream,
    StatusCategoriesStream,
    StatusesStream,
)
