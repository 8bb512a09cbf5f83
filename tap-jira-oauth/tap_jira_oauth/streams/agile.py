"""Boards and sprints of Jira Software."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from typing_extensions import override

from tap_jira_oauth.errors import BadRequestError
from tap_jira_oauth.paging import Values
from tap_jira_oauth.streams.reference import ReferenceStream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_jira_oauth.jira import Jira
    from tap_jira_oauth.paging import Item


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


AGILE_STREAMS = (
    BoardsStream,
    SprintsStream,
)
