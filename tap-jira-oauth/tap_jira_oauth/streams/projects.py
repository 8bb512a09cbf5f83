"""Projects, and what belongs to each."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar
from urllib.parse import quote

from typing_extensions import override

from tap_jira_oauth.paging import Links, Single, Values, Whole
from tap_jira_oauth.streams.reference import OfProjectsStream, Parent, ReferenceStream
from tap_jira_oauth.streams.rights import ADMINISTER_JIRA, ADMINISTER_PROJECTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_jira_oauth.jira import Jira
    from tap_jira_oauth.paging import Item

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


class ProjectRoleActorsStream(OfProjectsStream):
    """Who has which role in each project: a user or a group."""

    name = "project_role_actors"
    primary_keys: ClassVar[tuple[str, ...]] = ("project_id", "role_id", "id")
    path = "/rest/api/2/project/{}/role/{}"
    paging = Whole("actors")
    right = ADMINISTER_PROJECTS

    @override
    def parents(self, jira: Jira) -> Iterator[Parent]:
        """Each role of each project."""
        path = "/rest/api/2/project/{}/role"
        for link in self.lists(jira, super().parents(jira), path, Links()):
            id_ = link["self"].rpartition("/")[2]
            keys = {"role_id": id_, "role_name": link["name"], **_project(link)}
            yield Parent((link["project_id"], id_), f"project {link['project_key']}", keys)


class ProjectCategoriesStream(ReferenceStream):
    """Every category that projects may be of."""

    name = "project_categories"
    path = "/rest/api/2/projectCategory"


class ProjectTypesStream(ReferenceStream):
    """Every type that projects may be of, licensed or not."""

    name = "project_types"
    primary_keys: ClassVar[tuple[str, ...]] = ("key",)
    path = "/rest/api/2/project/type"


class ProjectPropertiesStream(OfProjectsStream):
    """What apps and integrations have stored with each project."""

    name = "project_properties"
    primary_keys: ClassVar[tuple[str, ...]] = ("project_id", "key")
    path = "/rest/api/2/project/{}/properties/{}"
    paging = Single()

    @override
    def parents(self, jira: Jira) -> Iterator[Parent]:
        """Each property of each project; Jira lists their keys alone."""
        path = "/rest/api/2/project/{}/properties"
        for named in self.lists(jira, super().parents(jira), path, Whole("keys")):
            id_ = (named["project_id"], quote(named["key"], safe=""))
            yield Parent(id_, f"project {named['project_key']}", _project(named))


def _project(item: Item) -> Item:
    return {name: item[name] for name in ("project_id", "project_key")}


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
