"""What issues refer to: projects, people, fields, workflow words, boards. Each is read whole in every run.

Jira does not tell when one of these has changed, and a renaming does not touch the issues. A stream
here is a class with its path and its way of paging, and a schema file of the stream's name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk import SchemaDirectory, StreamSchema
from typing_extensions import override

from tap_jira_oauth.errors import AccessError, BadRequestError, ConfigurationError
from tap_jira_oauth.jql import in_utc
from tap_jira_oauth.paging import Mapped, Single, Slices, Values, Whole
from tap_jira_oauth.streams import schemas
from tap_jira_oauth.streams.quiet import QuietStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context

    from tap_jira_oauth.jira import Jira
    from tap_jira_oauth.paging import Item, Paging


class ReferenceStream(QuietStream):
    """A list of Jira's. A selected one costs at least one request a run, so none is selected by default."""

    primary_keys: ClassVar[tuple[str, ...]] = ("id",)
    schema = StreamSchema(SchemaDirectory(schemas))
    selected_by_default = False

    path: ClassVar[str]
    paging: ClassVar[Paging] = Whole()
    product: ClassVar[str] = "Jira"
    """What has to be installed for it."""

    def __init__(self, tap: Tap, connect: Callable[[], Jira]) -> None:
        """Connect to nothing yet."""
        super().__init__(tap)
        self._connect = connect

    @override
    def get_records(self, context: Context | None) -> Iterator[Item]:
        """Yield every entry that the user may see; moments in UTC."""
        properties = self.schema["properties"]
        moments = [name for name, kind in properties.items() if kind.get("format") == "date-time"]
        jira = self._connect()
        _ = jira.started  # to nobody Jira answers with less instead of refusing
        try:
            for item in self.items(jira):
                for name in moments:
                    if item.get(name):
                        item[name] = in_utc(item[name])
                yield item
        except ConfigurationError as error:
            # Jira itself was reached, so no setting is wrong.
            raise AccessError(
                f"This Jira cannot serve the stream {self.name!r}: it has nothing at {self.path}. "
                f"It takes {self.product}; deselect the stream where that is missing."
            ) from error

    def items(self, jira: Jira) -> Iterator[Item]:
        """Yield the entries as they come."""
        yield from self.listed(jira, self.path, self.paging)

    @staticmethod
    def listed(jira: Jira, path: str, paging: Paging) -> Iterator[Item]:
        """Yield the entries below a path."""
        yield from paging.items(lambda part: jira.client.get(part, Any)[0], path)


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


class OfProjectsStream(ReferenceStream):
    """What each project of `project_keys` has; `{}` in the path stands for the project's id."""

    @override
    def items(self, jira: Jira) -> Iterator[Item]:
        """Ask for one project after the other."""
        for project in jira.projects:
            for item in self.listed(jira, self.path.format(project.id), self.paging):
                yield {**item, "project_id": project.id, "project_key": project.key}


class ProjectVersionsStream(OfProjectsStream):
    """The versions of each project."""

    name = "project_versions"
    path = "/rest/api/2/project/{}/versions"


class ProjectComponentsStream(OfProjectsStream):
    """The components of each project."""

    name = "project_components"
    path = "/rest/api/2/project/{}/components"


class UsersStream(ReferenceStream):
    """Everybody whom the user may browse, inactive ones, too. `id` is what other records refer to."""

    name = "users"
    path = "/rest/api/2/user/search?username=.&includeInactive=true"
    paging = Slices(1000)

    @override
    def items(self, jira: Jira) -> Iterator[Item]:
        """Ask as the flavour wants it; Data Center takes "." for everybody."""
        path = "/rest/api/2/users/search" if jira.is_cloud else self.path
        for user in self.listed(jira, path, self.paging):
            # A deleted user of Data Center may have nothing left but the name.
            key = user.get("accountId") or user.get("key") or user["name"]
            yield {"id": key, **user}


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


class PermissionsStream(ReferenceStream):
    """Every permission that there is, whoever has it."""

    name = "permissions"
    primary_keys: ClassVar[tuple[str, ...]] = ("key",)
    path = "/rest/api/2/permissions"
    paging = Mapped("permissions")


class ServerInfoStream(ReferenceStream):
    """One record: what this Jira is."""

    name = "server_info"
    primary_keys: ClassVar[tuple[str, ...]] = ("baseUrl",)
    path = "/rest/api/2/serverInfo"
    paging = Single()


class BoardsStream(ReferenceStream):
    """Every board of Jira Software that the user sees."""

    name = "boards"
    product = "Jira Software"
    path = "/rest/agile/1.0/board"
    paging = Values()


class SprintsStream(ReferenceStream):
    """The sprints of each board that has any; a sprint on two boards is two records."""

    name = "sprints"
    product = "Jira Software"
    primary_keys: ClassVar[tuple[str, ...]] = ("board_id", "id")
    path = "/rest/agile/1.0/board/{}/sprint"
    paging = Values()

    @override
    def items(self, jira: Jira) -> Iterator[Item]:
        """Ask every board but kanban ones, which have none; a team's own board may refuse, too."""
        for board in self.listed(jira, BoardsStream.path, BoardsStream.paging):
            if board.get("type") != "kanban":
                yield from self._of(jira, board["id"])

    def _of(self, jira: Jira, board: int) -> Iterator[Item]:
        try:
            for sprint in self.listed(jira, self.path.format(board), self.paging):
                yield {**sprint, "board_id": board}
        except BadRequestError as error:
            self.logger.info("Board %s has no sprints: %s", board, error)


REFERENCE_STREAMS = (
    BoardsStream,
    FieldsStream,
    IssueTypesStream,
    PermissionsStream,
    PrioritiesStream,
    ProjectComponentsStream,
    ProjectVersionsStream,
    ProjectsStream,
    ResolutionsStream,
    ServerInfoStream,
    SprintsStream,
    StatusCategoriesStream,
    StatusesStream,
    UsersStream,
)
