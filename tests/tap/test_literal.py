"""How moments are written in JQL: asked of the server once, and never so that rows are lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sandbox import Corpus, Sandbox, User
from tap.command import run
from tap.test_issues import newest, truth

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.any_version

SEARCH = "/rest/api/2/search"
PROBE = "NOT updated >= "
ZONE = "America/St_Johns"


@pytest.fixture
def old_jira() -> Iterator[Sandbox]:
    """A Jira that takes no number for a date, and whose user is three and a half hours behind UTC."""
    user = User("sandbox", "Sandbox User", time_zone=ZONE, personal_token="sandbox-token")
    with Sandbox(
        corpus=Corpus.generate(seed=7, issues=60, projects=3), users=[user], epoch_literals=False
    ) as jira:
        yield jira


def signed_in(jira: Sandbox, **more: object) -> dict[str, Any]:
    """Settings of a tap that is signed in by a personal token."""
    token = {"auth_method": "personal_token", "personal_token": "sandbox-token"}
    return {"api_url": jira.url, **token, **more}


def searches(jira: Sandbox) -> list[str]:
    """The JQL of every search so far."""
    return [entry.jql or "" for entry in jira.requests if entry.path.startswith(SEARCH)]


def test_a_server_that_reads_no_numbers_is_asked_in_the_users_zone(
    old_jira: Sandbox, tmp_path: Path
) -> None:
    """From the first run to the next, and what was edited in between arrives; said once."""
    first = run(tmp_path, signed_in(old_jira, page_size=7, start_date="2001-01-01"))
    assert first.status == 0, first.log
    assert newest(first) == truth(old_jira)
    assert first.log.count(f"only in the user's time zone, {ZONE}") == 1
    asked = searches(old_jira)
    assert [PROBE in jql for jql in asked] == [True] + [False] * (len(asked) - 1)
    assert all('updated >= "2000-12-31 20:30"' in jql for jql in asked[1:])
    old_jira.edit(count=9)
    second = run(tmp_path, signed_in(old_jira), first.states[-1])
    assert second.status == 0, second.log
    assert newest(first, second) == truth(old_jira)
    assert len(second.records) == 9


def test_one_question_tells_that_numbers_are_milliseconds(tmp_path: Path) -> None:
    """The first search, and no other one than those that read."""
    with Sandbox(corpus=Corpus.generate(seed=7, issues=60, projects=3)) as jira:
        result = run(tmp_path, signed_in(jira, start_date="2001-01-01"))
        assert len(result.records) == 60, result.log
        asked = searches(jira)
    assert [PROBE in jql for jql in asked] == [True, False, False, False]
    assert "updated >= 978307200000" in asked[1]
    assert "time zone" not in result.log


def test_a_jira_without_issues_is_not_taken_for_one_that_reads_otherwise(tmp_path: Path) -> None:
    """Nothing can tell, so nothing is said."""
    with Sandbox(corpus=Corpus.generate(seed=7, issues=0, projects=1)) as jira:
        result = run(tmp_path, signed_in(jira))
    assert (result.status, result.records) == (0, []), result.log
    assert "time zone" not in result.log


def test_cloud_is_not_asked(tmp_path: Path) -> None:
    """It is known to read milliseconds."""
    with Sandbox(corpus=Corpus.generate(seed=7, issues=9, projects=1), flavor="cloud") as site:
        settings = {"auth_method": "basic", "username": "sandbox", "password": "sandbox"}
        result = run(tmp_path, {"api_url": site.url, **settings})
        assert len(result.records) == 9, result.log
        assert not [jql for jql in searches(site) if PROBE in jql]


@pytest.mark.parametrize(
    ("zone", "said"),
    [
        ({}, "does not tell the user's time zone"),
        ({"timeZone": "Mars/Olympus"}, "Install the Python package tzdata"),
        ({"timeZone": "../secrets"}, "Install the Python package tzdata"),
    ],
)
def test_without_a_known_zone_such_a_server_is_not_read(
    old_jira: Sandbox, tmp_path: Path, zone: dict[str, str], said: str
) -> None:
    """Rather an error than a guess that loses rows."""
    headers = {"Content-Type": "application/json"}
    old_jira.fault(
        "/rest/api/2/myself", status=200, headers=headers, body={"name": "sandbox", **zone}
    )
    result = run(tmp_path, signed_in(old_jira))
    assert (result.status, result.records) == (1, [])
    assert said in result.log
