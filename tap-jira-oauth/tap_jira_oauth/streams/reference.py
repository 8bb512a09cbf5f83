"""The base of the streams that are read whole in every run: what issues refer to.

Jira does not tell when one of these has changed, and a renaming does not touch the issues. A stream
here is a class with its path and its way of paging, and a schema file of the stream's name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk import SchemaDirectory, StreamSchema
from typing_extensions import override

from tap_jira_oauth.errors import AccessError, ConfigurationError
from tap_jira_oauth.jql import in_utc
from tap_jira_oauth.paging import Whole
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


class OfProjectsStream(ReferenceStream):
    """What each project of `project_keys` has; `{}` in the path stands for the project's id."""

    @override
    def items(self, jira: Jira) -> Iterator[Item]:
        """Ask for one project after the other."""
        for project in jira.projects:
            for item in self.listed(jira, self.path.format(project.id), self.paging):
                yield {**item, "project_id": project.id, "project_key": project.key}
