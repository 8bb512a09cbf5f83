"""The ways that issues go, which projects have them, and what is shown on the way."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from typing_extensions import override

from tap_jira_oauth.errors import BadRequestError, NotFoundError
from tap_jira_oauth.paging import PagesOrArrays, Single, Values
from tap_jira_oauth.streams.reference import (
    OfParentsStream,
    OfProjectsStream,
    Parent,
    ReferenceStream,
)
from tap_jira_oauth.streams.rights import ADMINISTER_JIRA

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_jira_oauth.errors import TapError
    from tap_jira_oauth.jira import Jira
    from tap_jira_oauth.paging import Item


class WorkflowsStream(ReferenceStream):
    """Every workflow. Data Center knows them by name and tells how many steps they have."""

    name = "workflows"
    path = "/rest/api/2/workflow"
    cloud_path = "/rest/api/2/workflows/search?expand=values.transitions"
    cloud_paging = Values()
    right = ADMINISTER_JIRA

    @override
    def items(self, jira: Jira) -> Iterator[Item]:
        """Yield them with an id that both flavours have; on Data Center it is the name."""
        for workflow in super().items(jira):
            yield {"id": workflow["name"], **workflow}


class WorkflowSchemesStream(OfProjectsStream):
    """Which workflow each issue type has.

    Data Center has no list of them; there it is the schemes of the projects that are read.
    """

    name = "workflow_schemes"
    path = "/rest/api/2/project/{}/workflowscheme"
    paging = Single()
    cloud_path = "/rest/api/2/workflowscheme"
    cloud_paging = Values()
    right = ADMINISTER_JIRA

    @override
    def parents(self, jira: Jira) -> Iterator[Parent]:
        """Each project of a Data Center, which the scheme does not name: many share one."""
        return (replace(project, keys={}) for project in super().parents(jira))

    @override
    def items(self, jira: Jira) -> Iterator[Item]:
        """Yield each scheme once."""
        if jira.is_cloud:
            yield from self.listed(jira, *self.at(jira))
            return
        seen = set()
        for scheme in super().items(jira):
            if scheme["id"] not in seen:
                seen.add(scheme["id"])
                yield scheme


class ScreensStream(ReferenceStream):
    """Every screen."""

    name = "screens"
    path = "/rest/api/2/screens"
    paging = PagesOrArrays(100, "screens")
    cloud_paging = Values(100)
    right = ADMINISTER_JIRA


class ScreenTabsStream(OfParentsStream):
    """The tabs of each screen."""

    name = "screen_tabs"
    primary_keys: ClassVar[tuple[str, ...]] = ("screen_id", "id")
    path = "/rest/api/2/screens/{}/tabs"
    right = ADMINISTER_JIRA
    # Screens of a team's own project, and those that were deleted meanwhile.
    not_there: ClassVar[tuple[type[TapError], ...]] = (BadRequestError, NotFoundError)

    @override
    def parents(self, jira: Jira) -> Iterator[Parent]:
        """Each screen."""
        for screen in self.listed(jira, *ScreensStream.at(jira)):
            yield Parent(screen["id"], f"screen {screen['name']}", {"screen_id": screen["id"]})


class ScreenSchemesStream(ReferenceStream):
    """Which screen is shown for creating, editing and viewing; Data Center does not tell."""

    name = "screen_schemes"
    path = "/rest/api/2/screenscheme"
    paging = Values(25)
    flavors = frozenset({"cloud"})
    right = ADMINISTER_JIRA


WORKFLOWS_STREAMS = (
    ScreenSchemesStream,
    ScreenTabsStream,
    ScreensStream,
    WorkflowSchemesStream,
    WorkflowsStream,
)
