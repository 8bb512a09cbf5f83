"""What the tap learns about a Jira before it reads: what it is, who we are, its clock, its projects.

Asked for before the first search, so that a wrong address, an expired sign-in or an invisible
project is an error and never looks like "no issues".
"""

from __future__ import annotations

import logging
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from tap_jira_oauth.errors import AccessError, AnswerError, ConfigurationError

if TYPE_CHECKING:
    from tap_jira_oauth.client import JiraClient
    from tap_jira_oauth.settings import Settings

logger = logging.getLogger("tap-jira-oauth")


class ServerInfo(msgspec.Struct):
    """`/rest/api/2/serverInfo`. Data Center calls itself `Server`, Cloud `Cloud`."""

    version: str = "of unknown version"
    deployment_type: str = msgspec.field(name="deploymentType", default="Server")


class Myself(msgspec.Struct):
    """`/rest/api/2/myself`: answered with 401 where nobody is signed in."""

    time_zone: str | None = msgspec.field(name="timeZone", default=None)


class Project(msgspec.Struct, frozen=True):
    """A project that the user can see. The id stays when the project is renamed, the key does not."""

    id: str
    key: str


class Jira:
    """One server, asked as one user. Each fact is asked for once, when it is first needed."""

    def __init__(self, settings: Settings, client: JiraClient) -> None:
        """Nothing is sent yet."""
        self.settings = settings
        self.client = client

    @cached_property
    def started(self) -> int:
        """The server's own clock when the run began, in epoch milliseconds.

        Taken from the `Date` header of the first answer. The first question is who we are: to
        nobody Jira would answer all others, only with less.

        Raises:
            TapError: it is not, or it does not.
        """
        first = None
        if self.settings.auth_method != "anonymous":
            _, first = self.client.get("/rest/api/2/myself", Myself)
        info, answer = self.client.get("/rest/api/2/serverInfo", ServerInfo)
        clock = (first or answer).clock
        if info.deployment_type == "Cloud":
            raise ConfigurationError(
                f"{self.settings.api_url} is a Jira Cloud; this version of the tap reads Jira Data "
                "Center and Server."
            )
        if clock is None:
            raise AnswerError("Jira answered without a Date header; its clock is needed.")
        logger.info("Signed in to Jira %s at %s", info.version, self.settings.api_url)
        return clock

    @cached_property
    def projects(self) -> tuple[Project, ...]:
        """The projects to read, in the order of `project_keys`, else by key.

        Raises:
            AccessError: a configured project, or any at all, is invisible to the user.
        """
        _ = self.started  # who we are comes first: nobody would just see fewer projects
        visible, _ = self.client.get("/rest/api/2/project", list[Project])
        by_key = {project.key.upper(): project for project in visible}
        wanted = [key.upper() for key in self.settings.project_keys] or sorted(by_key)
        missing = [key for key in wanted if key not in by_key]
        if missing:
            raise AccessError(
                f"The signed-in user cannot see {_named(missing)}: either there is none of that "
                "key, or the permission 'Browse Projects' is missing."
            )
        if not wanted:
            raise AccessError(
                "The signed-in user sees no project at all. Ask a Jira administrator for the "
                "permission 'Browse Projects'."
            )
        return tuple(by_key[key] for key in wanted)


def _named(keys: list[str]) -> str:
    return f"project{'s' if len(keys) > 1 else ''} {', '.join(keys)}"
