"""Boards and sprints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests

from sandbox import Corpus, Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

TIMEOUT = 10
AUTH = ("sandbox", "sandbox")


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    """A Data Center that nobody changes."""
    with Sandbox(corpus=Corpus.generate(seed=7, issues=90, projects=3)) as jira:
        yield jira


def ask(jira: Sandbox, path: str, **query: Any) -> Any:
    """An answer below `/rest/agile/1.0` as the default user."""
    url = f"{jira.url}/rest/agile/1.0/{path}"
    return requests.get(url, params=query, auth=AUTH, timeout=TIMEOUT)


def test_boards_page_and_filter(server: Sandbox) -> None:
    """A scrum board a project, a kanban board for every second; by type and project; nobody gets a 401."""
    page = ask(server, "board").json()
    assert list(page) == ["maxResults", "startAt", "total", "isLast", "values"]
    assert (page["total"], page["isLast"], page["maxResults"]) == (4, True, 50)
    first = ask(server, "board", maxResults=3).json()
    rest = ask(server, "board", startAt=3, maxResults=3).json()
    assert (first["isLast"], rest["isLast"]) == (False, True)
    assert first["values"] + rest["values"] == page["values"]
    kanban = ask(server, "board", type="kanban").json()["values"]
    assert [board["type"] for board in kanban] == ["kanban"]
    of_ops = ask(server, "board", projectKeyOrId="OPS").json()["values"]
    assert kanban[0] in of_ops
    assert ask(server, f"board/{kanban[0]['id']}").json() == kanban[0]
    anonymous = requests.get(f"{server.url}/rest/agile/1.0/board", timeout=TIMEOUT)
    assert anonymous.status_code == 401


def test_sprints_have_no_total_and_kanban_boards_have_no_sprints(server: Sandbox) -> None:
    """Data Center's page of sprints lacks `total`; one sprint of a board is active; a kanban board answers 400."""
    page = ask(server, "board/1/sprint").json()
    assert list(page) == ["maxResults", "startAt", "isLast", "values"]
    states = [sprint["state"] for sprint in page["values"]]
    assert states == ["closed"] * (len(states) - 1) + ["active"]
    assert {sprint["originBoardId"] for sprint in page["values"]} == {1}
    active = ask(server, "board/1/sprint", state="active").json()["values"]
    assert active == page["values"][-1:]
    assert ask(server, f"sprint/{active[0]['id']}").json() == active[0]
    refused = ask(server, "board/1002/sprint")
    assert refused.status_code == 400
    assert refused.json()["errorMessages"] == ["The board does not support sprints"]
    assert ask(server, "board/77/sprint").status_code == 404


def test_the_issues_of_a_board_are_those_of_its_project(server: Sandbox) -> None:
    """They come in the envelope of search, obey JQL, and have fields that the platform's resources do not show."""
    page = ask(server, "board/1/issue", maxResults=1000).json()
    truth = {issue["id"] for issue in server.issues if issue["project"] == "ALPHA"}
    assert {issue["id"] for issue in page["issues"]} == truth
    assert page["total"] == len(truth)
    issue = page["issues"][0]
    assert issue["self"] == f"{server.url}/rest/agile/1.0/issue/{issue['id']}"
    assert issue["fields"]["flagged"] is False
    assert {"epic", "sprint"} <= issue["fields"].keys()
    assert any("closedSprints" in one["fields"] for one in page["issues"])
    few = ask(server, "board/1/issue", jql="status = Closed", fields="status").json()
    assert 0 < few["total"] < len(truth)
    assert {one["fields"]["status"]["name"] for one in few["issues"]} == {"Closed"}
    assert ask(server, "board/1/issue", jql="nope = 1").status_code == 400
