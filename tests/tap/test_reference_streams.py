"""Projects, people, fields, boards: every entry of every list, of both flavours, as records that conform."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from documents import ROOT
from sandbox import Corpus, Sandbox
from sandbox import permissions as known_permissions
from sandbox.administration import ROLES, group_id
from sandbox.agile import is_epic, sprints_of
from sandbox.texts import SPRINTS
from sandbox.users import User
from tap.below import run_with, select
from tap_jira_oauth.streams import (
    CHILD_STREAMS,
    INCREMENTAL_STREAMS,
    REFERENCE_STREAMS,
    schemas,
)

if TYPE_CHECKING:
    from sandbox.administration import Administration
    from tap.command import Run

pytestmark = pytest.mark.any_version

NAMES = {stream.name for stream in REFERENCE_STREAMS}
PROJECTS = 60
"""More than Cloud and the boards' list show on a page."""

SCHEMAS = Path(schemas.__path__[0])
JSON = {"Content-Type": "application/json;charset=UTF-8"}
SIGNED_IN = {"auth_method": "basic", "username": "sandbox", "password": "sandbox"}


def selected(folder: Path, jira: Sandbox, names: set[str], **more: object) -> Run:
    """Run the tap with these streams alone."""
    config: dict[str, Any] = {"api_url": jira.url, **SIGNED_IN, **more}
    return run_with(folder, config, select(folder, names))


def by_stream(result: Run) -> dict[str, list[dict[str, Any]]]:
    """The records of each stream."""
    return {name: result.of(name) for name in NAMES}


@dataclass(frozen=True)
class Everything:
    """All that one run read of a Jira, and what that Jira holds; `keys` are those of each stream that it has."""

    on_cloud: bool
    keys: dict[str, tuple[str, ...]]
    found: dict[str, list[dict[str, Any]]]
    corpus: Corpus


@pytest.fixture(scope="module", params=["data_center", "cloud"])
def everything(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Everything:
    """Every list that this flavour has, of more projects than a page shows."""
    flavor = request.param
    user = User("sandbox", "Sandbox", time_zone="Asia/Kolkata", password="sandbox")
    corpus = Corpus.generate(seed=7, issues=120, projects=PROJECTS)
    keys = {each.name: each.primary_keys for each in REFERENCE_STREAMS if flavor in each.flavors}
    with Sandbox(corpus=corpus, flavor=flavor, users=(user,)) as jira:
        result = selected(tmp_path_factory.mktemp(flavor), jira, {*keys})
    assert result.status == 0, result.log
    return Everything(flavor == "cloud", keys, by_stream(result), corpus)


def test_every_list_is_read_to_its_end(everything: Everything) -> None:
    """As many entries as the server has, each once by its key; moments are in UTC."""
    found, reference = everything.found, everything.corpus.reference
    projects = everything.corpus.snapshot().projects
    assert len(projects) == PROJECTS
    counts = {name: len(found[name]) for name in everything.keys}
    assert counts == {
        "projects": PROJECTS,
        "project_versions": sum(map(len, reference.versions.values())),
        "project_components": sum(map(len, reference.components.values())),
        "users": len(reference.users),
        "fields": len(everything.corpus.field_list),
        "issue_types": len(reference.issue_types),
        "statuses": len(reference.statuses),
        "status_categories": 4,
        "priorities": len(reference.priorities),
        "resolutions": len(reference.resolutions),
        "permissions": len(known_permissions.listed()["permissions"]),
        "server_info": 1,
        "boards": PROJECTS + PROJECTS // 2,
        "sprints": SPRINTS,
        **boards_have(everything.corpus, on_cloud=everything.on_cloud),
        **set_up(everything.corpus.administration, on_cloud=everything.on_cloud),
    }
    for name, keys in everything.keys.items():
        values = [tuple(record[key] for key in keys) for record in found[name]]
        assert len(set(values)) == len(values), name
    assert {record["startDate"][-1] for record in found["sprints"]} == {"Z"}


def set_up(by: Administration, *, on_cloud: bool) -> dict[str, int]:
    """How many entries each list has of what administrators have set up."""
    found = {
        "project_roles": len(ROLES),
        "project_role_actors": PROJECTS * sum(len(by.actors(role)) for role in ROLES.values()),
        "project_categories": 3,
        "project_types": len(by.types),
        "project_properties": sum(len(by.properties(project)) for project in by.projects),
        "groups": len(by.groups),
        "group_members": sum(map(len, by.members.values())),
        "application_roles": 2,
        "issue_type_schemes": len(by.issue_type_schemes),
        "issue_link_types": len(by.links),
        "field_options": sum(len(context.options) for context in by.contexts),
        "workflows": len(by.workflows),
        "screens": len(by.screens),
        "screen_tabs": sum(len(by.tabs(screen["id"])) for screen in by.screens),
        "permission_schemes": len(by.permission_schemes),
        "notification_schemes": len(by.notification_schemes),
        "security_levels": sum(len(by.levels(each["id"])) for each in by.security_schemes),
        "dashboards": len(by.dashboards),
        "jira_settings": len(by.settings),
        "time_tracking": 1,
    }
    if on_cloud:
        return found | {
            "labels": len(by.labels),
            "field_contexts": len(by.contexts),
            "workflow_schemes": len(by.workflow_schemes),
            "screen_schemes": len(by.screen_schemes),
            "filters": len(by.filters),
        }
    in_use = {by.workflow_scheme(project)["id"] for project in by.projects}
    favourites = [saved for saved in by.filters if saved["favourite"]]
    return found | {"workflow_schemes": len(in_use), "filters": len(favourites)}


def boards_have(corpus: Corpus, *, on_cloud: bool) -> dict[str, int]:
    """How many records there are of what hangs below boards."""
    issues = corpus.snapshot().issues
    projects = [project.id for project in corpus.snapshot().projects]
    # Every second project has a kanban board, too; a team's own board, as on Cloud, has no epics.
    boards_of = {id_: 1 + index % 2 for index, id_ in enumerate(projects)}
    epics = [issue for issue in issues if is_epic(issue, issue.project)]
    return {
        "board_configurations": sum(boards_of.values()),
        "board_issues": sum(boards_of[issue.project.id] for issue in issues),
        "epics": sum(1 if on_cloud else boards_of[e.project.id] for e in epics),
        "sprint_issues": sum(len(set(sprints_of(issue))) for issue in issues),
    }


def test_every_stream_stands_in_the_readme() -> None:
    """In a row of a table, by its name, those below issues and the logs of the server, too."""
    text = (ROOT / "tap-jira-oauth" / "README.md").read_text()
    names = NAMES | {stream.name for stream in (*CHILD_STREAMS, *INCREMENTAL_STREAMS)}
    assert {name for name in names if f"`{name}`" not in text} == set()


def test_what_belongs_to_projects_is_read_of_the_chosen_ones(tmp_path: Path) -> None:
    """`project_keys` narrows versions, components, roles and properties, each of which names its project."""
    below = {
        *("project_versions", "project_components", "project_role_actors"),
        "project_properties",
    }
    with Sandbox(corpus=Corpus.generate(seed=7, issues=120, projects=3)) as jira:
        names = {"projects", "workflow_schemes", *below}
        found = by_stream(selected(tmp_path, jira, names, project_keys=["OPS"]))
    assert len(found["projects"]) == 3
    assert len(found["workflow_schemes"]) == 1
    for name in below:
        assert {record["project_key"] for record in found[name]} == {"OPS"}, name


def test_records_are_called_the_same_on_both(everything: Everything) -> None:
    """Groups, options, levels and workflows have one key, whatever Jira calls it; each property is described."""
    found, by, on_cloud = everything.found, everything.corpus.administration, everything.on_cloud
    ids = {name: group_id(name) if on_cloud else name for name in by.groups}
    assert {record["name"]: record["id"] for record in found["groups"]} == ids
    members = [
        record for record in found["group_members"] if record["group_id"] == ids[by.groups[0]]
    ]
    assert {record["group_name"] for record in members} == {by.groups[0]}
    assert all(record["id"] == record["accountId" if on_cloud else "key"] for record in members)
    options = {(option["id"], each.field) for each in by.contexts for option in each.options}
    assert {(record["id"], record["field_id"]) for record in found["field_options"]} == options
    default = {record["id"] for record in found["security_levels"] if record["isDefault"]}
    assert default == {"1000000", "1000100"}
    names = {group_id(name) if on_cloud else name for name in by.workflows}
    assert {record["id"] for record in found["workflows"]} == names
    days = {(each["enabled"], each["workingHoursPerDay"]) for each in found["time_tracking"]}
    assert days == {(True, 8.0)}
    for name in everything.keys:
        known = json.loads((SCHEMAS / f"{name}.json").read_text())["properties"].keys()
        assert {key for record in found[name] for key in record} <= known, name


def test_what_a_parent_does_not_have_ends_no_list(tmp_path: Path) -> None:
    """Fields and screens of a team's own project are refused with 404 or 400; all others are read."""
    corpus = Corpus.generate(seed=7, issues=20, projects=1)
    by = corpus.administration
    first, other = by.contexts[0].field, by.contexts[-1].field
    with Sandbox(corpus=corpus, flavor="cloud") as jira:
        body = {"errorMessages": ["The custom field was not found."], "errors": {}}
        jira.fault(f"/rest/api/2/field/{first}/context", status=404, body=body, count=9)
        body = {"errorMessages": ["The screen is not supported."], "errors": {}}
        jira.fault("/rest/api/2/screens/7/tabs", status=400, body=body)
        names = {"field_contexts", "screen_tabs"}
        result = selected(tmp_path, jira, names)
    assert result.status == 0, result.log
    found = {record["field_id"] for record in result.of("field_contexts")}
    assert other in found
    assert first not in found
    screens = {record["screen_id"] for record in result.of("screen_tabs")}
    assert screens == {screen["id"] for screen in by.screens} - {7}
    assert ": GET /rest/api/2/screens/7/tabs: HTTP 400" in result.log


def test_who_is_no_administrator_is_told_what_lists_take(tmp_path: Path) -> None:
    """Each list that is refused, with 403 or 401, is named, with the permission; all others are read."""
    corpus = Corpus.generate(seed=7, issues=20, projects=2)
    guest = User("sandbox", "Guest", password="sandbox", administrator=False)
    served = [each for each in REFERENCE_STREAMS if each.right and "data_center" in each.flavors]
    with Sandbox(corpus=corpus, users=(guest,)) as jira:
        result = selected(tmp_path, jira, {"statuses", *(stream.name for stream in served)})
    assert result.status == 1
    refused = {
        *("application_roles", "group_members", "issue_type_schemes", "jira_settings"),
        *("permission_schemes", "permissions", "project_roles", "screen_tabs", "screens"),
        *("security_levels", "workflow_schemes", "workflows"),
    }
    for stream in served:
        said = f"the stream {stream.name!r}: "
        lines = [line for line in result.log.splitlines() if said in line]
        assert bool(lines) == (stream.name in refused), stream.name
        assert all(f"It takes {stream.right}" in line for line in lines), lines
    assert refused <= {stream.name for stream in served}
    # Of notification schemes Jira lists none to who administers no project.
    granted = {stream.name for stream in served} - refused - {"notification_schemes"}
    assert {name for name in {"statuses", *granted} if not result.of(name)} == set()


def test_groups_and_users_that_jira_does_not_show_are_an_error(tmp_path: Path) -> None:
    """Neither an empty list nor one that is cut is taken for all: the run says what they take."""
    picker, none = "/rest/api/2/groups/picker", {"header": "", "total": 0, "groups": []}
    some = {"header": "Showing 1 of 70 groups", "total": 70, "groups": [{"name": "a"}]}
    with Sandbox(corpus=Corpus.generate(seed=7, issues=20)) as jira:
        jira.fault(picker, status=200, body=none, headers=JSON)
        jira.fault(picker, status=200, body=some, headers=JSON)
        jira.fault("/rest/api/2/user/search", status=200, body=[], headers=JSON)
        result = selected(tmp_path, jira, {"group_members", "groups", "users"})
    assert result.status == 1
    members, groups, users = result.log.splitlines()[-3:]
    assert "the stream 'group_members': Jira lists none. It takes the global" in members
    assert "lists 1 of 70 entries" in groups
    assert "jira.ajax.autocomplete.limit" in groups
    assert "the stream 'users': Jira lists none. It takes the global" in users
    assert [message["type"] for message in result.messages].count("ACTIVATE_VERSION") == 0


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
