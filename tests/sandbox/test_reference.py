"""The reference resources: bare arrays, paged lists, users and permissions, each with the paging that Jira has."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import requests

from sandbox import Corpus, Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TIMEOUT = 10
BEARER = {"Authorization": "Bearer sandbox-token"}
BASIC = ("sandbox", "sandbox")
LISTS = ["status", "statuscategory", "priority", "resolution", "issuetype"]


def get(jira: Sandbox, path: str, **query: Any) -> Any:
    """The JSON of a resource of API version 2, as the default user."""
    answer = requests.get(
        f"{jira.url}/rest/api/2/{path}", params=query, auth=BASIC, timeout=TIMEOUT
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


def status(jira: Sandbox, path: str, **headers: str) -> int:
    """The status that a resource answers."""
    url = f"{jira.url}/rest/api/2/{path}"
    return requests.get(url, headers=headers, timeout=TIMEOUT).status_code


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    """A Data Center that nobody changes."""
    with Sandbox(corpus=Corpus.generate(seed=7, issues=120, projects=3)) as jira:
        yield jira


@pytest.fixture(scope="module")
def cloud() -> Iterator[Sandbox]:
    """The same as Cloud."""
    corpus = Corpus.generate(seed=7, issues=120, projects=3)
    with Sandbox(corpus=corpus, flavor="cloud") as jira:
        yield jira


@pytest.mark.parametrize("name", LISTS)
def test_lists_are_bare_arrays_of_objects_with_a_link_to_themselves(
    server: Sandbox, name: str
) -> None:
    """Each object of a list is found by its id, under the address that it names."""
    found = get(server, name)
    assert found
    for body in found:
        assert body["self"] == f"{server.url}/rest/api/2/{name}/{body['id']}"
        assert get(server, f"{name}/{body['id']}") == body
    assert status(server, f"{name}/nope", **BEARER) == 404


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("status", "status"),
        ("priority", "priority"),
        ("issuetype", "issuetype"),
        ("resolution", "resolution"),
    ],
)
def test_what_issues_show_is_in_the_lists(server: Sandbox, field: str, name: str) -> None:
    """An issue embeds the very object that the list has."""
    listed = get(server, name)
    for issue in server.world.corpus.snapshot().issues:
        shown = issue.fields[field]
        assert shown is None or shown["id"] in {body["id"] for body in listed}


def test_versions_and_components_belong_to_projects(server: Sandbox) -> None:
    """The versions and components of every issue are among those of its project, which are bare arrays."""
    for project in get(server, "project"):
        key, number = project["key"], int(project["id"])
        versions = get(server, f"project/{key}/versions")
        components = get(server, f"project/{key}/components")
        assert {body["projectId"] for body in versions + components} == {number}
        held: dict[str, set[str]] = {"versions": set(), "components": set()}
        for issue in server.world.corpus.snapshot().issues:
            if issue.project.key == key:
                for body in [*issue.fields["versions"], *issue.fields["fixVersions"]]:
                    held["versions"].add(body["id"])
                held["components"] |= {body["id"] for body in issue.fields["components"]}
        assert held["versions"] <= {body["id"] for body in versions}
        assert held["components"] <= {body["id"] for body in components}
        assert any("releaseDate" not in body for body in versions)
    assert status(server, "project/NOPE/versions", **BEARER) == 404


def test_the_paged_versions_say_where_they_go_on(server: Sandbox) -> None:
    """`project/{key}/version` pages with `nextPage` and `isLast`, and its pages are the bare array."""
    found: list[Any] = []
    url: str | None = f"{server.url}/rest/api/2/project/ALPHA/version?maxResults=5"
    while url:
        page = requests.get(url, headers=BEARER, timeout=TIMEOUT).json()
        assert page["isLast"] == ("nextPage" not in page)
        found += page["values"]
        url = page.get("nextPage")
    assert found == get(server, "project/ALPHA/versions")
    assert len(found) == page["total"] > 10


def test_project_search_is_clouds_alone(server: Sandbox, cloud: Sandbox) -> None:
    """Cloud pages its projects; Data Center takes the word for a project's key."""
    page = get(cloud, "project/search", maxResults=2)
    assert list(page) == ["self", "nextPage", "maxResults", "startAt", "total", "isLast", "values"]
    rest = requests.get(page["nextPage"], auth=BASIC, timeout=TIMEOUT).json()
    keys = [project["key"] for project in [*page["values"], *rest["values"]]]
    assert keys == ["ALPHA", "OPS", "WEB2"]
    assert status(server, "project/search", **BEARER) == 404


def test_user_search_is_capped_and_hides_the_inactive() -> None:
    """`.` finds everybody who is active, 50 unless asked, with `startAt`; a prefix narrows; without one it is a 400."""
    with Sandbox(corpus=Corpus.generate(seed=7, issues=1)) as jira:
        active = get(jira, "user/search", username=".", maxResults=1000)
        assert all(user["active"] for user in active)
        everybody = get(jira, "user/search", username=".", maxResults=5000, includeInactive="true")
        assert len(everybody) > len(active)
        assert {"name": everybody[11]["name"], "active": False} == everybody[11]
        second = get(jira, "user/search", username=".", startAt=1, maxResults=1)
        assert second == [active[1]]
        one = active[0]
        assert one in get(jira, "user/search", username=one["name"][:4])
        assert status(jira, "user/search", **BEARER) == 400
        assert status(jira, "user/search?username=.") == 401


def test_nobody_sees_no_statuses_and_no_types(server: Sandbox) -> None:
    """What belongs to projects is empty for somebody who is not signed in, and permissions are a 401."""
    for name in ("status", "issuetype"):
        answer = requests.get(f"{server.url}/rest/api/2/{name}", timeout=TIMEOUT)
        assert (answer.status_code, answer.json()) == (200, [])
    assert status(server, "permissions") == 401


def test_my_permissions_say_what_the_user_has(server: Sandbox, cloud: Sandbox) -> None:
    """He reads and does not write; nobody has nothing; Cloud wants to know which permissions are meant."""
    mine = get(server, "mypermissions", projectKey="ALPHA")["permissions"]
    assert mine["BROWSE_PROJECTS"]["havePermission"] is True
    assert mine["BROWSE"]["deprecatedKey"] is True
    assert mine["CREATE_ISSUES"]["havePermission"] is False
    anonymous = requests.get(f"{server.url}/rest/api/2/mypermissions", timeout=TIMEOUT).json()
    assert not any(entry["havePermission"] for entry in anonymous["permissions"].values())
    assert status(server, "mypermissions?projectKey=NOPE", **BEARER) == 404
    unsaid = requests.get(f"{cloud.url}/rest/api/2/mypermissions", auth=BASIC, timeout=TIMEOUT)
    assert unsaid.status_code == 400
    only = get(cloud, "mypermissions", permissions="BROWSE_PROJECTS,CREATE_ISSUES")
    assert set(only["permissions"]) == {"BROWSE_PROJECTS", "CREATE_ISSUES"}
    assert "BROWSE_PROJECTS" in get(server, "permissions")["permissions"]


def test_item_15_anonymous_answers_are_200_and_say_so(server: Sandbox) -> None:
    """Item 15: wrong credentials are served as anonymous, 200 with `X-AUSERNAME: anonymous`, and a 400 blames the JQL."""
    wrong = {"Authorization": "Bearer expired"}
    answer = requests.get(f"{server.url}/rest/api/2/search", headers=wrong, timeout=TIMEOUT)
    assert (answer.status_code, answer.json()["total"]) == (200, 0)
    assert answer.headers["X-AUSERNAME"] == "anonymous"
    assert answer.headers["X-Seraph-LoginReason"] == "AUTHENTICATED_FAILED"
    query = {"jql": "project = ALPHA"}
    blamed = requests.get(
        f"{server.url}/rest/api/2/search", headers=wrong, params=query, timeout=TIMEOUT
    )
    message = "The value 'ALPHA' does not exist for the field 'project'."
    assert (blamed.status_code, blamed.json()["errorMessages"]) == (400, [message])


def test_item_17_the_server_introduces_itself(server: Sandbox) -> None:
    """Item 17: `serverInfo` says "Server", `myself` has a time zone, `/field` repeats names and lies, headers are Jira's."""
    info = requests.get(f"{server.url}/rest/api/2/serverInfo", timeout=TIMEOUT)
    assert info.json()["deploymentType"] == "Server"
    headers = {name.upper() for name in info.headers}
    assert {"X-AREQUESTID", "X-ANODEID", "X-AUSERNAME"} <= headers
    assert "JSESSIONID" in info.cookies
    answer = requests.get(f"{server.url}/rest/api/2/myself", headers=BEARER, timeout=TIMEOUT)
    assert answer.json()["timeZone"] == "Europe/Berlin"
    fields = get(server, "field")
    names = [field["name"] for field in fields]
    assert names.count("Original Estimate") == 2
    types = {field["id"]: field.get("schema", {}).get("type") for field in fields}
    issues = get(server, "search", fields="*all", maxResults=20)["issues"]
    lies = [
        name
        for issue in issues
        for name, value in issue["fields"].items()
        if types[name] == "number" and isinstance(value, str)
    ]
    assert lies


def shape(value: Any, path: str, shapes: dict[str, set[str]]) -> None:
    """Collect the JSON types at every path; list items share one, and so do the values of an open map."""
    shapes.setdefault(path, set()).add(type(value).__name__)
    if isinstance(value, dict):
        for key, inner in value.items():
            open_map = path.endswith(("permissions", ".roles"))
            shape(inner, f"{path}.*" if open_map else f"{path}.{key}", shapes)
    elif isinstance(value, list):
        for inner in value:
            shape(inner, f"{path}[]", shapes)


@pytest.mark.parametrize(
    ("path", "recording"),
    [
        ("issuetype", "get_issuetype_200_*.json"),
        ("project/ALPHA", "get_project_OSIM_200_*.json"),
        ("mypermissions", "get_mypermissions_200_*.json"),
    ],
)
def test_reference_data_has_recorded_shapes(
    server: Sandbox, recorded: Path, path: str, recording: str
) -> None:
    """Key sets and JSON types are those of a real Data Center, at every depth that both show."""
    real: dict[str, set[str]] = {}
    for file in (recorded / "redhat-dc").glob(recording):
        shape(json.loads(file.read_text(encoding="utf-8"))["body"], "", real)
    made: dict[str, set[str]] = {}
    shape(get(server, path), "", made)
    assert real
    empty_there = (".components[]", ".versions[]", ".lead")
    assert {p for p in made.keys() - real.keys() if not p.startswith(empty_there)} == set()
    assert {p: made[p] for p in made.keys() & real.keys() if not made[p] <= real[p]} == {}
    absent = {p for p in real.keys() - made.keys() if p.count(".") < 2}
    assert absent <= {".projectCategory", ".archived"}
