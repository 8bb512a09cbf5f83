"""What a date that a person edits in the table does to a run of tap-jira-oauth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from state.dynamodb import LocalDynamoDB, edit, states
from state_backend_dynamodb.projects import SINGER_STATE
from state_backend_dynamodb.table import Table
from tap.command import run

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Configure
    from sandbox import Sandbox
    from state_backend_dynamodb.states import States

STATE = "lambda"


def issues(kept: States, folder: Path, config: dict[str, Any]) -> set[str]:
    """Run the tap as a caller without Meltano does; return the keys of the issues that it printed."""
    with kept.locked(STATE) as held:
        document = held.read() or {}
        begin = document.get("completed", {}).get(SINGER_STATE)
        done = run(folder, config, begin)
        assert done.status == 0, done.log
        last = [message["value"] for message in done.messages if message["type"] == "STATE"][-1]
        held.write({"completed": {SINGER_STATE: last}, "partial": {}})
    return {record["key"] for record in done.of("issues")}


def test_an_edited_date_reads_that_project_again(
    configure: Configure, moto: LocalDynamoDB, tmp_path: Path
) -> None:
    """All of its issues since then, those at the old bookmark included, and nothing of the others."""
    table = moto.table()
    kept = states(table)
    everything = issues(kept, tmp_path, configure())
    assert issues(kept, tmp_path, configure()) == set()
    project = project_of(min(everything))
    edit(table, STATE, project, "1970-01-01")
    again = issues(kept, tmp_path, configure())
    assert again == {key for key in everything if project_of(key) == project}
    assert issues(kept, tmp_path, configure()) == set()


def test_the_articles_dates_are_where_the_tap_begins(
    connected_jira: Sandbox, configure: Configure, moto: LocalDynamoDB, tmp_path: Path
) -> None:
    """Of the projects that its table has; the others are read whole, and nothing is read twice."""
    everything = {issue["key"] for issue in connected_jira.issues}
    project = project_of(min(everything))
    articles = Table(moto.client, moto.article_table({project: "2999-01-01 00:00"}))
    kept = states(moto.table(), import_table=articles)
    found = issues(kept, tmp_path, configure())
    assert found == {key for key in everything if project_of(key) != project}
    assert issues(kept, tmp_path, configure()) == set()


def project_of(key: str) -> str:
    """Return the project of an issue."""
    return key.rpartition("-")[0]
