"""Projects, and what belongs to each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import override

from tap_jira_oauth.paging import Values
from tap_jira_oauth.streams.reference import OfProjectsStream, ReferenceStream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_jira_oauth.jira import Jira
    from tap_jira_oauth.paging import Item


class ProjectsStream(ReferenceStream):
    """Every project that the user sees, whatever `project_keys` says."""

    name = "projects"
    path = "/rest/api/2/project?expand=description,lead,url,projectKeys"

    @override
    def items(self, jira: Jira) -> Iterator[Item]:
        """On Cloud page by page, where `action=browse` leaves out what only administrators see."""
        if not jira.is_cloud:
            return super().items(jira)
        query = "action=browse&orderBy=key&expand=description,lead,url,projectKeys"
        return self.listed(jira, f"/rest/api/2/project/search?{query}", Values())


class ProjectVersionsStream(OfProjectsStream):
    """The versions of each project."""

    name = "project_versions"
    path = "/rest/api/2/project/{}/versions"


class ProjectComponentsStream(OfProjectsStream):
    """The components of each project."""

    name = "project_components"
    path = "/rest/api/2/project/{}/components"


PROJECTS_STREAMS = (
    ProjectComponentsStream,
    ProjectVersionsStream,
    ProjectsStream,
)
