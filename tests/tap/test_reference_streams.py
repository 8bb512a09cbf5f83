"""Projects, people, fields, boards: every entry of every list, of both flavours, as records that conform."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from documents import ROOT
from sandbox import Corpus, Sandbox
from sandbox import permissions as known_permissions
from sandbox.texts import SPRINTS
from sandbox.users import User
from tap.below import run_with, select
from tap_jira_oauth.streams import REFERENCE_STREAMS

if TYPE_CHECKING:
    from pathlib import Path

    from tap.command import Run

pytestmark = pytest.mark.any_version

NAMES = {stream.name for stream in REFERENCE_STREAMS}
PROJECTS = 60
"""More than Cloud and the boards' list show on a page."""

SIGNED_IN = {"auth_method": "basic", "username": "sandbox", "password": "sandbox"}


def selected(folder: Path, jira: Sandbox, names: set[str], **more: object) -> Run:
    """Run the tap with these streams alone."""
    config: dict[str, Any] = {"api_url": jira.url, **SIGNED_IN, **more}
    return run_with(folder, config, select(folder, names))


def by_stream(result: Run) -> dict[str, list[dict[str, Any]]]:
    """The records of each stream."""
    return {name: result.of(name) for name in NAMES}


@pytest.mark.parametrize("flavor", ["data_center", "cloud"])
def test_every_list_is_read_to_its_end(tmp_path: Path, flavor: Any) -> None:
    """As many entries as the server has, each once by its key; moments are in UTC."""
    user = User("sandbox", "Sandbox", time_zone="Asia/Kolkata", password="sandbox")
    corpus = Corpus.generate(seed=7, issues=120, projects=PROJECTS)
    with Sandbox(corpus=corpus, flavor=flavor, users=(user,)) as jira:
        result = selected(tmp_path, jira, NAMES)
        assert result.status == 0, result.log
        reference = jira.world.corpus.reference
        projects = jira.world.corpus.snapshot().projects
    found = by_stream(result)
    assert len(projects) == PROJECTS
    counts = {name: len(records) for name, records in found.items()}
    assert counts == {
        "projects": PROJECTS,
        "project_versions": sum(map(len, reference.versions.values())),
        "project_components": sum(map(len, reference.components.values())),
        "users": len(reference.users),
        "fields": len(jira.world.corpus.field_list),
        "issue_types": len(reference.issue_types),
        "statuses": len(reference.statuses),
        "status_categories": 4,
        "priorities": len(reference.priorities),
        "resolutions": len(reference.resolutions),
        "permissions": len(known_permissions.listed()["permissions"]),
        "server_info": 1,
        "boards": PROJECTS + PROJECTS // 2,
        "sprints": SPRINTS,
    }
    for stream in REFERENCE_STREAMS:
        keys = [tuple(record[key] for key in stream.primary_keys) for record in found[stream.name]]
        assert len(set(keys)) == len(keys), stream.name
    assert {record["startDate"][-1] for record in found["sprints"]} == {"Z"}


def test_every_stream_stands_in_the_readme() -> None:
    """In a row of the table, by its name."""
    text = (ROOT / "tap-jira-oauth" / "README.md").read_text()
    assert {name for name in NAMES if f"`{name}`" not in text} == set()


def test_what_belongs_to_projects_is_read_of_the_chosen_ones(tmp_path: Path) -> None:
    """`project_keys` narrows versions and components, each of which names its project."""
    with Sandbox(corpus=Corpus.generate(seed=7, issues=120, projects=3)) as jira:
        names = {"projects", "project_versions", "project_components"}
        found = by_stream(selected(tmp_path, jira, names, project_keys=["OPS"]))
    assert len(found["projects"]) == 3
    assert {record["project_key"] for record in found["project_versions"]} == {"OPS"}
    assert {record["project_key"] for record in found["project_components"]} == {"OPS"}


def test_nobody_gets_less_in_silence(tmp_path: Path) -> None:
    """To somebody who is not signed in Jira lists no status at all; that is an error."""
    with Sandbox(corpus=Corpus.generate(seed=7, issues=20)) as jira:
        result = selected(tmp_path, jira, {"statuses"}, password="wrong")
    assert result.status == 1
    assert "HTTP 401" in result.log
    assert [m for m in result.messages if m["type"] == "RECORD"] == []


def test_a_jira_without_boards_says_so(tmp_path: Path) -> None:
    """Jira Software may not be installed: the stream that was asked for is named."""
    with Sandbox(corpus=Corpus.generate(seed=7, issues=20)) as jira:
        body = {"message": "null for uri", "status-code": 404}
        jira.fault("/rest/agile/1.0/board", status=404, body=body)
        result = selected(tmp_path, jira, {"boards"})
    assert result.status == 1
    assert "cannot serve the stream 'boards'" in result.log.splitlines()[-1]
    assert "It takes Jira Software; deselect" in result.log.splitlines()[-1]
