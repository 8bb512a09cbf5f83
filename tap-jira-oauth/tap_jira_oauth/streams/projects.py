"""Projects, and what belongs to each."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar
from urllib.parse import quote

from typing_extensions import override

from tap_jira_oauth.paging import Single, Values, Whole
from tap_jira_oauth.streams.reference import (
    OfParentsStream,
    OfProjectsStream,
    Parent,
    ReferenceStream,
)
from tap_jira_oauth.streams.rights import ADMINISTER_JIRA, ADMINISTER_PROJECTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_jira_oauth.jira import Jira, Project

_EXPAND = "expand=description,lead,url,projectKeys"


class ProjectsStream(ReferenceStream):
    """Every project that the user sees, whatever `project_keys` says.

    On Cloud `action=browse` leaves out what only administrators see.
    """

    name = "projects"
    path = f"/rest/api/2/project?{_EXPAND}"
    cloud_path = f"/rest/api/2/project/search?action=browse&orderBy=key&{_EXPAND}"
    cloud_paging = Values()


class ProjectVersionsStream(OfProjectsStream):
    """The versions of each project."""

    name = "project_versions"
    path = "/rest/api/2/project/{}/versions"


class ProjectComponentsStream(OfProjectsStream):
    """The components of each project."""

    name = "project_components"
    path = "/rest/api/2/project/{}/components"


class ProjectRolesStream(ReferenceStream):
    """Every role that there is, with those who have it in a new project."""

    name = "project_roles"
    path = "/rest/api/2/role"
    right = ADMINISTER_JIRA


class ProjectRoleActorsStream(OfParentsStream):
    """Who has which role in each project: a user or a group."""

    name = "project_role_actors"
    primary_keys: ClassVar[tuple[str, ...]] = ("project_id", "role_id", "id")
    path = "/rest/api/2/project/{}/role/{}"
    paging = Whole("actors")
    right = ADMINISTER_PROJECTS

    @override
    def parents(self, jira: Jira) -> Iterator[Parent]:
        """Each role of each project; Jira lists them by name, with their addresses."""
        for project in jira.projects:
            roles, _ = jira.client.get(f"/rest/api/2/project/{project.id}/role", dict[str, str])
            for name, address in roles.items():
                role = address.rpartition("/")[2]
                keys = {"role_id": role, "role_name": name, **_keys(project)}
                yield Parent((project.id, role), f"project {project.key}", keys)


class ProjectCategoriesStream(ReferenceStream):
    """Every category that projects may be of."""

    name = "project_categories"
    path = "/rest/api/2/projectCategory"


class ProjectTypesStream(ReferenceStream):
    """Every type that projects may be of, licensed or not."""

    name = "project_types"
    primary_keys: ClassVar[tuple[str, ...]] = ("key",)
    path = "/rest/api/2/project/type"


class ProjectPropertiesStream(OfParentsStream):
    """What apps and integrations have stored with each project."""

    name = "project_properties"
    primary_keys: ClassVar[tuple[str, ...]] = ("project_id", "key")
    path = "/rest/api/2/project/{}/properties/{}"
    paging = Single()

    @override
    def parents(self, jira: Jira) -> Iterator[Parent]:
        """Each property of each project; Jira lists their keys alone."""
        for project in jira.projects:
            path = f"/rest/api/2/project/{project.id}/properties"
            for named in self.listed(jira, path, Whole("keys")):
                key = quote(named["key"], safe="")
                yield Parent((project.id, key), f"project {project.key}", _keys(project))


def _keys(project: Project) -> dict[str, str]:
    return {"project_id": project.id, "project_key": project.key}


PROJECTS_STREAMS = (
    ProjectCategoriesStream,
    ProjectComponentsStream,
    ProjectPropertiesStream,
    ProjectRoleActorsStream,
    ProjectRolesStream,
    ProjectTypesStream,
    ProjectVersionsStream,
    ProjectsStream,
)
