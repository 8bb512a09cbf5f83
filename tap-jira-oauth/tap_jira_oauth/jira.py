"""What the tap learns about a Jira before it reads: what it is, who we are, its clock, its projects.

Asked for before the first search, so that a wrong address, an expired sign-in or an invisible
project is an error and never looks like "no issues".
"""

from __future__ import annotations

import logging
from functools import cached_property
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from tap_jira_oauth import field_list
from tap_jira_oauth.client import decode
from tap_jira_oauth.errors import (
    AccessError,
    AnswerError,
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    NotFoundError,
)
from tap_jira_oauth.field_types import completed
from tap_jira_oauth.jql import epoch_literal, zone_literal
from tap_jira_oauth.probe import reads_epoch_ms
from tap_jira_oauth.settings import LOOKBACK_MINUTES
from tap_jira_oauth.shard import Shard

if TYPE_CHECKING:
    from tap_jira_oauth.answer import Answer
    from tap_jira_oauth.client import JiraClient
    from tap_jira_oauth.field_types import Field
    from tap_jira_oauth.jql import Literal
    from tap_jira_oauth.progress import Progress
    from tap_jira_oauth.settings import Settings

logger = logging.getLogger("tap-jira-oauth")


class ServerInfo(msgspec.Struct):
    """`/rest/api/2/serverInfo`. Data Center calls itself `Server`, Cloud `Cloud`."""

    version: str = "of unknown version"
    deployment_type: str = msgspec.field(name="deploymentType", default="Server")

    @property
    def is_cloud(self) -> bool:
        """Tell whether the server calls itself Cloud, whatever its address."""
        return self.deployment_type == "Cloud"


class Myself(msgspec.Struct):
    """`/rest/api/2/myself`: answered with 401 where nobody is signed in."""

    time_zone: str | None = msgspec.field(name="timeZone", default=None)


class Project(msgspec.Struct, frozen=True):
    """A project that the user can see. The id stays when the project is renamed, the key does not."""

    id: str
    key: str


class ProjectPage(msgspec.Struct):
    """A page of `/rest/api/2/project/search`, which only Cloud has."""

    values: list[Project]
    total: int
    is_last: bool = msgspec.field(name="isLast")


class Counted(msgspec.Struct):
    """What a search says about itself, whatever it shows."""

    total: int


_counted = msgspec.json.Decoder(Counted)

SEARCH = "/rest/api/2/search"

PROJECT_READINGS = 3
"""How often the list of projects is read before a list that is not whole is an error."""


class Jira:
    """One server, asked as one user. Each fact is asked for once, when it is first needed."""

    def __init__(self, settings: Settings, client: JiraClient, progress: Progress) -> None:
        """Nothing is sent yet. `progress` is told what the streams have read.

        `unserved` collects what could not be read, a line each: the run goes on with the other
        streams, and fails at its end.
        """
        self.settings = settings
        self.client = client
        self.progress = progress
        self.unserved: list[str] = []

    @cached_property
    def _server(self) -> tuple[ServerInfo, Answer]:
        return self.client.get("/rest/api/2/serverInfo", ServerInfo)

    @cached_property
    def is_cloud(self) -> bool:
        """Tell whether this is a Jira Cloud, as the settings say, or else the server."""
        flavor = self.settings.api_flavor
        return flavor == "cloud" or (flavor == "auto" and self._server[0].is_cloud)

    @cached_property
    def lookback_minutes(self) -> int:
        """How far behind a bookmark to look again: as the settings say, or else as Jira needs."""
        default = LOOKBACK_MINUTES["cloud" if self.is_cloud else "data_center"]
        return self.settings.lookback_minutes or default

    @cached_property
    def _myself(self) -> tuple[Myself, Answer]:
        return self.client.get("/rest/api/2/myself", Myself)

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
            _, first = self._myself
        info, answer = self._server
        clock = (first or answer).clock
        if clock is None:
            raise AnswerError("Jira answered without a Date header; its clock is needed.")
        logger.info("Signed in to Jira %s at %s", info.version, self.settings.api_url)
        return clock

    def confirm_sign_in(self) -> None:
        """Ask once more who we are, after a 401: Jira says that to users without a right, too.

        Raises:
            AuthenticationError: the sign-in itself has ended.
        """
        if self.settings.auth_method != "anonymous":
            self.client.get("/rest/api/2/myself", Myself)

    def clock(self) -> int:
        """Ask for the server's own clock as it is now, in epoch milliseconds.

        Raises:
            TapError: it is not told.
        """
        clock = self.client.get("/rest/api/2/serverInfo", ServerInfo)[1].clock
        if clock is None:
            raise AnswerError("Jira answered without a Date header; its clock is needed.")
        return clock

    @cached_property
    def literal(self) -> Literal:
        """How to write a moment in a Data Center's JQL: as milliseconds, or else in the user's own time zone.

        Raises:
            AnswerError: the zone is needed and not told.
            ConfigurationError: this machine does not know the zone.
        """
        try:
            reads = self.reads_milliseconds
        except AccessError:  # each project's own search says so, and the others go on
            return epoch_literal
        if reads is not False:
            return epoch_literal
        name = self._myself[0].time_zone if self.settings.auth_method != "anonymous" else None
        if name is None:
            raise AnswerError(
                "This Jira does not read numbers in JQL as milliseconds, and does not tell the "
                "user's time zone. Sign in as a user who has one."
            )
        logger.info("This Jira reads times in JQL only in the user's time zone, %s", name)
        try:
            return zone_literal(ZoneInfo(name))
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ConfigurationError(
                f"This machine does not know the time zone {name} of the user in Jira, in which "
                "this Jira reads times. Install the Python package tzdata, or set another zone "
                "in the user's profile."
            ) from error

    @cached_property
    def reads_milliseconds(self) -> bool | None:
        """Whether a Data Center reads numbers in JQL as epoch milliseconds; None where no issue tells.

        One question, and a second one where that finds nothing. Of Cloud it is known.
        """
        return reads_epoch_ms(self.started, self._count)

    def _count(self, jql: str) -> int | None:
        """Return how many issues a search finds; None where Jira refuses it."""
        payload = {"jql": jql, "maxResults": 1, "fields": ["updated"]}
        try:
            answer = self.client.search(SEARCH, lambda: payload, lambda: None)
        except BadRequestError:
            return None
        return decode(answer, SEARCH, _counted).total

    @cached_property
    def fields(self) -> list[Field]:
        """Every field that the user can see, in Jira's order; on Cloud also those that it finds besides."""
        _ = self.started  # who we are comes first: nobody would just see fewer fields
        fields = field_list.listed(self.client)
        return completed(fields, self._searched_fields()) if self.is_cloud else fields

    def _searched_fields(self) -> list[Field]:
        """Return what Cloud's search of fields finds; nothing where it is not for this user."""
        try:
            return field_list.searched(self.client)
        except (AccessError, AuthenticationError, BadRequestError, NotFoundError) as error:
            if isinstance(error, AuthenticationError):
                self.confirm_sign_in()
            logger.info(
                "Fields are those that the signed-in user meets in projects; the search for all of "
                "them is refused (with the permission 'Administer Jira' it is not): %s",
                error,
            )
            return []

    @cached_property
    def projects(self) -> tuple[Project, ...]:
        """The projects to read, in the order of `project_keys`, else by key; of a shard there may be none.

        Raises:
            AccessError: there is none that the user can see.
        """
        _ = self.started  # who we are comes first: nobody would just see fewer projects
        found = tuple(self.visible[key] for key in self._wanted if key in self.visible)
        if found and self.invisible:
            logger.warning(self.invisible)
        if not found:
            raise AccessError(
                self.invisible
                or "The signed-in user sees no project at all. Ask a Jira administrator for the "
                "permission 'Browse Projects'."
            )
        if self.settings.shard is None:
            return found
        shard = Shard(*self.settings.shard)
        mine = tuple(project for project in found if shard.has(project.id))
        logger.info(
            "%d of %d projects are in part %d/%d", len(mine), len(found), shard.number, shard.count
        )
        return mine

    @cached_property
    def invisible(self) -> str | None:
        """What to say about configured projects that the user cannot see; None if there are none."""
        missing = [key for key in self._wanted if key not in self.visible]
        if not missing:
            return None
        return (
            f"The signed-in user cannot see {_named(missing)}: either there is none of that key, or "
            "the permission 'Browse Projects' is missing."
        )

    @property
    def _wanted(self) -> list[str]:
        return [key.upper() for key in self.settings.project_keys] or sorted(self.visible)

    @cached_property
    def visible(self) -> dict[str, Project]:
        """Every project that the user sees, by its key in capitals."""
        projects = self._cloud_projects() if self.is_cloud else self._all_projects()
        return {project.key.upper(): project for project in projects}

    def _all_projects(self) -> list[Project]:
        """Return the visible projects of a Data Center, which lists them all at once."""
        return self.client.get("/rest/api/2/project", list[Project])[0]

    def _cloud_projects(self) -> list[Project]:
        """Return the visible projects of a Cloud, page by page.

        `action=browse`: an administrator is else shown projects whose issues stay hidden. The list
        may change while it is read; it is whole when it holds as many projects as Jira says.

        Raises:
            AnswerError: it never does.
        """
        for _ in range(PROJECT_READINGS):
            found: dict[str, Project] = {}
            start, page = 0, ProjectPage([], 0, is_last=False)
            while not page.is_last:
                query = f"startAt={start}&maxResults=50&orderBy=key&action=browse"
                page, _answer = self.client.get(f"/rest/api/2/project/search?{query}", ProjectPage)
                found |= {project.id: project for project in page.values}
                start += len(page.values)
                page.is_last |= not page.values
            if len(found) >= page.total:
                return list(found.values())
        raise AnswerError(
            f"Jira says that it has {page.total} projects, and lists {len(found)}. Run again; if it "
            "stays so, report it."
        )


def _named(keys: list[str]) -> str:
    return f"project{'s' if len(keys) > 1 else ''} {', '.join(keys)}"
