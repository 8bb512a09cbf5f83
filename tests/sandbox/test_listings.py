"""The lists of administrators and of what people have saved: who may see them, on which flavour, by which pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
import requests

from sandbox import Corpus, Sandbox, User
from sandbox.listings import LISTINGS

if TYPE_CHECKING:
    from collections.abc import Iterator

TIMEOUT = 10
USERS = (
    User("sandbox", "Sandbox User", password="sandbox"),
    User("guest", "Guest", password="guest", administrator=False),
)
PLACES = {
    "<name>": "ALPHA",
    "<int:number>": "10002",
    "<key>": "note",
    "<screen>": "5",
    "<id_>": "10000",
}
"""What stands for the parts of a path, where it is the same on both flavours."""


def ask(jira: Sandbox, path: str, user: str = "sandbox", **query: Any) -> requests.Response:
    """The answer of a resource of API version 2."""
    url = f"{jira.url}/rest/api/2/{path}"
    return requests.get(url, params=query, auth=(user, user), timeout=TIMEOUT)


def get(jira: Sandbox, path: str, **query: Any) -> Any:
    """Its JSON, for an administrator."""
    answer = ask(jira, path, **query)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    """A Data Center that nobody changes."""
    with Sandbox(corpus=Corpus.generate(seed=7, issues=1), users=USERS) as jira:
        yield jira


@pytest.fixture(scope="module")
def cloud() -> Iterator[Sandbox]:
    """The same as Cloud."""
    corpus = Corpus.generate(seed=7, issues=1)
    with Sandbox(corpus=corpus, users=USERS, flavor="cloud") as jira:
        yield jira


def test_lists_are_for_whom_jira_has_them_for(server: Sandbox, cloud: Sandbox) -> None:
    """Nobody gets 401; who is no administrator 403 or, of workflows and screens, 401; the other flavour 404."""
    for jira, on_cloud in ((server, False), (cloud, True)):
        for listing in LISTINGS:
            path = listing.path
            for part, place in PLACES.items():
                path = path.replace(part, place)
            if on_cloud not in listing.flavors:
                others = {each.path for each in LISTINGS if on_cloud in each.flavors}
                assert listing.path in others or ask(jira, path).status_code == 404, path
                continue
            if "<" in path:
                continue
            url = f"{jira.url}/rest/api/2/{path}"
            assert requests.get(url, timeout=TIMEOUT).status_code == 401, path
            guest = ask(jira, path, "guest").status_code
            assert guest == (200 if listing.everybody else listing.refused), path


def test_mypermissions_know_an_administrator(server: Sandbox) -> None:
    """What the lists ask for is what the permission says."""
    for user, administers in (("sandbox", True), ("guest", False)):
        mine = ask(server, "mypermissions", user).json()["permissions"]
        assert mine["ADMINISTER"]["havePermission"] is administers


def test_cloud_pages_where_data_center_has_arrays(server: Sandbox, cloud: Sandbox) -> None:
    """The same entries; those of Cloud have `isLast` and a link to the next page, and its caps."""
    whole = get(server, "issuetypescheme")["schemes"]
    page = get(cloud, "issuetypescheme", maxResults=500)
    assert (len(page["values"]), page["isLast"], page["total"]) == (50, False, len(whole))
    rest = requests.get(page["nextPage"], auth=("sandbox", "sandbox"), timeout=TIMEOUT).json()
    found = [scheme["id"] for scheme in [*page["values"], *rest["values"]]]
    assert found == [scheme["id"] for scheme in whole]
    labels = get(cloud, "label")
    assert len(labels["values"]) == 1000
    assert isinstance(labels["values"][0], str)


def test_pages_of_a_data_center_have_names_and_totals(server: Sandbox) -> None:
    """Screens, dashboards, the options of a field; a picker of groups counts what it does not show."""
    screens = get(server, "screens", startAt=100)
    assert screens["total"] == 100 + len(screens["screens"])
    dashboards = get(server, "dashboard")
    assert len(dashboards["dashboards"]) == dashboards["maxResults"] == 20
    held = server.world.corpus.administration.contexts
    number = held[0].field.removeprefix("customfield_")
    some = get(server, f"customFields/{number}/options", page=2, maxResults=100)
    assert (len(some["options"]), some["total"]) == (30, 130)
    every = get(server, f"customFields/{number}/options", useAllContexts="true")
    assert every["total"] == sum(len(each.options) for each in held if each.field == held[0].field)
    groups = get(server, "groups/picker")
    assert len(groups["groups"]) == 20 < groups["total"]


def test_places_with_signs_are_found_when_they_are_quoted(server: Sandbox, cloud: Sandbox) -> None:
    """Names of groups and keys of properties may hold what a URL uses itself."""
    name = server.world.corpus.administration.groups[0]
    page = get(server, "group/member", groupname=name)
    assert (len(page["values"]), page["total"]) == (50, 60)
    assert {"name", "key"} <= page["values"][0].keys()
    known = {group["name"]: group["groupId"] for group in get(cloud, "group/bulk")["values"]}
    page = get(cloud, "group/member", groupId=known[name])
    assert "accountId" in page["values"][0]
    keys = [each["key"] for each in get(server, "project/ALPHA/properties")["keys"]]
    found = get(server, f"project/ALPHA/properties/{quote(keys[0])}")
    assert found == {"key": "com.example settings, #1?", "value": {"since": 2024, "on": True}}
    assert ask(server, "project/ALPHA/properties/nope").status_code == 404
    assert ask(server, "project/NOPE/role").status_code == 404
