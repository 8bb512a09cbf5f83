"""The fields of a Cloud are those of its list and those of its search of fields."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import Corpus, Sandbox, User
from sandbox.fields import TEAMS_OWN, UNUSED
from tap.command import ended
from tap.test_typed_issues import properties
from tap_jira_oauth.field_list import SEARCH
from tap_jira_oauth.field_types import Field, completed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import Configure

pytestmark = pytest.mark.any_version

USERS = (
    User("sandbox", "Sandbox User", password="sandbox"),
    User("guest", "Guest", password="guest", administrator=False),
)


@pytest.fixture(scope="module")
def cloud() -> Iterator[Sandbox]:
    """A Cloud site whose administrator is `sandbox`."""
    corpus = Corpus.generate(seed=7, issues=3)
    with Sandbox(corpus=corpus, users=USERS, flavor="cloud") as jira:
        yield jira


def discovered(jira: Sandbox, folder: Path, user: str) -> tuple[dict[str, Any], list[str]]:
    """Discover as a user; return the fields by what they are called, and what was asked for."""
    before = len(jira.requests)
    config = {"api_url": jira.url, "auth_method": "basic", "username": user, "password": user}
    status, output = ended(folder, config, None, "--discover")
    assert status == 0, (folder / "log").read_text()
    found = properties(json.loads(output)).values()
    return (
        {entry["title"]: entry for entry in found if "title" in entry},
        [entry.path for entry in jira.requests[before:]],
    )


def test_the_schema_has_the_fields_of_both_lists(cloud: Sandbox, tmp_path: Path) -> None:
    """The search is read to its end; what administrators wrote is in the descriptions."""
    fields, asked = discovered(cloud, tmp_path, "sandbox")
    assert fields[UNUSED["name"]]["items"]["type"] == ["object", "null"]
    assert fields[TEAMS_OWN]["description"].startswith("customfield_")
    assert fields["Team"]["description"].endswith("; What people enter as Team.")
    assert "in JQL cf[" in fields["Team"]["description"]
    assert asked.count(SEARCH) == 2


def test_who_may_not_search_for_fields_has_the_list(cloud: Sandbox, tmp_path: Path) -> None:
    """And one line that says so, and what it takes."""
    fields, _ = discovered(cloud, tmp_path, "guest")
    assert UNUSED["name"] not in fields
    assert fields[TEAMS_OWN]
    assert fields["Team"]["description"].endswith(" or Team")
    lines = (tmp_path / "log").read_text().splitlines()
    (line,) = [line for line in lines if "search for all of them" in line]
    assert "INFO" in line
    assert "Administer Jira" in line


def test_a_consent_that_does_not_cover_the_search_is_a_refusal(
    cloud: Sandbox, tmp_path: Path
) -> None:
    """A 401 of the search alone is no end of the sign-in, for which Jira is asked once more."""
    cloud.fault(SEARCH, status=401)
    fields, asked = discovered(cloud, tmp_path, "sandbox")
    assert fields[TEAMS_OWN]
    assert asked.count("/rest/api/2/myself") == 2


def test_data_center_has_no_search_of_fields(
    connected_jira: Sandbox, configure: Configure, tmp_path: Path
) -> None:
    """It is not asked for one."""
    status, _ = ended(tmp_path, configure(), None, "--discover")
    assert status == 0
    assert SEARCH not in [entry.path for entry in connected_jira.requests]


def test_a_field_of_both_lists_comes_once() -> None:
    """As it is listed, and described as the search has it; a listed one's own description stays."""
    listed = [Field("a", "A", clauses=["a"]), Field("b", "B", description="mine")]
    searched = [
        Field("b", "B", description="theirs"),
        Field("a", "A", description="x"),
        Field("c", "C"),
    ]
    found = completed(listed, searched)
    assert [field.id for field in found] == ["a", "b", "c"]
    assert [field.description for field in found] == ["x", "mine", None]
    assert found[0].clauses == ["a"]
