"""Boards of Jira Software, and what hangs below them: sprints, epics, issues.

Jira REST API of Jira Software Data Center 10.3 and Cloud's OpenAPI, `/rest/agile/1.0`. A sprint, an
epic or an issue may be on several boards, and is a record for each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from typing_extensions import override

from tap_jira_oauth.errors import BadRequestError, NotFoundError
from tap_jira_oauth.paging import Single, Values
from tap_jira_oauth.streams.reference import OfParentsStream, Parent, ReferenceStream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_jira_oauth.errors import TapError
    from tap_jira_oauth.jira import Jira
    from tap_jira_oauth.paging import Item, Paging

SOFTWARE = "Jira Software"


class BoardsStream(ReferenceStream):
    """Every board of Jira Software that the user sees."""

    name = "boards"
    product = SOFTWARE
    path = "/rest/agile/1.0/board"
    paging: ClassVar[Paging] = Values()


class OfBoardsStream(OfParentsStream):
    """What each board has. A kind of board that has none of it says so with 400 or 404.

    So does Jira, with other words, of a board whose filter is broken.
    """

    product = SOFTWARE
    primary_keys: ClassVar[tuple[str, ...]] = ("board_id", "id")
    paging: ClassVar[Paging] = Values()
    not_there: ClassVar[tuple[type[TapError], ...]] = (BadRequestError, NotFoundError)
    without: ClassVar[frozenset[str]] = frozenset()
    """Types of boards that are known to have none, and are not asked."""

    @override
    def parents(self, jira: Jira) -> Iterator[Parent]:
        for board in self.listed(jira, BoardsStream.path, BoardsStream.paging):
            if board.get("type") not in self.without:
                yield Parent(board["id"], f"board {board['id']}", {"board_id": board["id"]})


class BoardConfigurationsStream(OfBoardsStream):
    """The filter, the columns and the estimation of each board; `id` is the board's."""

    name = "board_configurations"
    primary_keys: ClassVar[tuple[str, ...]] = ("id",)
    path = "/rest/agile/1.0/board/{}/configuration"
    paging: ClassVar[Paging] = Single()
    unreadable: ClassVar[tuple[type[TapError], ...]] = (BadRequestError,)


class SprintsStream(OfBoardsStream):
    """The sprints of each board that has any; a sprint on two boards is two records."""

    name = "sprints"
    path = "/rest/agile/1.0/board/{}/sprint"
    without = frozenset({"kanban"})
    each_has_one = False


class EpicsStream(OfBoardsStream):
    """The epics of each board; a team's own board has issues of the type Epic instead."""

    name = "epics"
    path = "/rest/agile/1.0/board/{}/epic"
    each_has_one = False


class BoardIssuesStream(OfBoardsStream):
    """Which issues each board shows, in the board's own order; the issues themselves are in `issues`."""

    name = "board_issues"
    primary_keys: ClassVar[tuple[str, ...]] = ("board_id", "issue_id")
    path = "/rest/agile/1.0/board/{}/issue?fields=id"
    paging: ClassVar[Paging] = Values(1000, member="issues")
    unreadable: ClassVar[tuple[type[TapError], ...]] = (BadRequestError,)

    @override
    def items(self, jira: Jira) -> Iterator[Item]:
        return placed(super().items(jira), "board_id")


class SprintIssuesStream(OfBoardsStream):
    """Which issues are in each sprint, in its own order. Each sprint is asked for once."""

    name = "sprint_issues"
    primary_keys: ClassVar[tuple[str, ...]] = ("sprint_id", "issue_id")
    path = "/rest/agile/1.0/sprint/{}/issue?fields=id"
    paging: ClassVar[Paging] = Values(1000, member="issues")
    without = SprintsStream.without
    each_has_one = False

    @override
    def parents(self, jira: Jira) -> Iterator[Parent]:
        known: set[int] = set()
        boards = super().parents(jira)
        for sprint in self.lists(jira, boards, SprintsStream.path, SprintsStream.paging):
            id_ = sprint["id"]
            if id_ not in known:
                known.add(id_)
                yield Parent(id_, f"sprint {id_}", {"sprint_id": id_})

    @override
    def items(self, jira: Jira) -> Iterator[Item]:
        return placed(super().items(jira), "sprint_id")


def placed(issues: Iterator[Item], owner: str) -> Iterator[Item]:
    """Yield of each issue of a board or sprint its ids and its place there, counted from 0."""
    place, before = 0, None
    for issue in issues:
        place = place + 1 if issue[owner] == before else 0
        before = issue[owner]
        yield {
            owner: before,
            "issue_id": issue["id"],
            "issue_key": issue["key"],
            "position": place,
        }


AGILE_STREAMS = (
    BoardConfigurationsStream,
    BoardIssuesStream,
    BoardsStream,
    EpicsStream,
    SprintIssuesStream,
    SprintsStream,
)
