"""Boards and sprints under `/rest/agile/1.0`: a scrum board a project, and a kanban board for every second one.

Which sprints a board has follows from the text of the Sprint field, whose `rapidViewId` names the board. A page of sprints
has no `total` on Data Center, kanban boards refuse to have sprints, and issues come with fields that the platform's own
resources do not show (`flagged`, `epic`, `sprint`, `closedSprints`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from werkzeug.routing import Rule

from sandbox import texts
from sandbox.issue import BASE
from sandbox.jql import JqlError
from sandbox.pages import PageError, Slice
from sandbox.reference import STATUSES
from sandbox.render import localised
from sandbox.rest import answer, refusal, unauthorised
from sandbox.search import SearchRequest, WindowExceededError, page, selection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from werkzeug import Response

    from sandbox.asked import Asked
    from sandbox.issue import Issue, Project
    from sandbox.rest import Rest

    Body = dict[str, Any]

PAGE: Final = 50
KANBAN: Final = 1000
"""What the id of a kanban board is ahead of that of the scrum board of its project."""

_API: Final = "/rest/agile/<any('1.0',latest):version>"
_SPRINT: Final = re.compile(r"\.Sprint@[0-9a-f]+\[id=(\d+),")

RULES: Final = (
    Rule(f"{_API}/board", endpoint="boards", methods=["GET"]),
    Rule(f"{_API}/board/<int:number>", endpoint="board", methods=["GET"]),
    Rule(f"{_API}/board/<int:number>/sprint", endpoint="sprints", methods=["GET"]),
    Rule(f"{_API}/board/<int:number>/issue", endpoint="board_issues", methods=["GET"]),
    Rule(f"{_API}/board/<int:number>/configuration", endpoint="board_setup", methods=["GET"]),
    Rule(f"{_API}/board/<int:number>/epic", endpoint="epics", methods=["GET"]),
    Rule(f"{_API}/sprint/<int:number>", endpoint="sprint", methods=["GET"]),
    Rule(f"{_API}/sprint/<int:number>/issue", endpoint="sprint_issues", methods=["GET"]),
)


@dataclass(frozen=True)
class Board:
    """A board shows the issues of one project."""

    id: int
    kind: str
    project: Project

    @property
    def body(self) -> Body:
        """As the list shows it."""
        url = f"{BASE}/rest/agile/1.0/board/{self.id}"
        return {"id": self.id, "self": url, "name": f"{self.project.key} board", "type": self.kind}

    @property
    def configuration(self) -> Body:
        """Its columns, with the statuses that they show, and its filter."""
        statuses = [{"id": status["id"], "self": status["self"]} for status in STATUSES]
        columns = [
            {"name": "Open", "statuses": statuses[:1]},
            {"name": "Rest", "statuses": statuses[1:]},
        ]
        field = {"fieldId": "customfield_10106", "displayName": "Story Points"}
        estimation = {"estimation": {"type": "field", "field": field}}
        return {
            **self.body,
            "self": f"{self.body['self']}/configuration",
            "filter": {"id": str(self.id), "self": f"{BASE}/rest/api/2/filter/{self.id}"},
            "columnConfig": {"columns": columns, "constraintType": "none"},
            **(estimation if self.kind == "scrum" else {"subQuery": {"query": ""}}),
            "ranking": {"rankCustomFieldId": 10_105},
        }


@dataclass(frozen=True)
class Agile:
    """One method a resource."""

    rest: Rest
    cloud: bool

    def endpoints(self) -> dict[str, Callable[..., Response]]:
        """The handlers by the names in `RULES`."""
        return {
            "boards": self.boards,
            "board": self.board,
            "sprints": self.sprints,
            "board_issues": self.issues,
            "board_setup": self.configuration,
            "epics": self.epics,
            "sprint": self.sprint,
            "sprint_issues": self.sprint_issues,
        }

    def boards(self, asked: Asked) -> Response:
        """`startAt`, `maxResults`, and the filters `type`, `name` and `projectKeyOrId`."""
        if asked.identity.anonymous:
            return unauthorised(asked.base)
        args = asked.request.args
        found = [
            board.body
            for board in self._boards(asked)
            if args.get("type", board.kind) == board.kind
            and args.get("name", "").casefold() in board.body["name"].casefold()
            and args.get("projectKeyOrId", board.project.key)
            in {board.project.key, board.project.id}
        ]
        return self._page(asked, found, total=True)

    def board(self, asked: Asked, number: int) -> Response:
        """One board."""
        board = self._board(asked, number)
        return answer(board.body, asked) if board else _no_board()

    def sprints(self, asked: Asked, number: int) -> Response:
        """The sprints of a scrum board, oldest first, `state` filters (a comma list); 400 for a kanban board."""
        board = self._board(asked, number)
        if board is None:
            return _no_board()
        if board.kind != "scrum":
            return refusal(400, "The board does not support sprints")
        wanted = set(asked.request.args.get("state", "closed,active,future").split(","))
        ids = range(1, texts.SPRINTS + 1)
        found = [sprint_body(i) for i in ids if texts.board_of_sprint(i) == board.id]
        kept = [sprint for sprint in found if sprint["state"] in wanted]
        return self._page(asked, kept, total=self.cloud)

    def sprint(self, asked: Asked, number: int) -> Response:
        """One sprint."""
        board = self._board(asked, texts.board_of_sprint(number))
        if board is None or not 1 <= number <= texts.SPRINTS:
            return refusal(404, "Sprint does not exist.")
        return answer(localised(sprint_body(number), asked.identity.user.zone), asked)

    def issues(self, asked: Asked, number: int) -> Response:
        """The issues of a board's project that match `jql`, in the envelope of `search`."""
        board = self._board(asked, number)
        if board is None:
            return _no_board()
        project = board.project.id
        return self._found(asked, lambda issue: issue.project.id == project)

    def sprint_issues(self, asked: Asked, number: int) -> Response:
        """The issues whose Sprint field names a sprint, in the envelope of `search`."""
        if not 1 <= number <= texts.SPRINTS:
            return refusal(404, "Sprint does not exist.")
        return self._found(asked, lambda issue: number in sprints_of(issue))

    def configuration(self, asked: Asked, number: int) -> Response:
        """The columns of a board; scrum boards estimate."""
        board = self._board(asked, number)
        return answer(board.configuration, asked) if board else _no_board()

    def epics(self, asked: Asked, number: int) -> Response:
        """The epics of a board's project, in pages without `total`; 400 for a team's own board on Cloud."""
        board = self._board(asked, number)
        if board is None:
            return _no_board()
        if self.cloud and board.kind == "kanban":
            return refusal(400, "The board does not support this operation.")
        issues = self.rest.corpus.snapshot().issues
        found = [epic_body(issue) for issue in issues if is_epic(issue, board.project)]
        return self._page(asked, found, total=False)

    def _found(self, asked: Asked, shows: Callable[[Issue], bool]) -> Response:
        rest = self.rest
        try:
            wanted = SearchRequest.from_query(asked.request.args)
            view = rest.index.view(asked.node, rest.corpus)
            result = rest.searcher.find(wanted, view, asked.identity.user)
            rest.searcher.refuse_too_deep(wanted)
        except JqlError as error:
            return refusal(400, str(error))
        except WindowExceededError as error:
            return refusal(500, str(error))
        ordered = view.shown(result.ordered(rest.searcher.chance))
        found = [issue for issue in ordered if shows(issue)]
        keep = selection(wanted.fields, "*all")
        cut = page(wanted, found, rest.searcher.page_cap)
        return answer(cut.envelope(lambda issue: self._issue(asked, issue, keep)), asked)

    def _issue(self, asked: Asked, issue: Issue, keep: Callable[[str], bool]) -> Body:
        zone = asked.identity.user.zone
        body = self.rest.renderer.body(issue, zone, asked.base, keep)
        sprints = [sprint_body(number) for number in sprints_of(issue)]
        now = [sprint for sprint in sprints if sprint["state"] != "closed"]
        past = [sprint for sprint in sprints if sprint["state"] == "closed"]
        shown: Body = {"flagged": False, "epic": None, "sprint": now[0] if now else None}
        shown |= {"closedSprints": past} if past else {}
        more = {name: localised(value, zone) for name, value in shown.items() if keep(name)}
        link = f"{asked.base}/rest/agile/1.0/issue/{issue.id}"
        fields = {**body.get("fields", {}), **more}
        return {**body, "self": link, **({"fields": fields} if fields else {})}

    def _boards(self, asked: Asked) -> Iterator[Board]:
        user = asked.identity.user
        for index, project in enumerate(self.rest.corpus.snapshot().projects, start=1):
            if user.sees(project.key):
                yield Board(index, "scrum", project)
                if index % 2 == 0:
                    yield Board(KANBAN + index, "kanban", project)

    def _board(self, asked: Asked, number: int) -> Board | None:
        return next((board for board in self._boards(asked) if board.id == number), None)

    def _page(self, asked: Asked, found: Sequence[Body], *, total: bool) -> Response:
        try:
            part = Slice.of(asked.request.args, usual=PAGE, most=PAGE)
        except PageError as error:
            return refusal(400, str(error))
        last = part.start + part.size >= len(found)
        head: Body = {"maxResults": part.size, "startAt": part.start}
        head |= {"total": len(found)} if total else {}
        values = localised(part.cut(found), asked.identity.user.zone)
        return answer({**head, "isLast": last, "values": values}, asked)


def sprint_body(number: int) -> Body:
    """A sprint of two weeks; the last of a board is active, those before it are closed."""
    board = texts.board_of_sprint(number)
    active = number + texts.SPRINT_BOARDS > texts.SPRINTS
    start, end = texts.sprint_moments(number)
    closed = {} if active else {"completeDate": end}
    return {
        "id": number,
        "self": f"{BASE}/rest/agile/1.0/sprint/{number}",
        "state": "active" if active else "closed",
        "name": texts.sprint_name(number),
        "startDate": start,
        "endDate": end,
        **closed,
        "activatedDate": start,
        "originBoardId": board,
        "goal": "",
    }


def is_epic(issue: Issue, project: Project) -> bool:
    """Whether a board of the project lists an issue among its epics."""
    return issue.project.id == project.id and issue.fields["issuetype"]["name"] == "Epic"


def epic_body(issue: Issue) -> Body:
    """An epic as a board lists it; `id` is a number here."""
    return {
        "id": int(issue.id),
        "key": issue.key,
        "self": f"{BASE}/rest/agile/1.0/epic/{issue.id}",
        "name": issue.key.lower(),
        "summary": issue.fields["summary"],
        "color": {"key": "color_1"},
        "done": False,
    }


def sprints_of(issue: Issue) -> list[int]:
    """The numbers of the sprints named in the texts of whatever field holds them."""
    found = []
    for value in issue.fields.values():
        if isinstance(value, list) and value and isinstance(value[0], str):
            found += [int(match[1]) for text in value if (match := _SPRINT.search(text))]
    return found


def _no_board() -> Response:
    return refusal(
        404,
        "The requested board cannot be viewed because it either does not exist or you do not have permission to view it.",
    )
