"""Passwords with their CAPTCHA, personal tokens that expire, and users who come, change and see different things."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import requests

from sandbox import Corpus, Sandbox, User
from sandbox.__main__ import main
from sandbox.conftest import CONSUMER, client
from sandbox.users import read_user

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox.conftest import Keys

TIMEOUT = 10


@pytest.fixture
def staffed() -> Iterator[Sandbox]:
    """A sandbox with a user who has a password and a token that expires."""
    ada = User("ada", "Ada", password="right", personal_token="pat")
    with Sandbox(corpus=Corpus.generate(seed=7, issues=30), users=(ada,)) as jira:
        yield jira


def basic(jira: Sandbox, password: str, user: str = "ada") -> requests.Response:
    """A request with basic credentials."""
    return requests.get(jira.url + "/rest/api/2/project", auth=(user, password), timeout=TIMEOUT)


def order(jira: Sandbox, name: str, body: dict[str, Any]) -> requests.Response:
    """A control request."""
    return requests.post(f"{jira.url}/_sandbox/{name}", json=body, timeout=TIMEOUT)


def test_three_wrong_passwords_lock_the_user_out_until_the_captcha_is_solved(
    staffed: Sandbox,
) -> None:
    """Item 16: the fourth try is a 403 page that names the login URL, even with the right password; tokens go on."""
    assert [basic(staffed, "wrong").status_code for _ in range(3)] == [200] * 3
    for password in ("wrong", "right"):
        answer = basic(staffed, password)
        assert answer.status_code == 403
        assert answer.headers["Content-Type"] == "text/html;charset=UTF-8"
        assert answer.headers["X-Seraph-LoginReason"] == "AUTHENTICATION_DENIED"
        reason = f"CAPTCHA_CHALLENGE; login-url={staffed.url}/login.jsp"
        assert answer.headers["X-Authentication-Denied-Reason"] == reason
        assert answer.headers["WWW-Authenticate"].startswith('OAuth realm="http%3A%2F%2F')
    bearer = {"Authorization": "Bearer pat"}
    url = staffed.url + "/rest/api/2/myself"
    assert requests.get(url, headers=bearer, timeout=TIMEOUT).json()["name"] == "ada"
    assert order(staffed, "captcha", {"user": "ada"}).ok
    assert basic(staffed, "right").headers["X-AUSERNAME"] == "ada"


def test_a_right_password_in_time_forgets_the_wrong_ones(staffed: Sandbox) -> None:
    """Only failures in a row count, and only those of users who exist."""
    for _ in range(3):
        assert basic(staffed, "wrong").headers["X-Seraph-LoginReason"] == "AUTHENTICATED_FAILED"
        assert basic(staffed, "wrong").status_code == 200
        assert basic(staffed, "right").headers["X-AUSERNAME"] == "ada"
    assert {basic(staffed, "x", user="nobody").status_code for _ in range(5)} == {200}


def test_an_expired_personal_token_is_served_as_anonymous(staffed: Sandbox) -> None:
    """Item 15: the answer is 200 without a project; only the headers say that nobody is signed in."""
    expires = staffed.clock.now() + 100
    user = User("ada", "Ada", personal_token="pat", personal_token_expires=expires)
    staffed.sign_in.directory.put(user)
    url = staffed.url + "/rest/api/2/project"
    headers = {"Authorization": "Bearer pat"}
    assert requests.get(url, headers=headers, timeout=TIMEOUT).json()
    staffed.clock.offset = 101
    answer = requests.get(url, headers=headers, timeout=TIMEOUT)
    assert (answer.status_code, answer.json()) == (200, [])
    assert answer.headers["X-AUSERNAME"] == "anonymous"
    assert answer.headers["X-Seraph-LoginReason"] == "AUTHENTICATED_FAILED"


def test_users_of_other_zones_and_projects_come_by_control(jira: Sandbox, keys: Keys) -> None:
    """`POST /_sandbox/users` adds a user or changes one; his tokens follow at once."""
    ada = {"name": "ada", "display_name": "Ada", "time_zone": "Asia/Tokyo", "projects": ["OPS"]}
    assert order(jira, "users", ada).json()["users"] == ["sandbox", "ada"]
    with client(keys, resource_owner_key=jira.grant(CONSUMER, "ada").token) as session:
        base = jira.url + "/rest/api/2/"

        def seen() -> tuple[set[str], str]:
            page = session.get(base + "search?fields=updated,project", timeout=TIMEOUT).json()
            projects = {issue["fields"]["project"]["key"] for issue in page["issues"]}
            return projects, page["issues"][0]["fields"]["updated"][-5:]

        assert seen() == ({"OPS"}, "+0900")
        assert session.get(base + "myself", timeout=TIMEOUT).json()["timeZone"] == "Asia/Tokyo"
        order(jira, "users", {**ada, "time_zone": "Asia/Kolkata", "projects": ["ALPHA"]})
        assert seen() == ({"ALPHA"}, "+0530")


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("users", {"name": "x", "time_zone": "Mars/Olympus"}),
        ("users", {"name": "x", "zone": "UTC"}),
        ("remove", {"user": "nobody"}),
        ("remove", {"user": "sandbox"}),
        ("remove", {"consumer": "nobody"}),
        ("refuse", {"user": "nobody"}),
        ("refuse", {"consumer": "nobody"}),
        ("captcha", {"user": "nobody"}),
    ],
)
def test_an_order_about_users_that_cannot_be_done_says_why(
    jira: Sandbox, name: str, body: dict[str, Any]
) -> None:
    """400 with a reason: unknown zone, key, user or consumer, and the last user, who stays."""
    answer = order(jira, name, body)
    assert (answer.status_code, bool(answer.json()["error"])) == (400, True)


def test_users_come_from_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--user` takes the JSON of the control endpoint; a wrong one is one line and status 1."""
    given = {"name": "ada", "time_zone": "Asia/Tokyo", "projects": ["OPS"], "password": "p"}
    user = read_user(json.dumps(given))
    assert (user.name, user.display_name, user.time_zone) == ("ada", "ada", "Asia/Tokyo")
    assert (user.sees("OPS"), user.sees("ALPHA")) == (True, False)
    keys = ["--keys", str(tmp_path / "keys")]
    assert main(["--port", "0", *keys, "--user", '{"name": 3}']) == 1
    assert "is no user" in capsys.readouterr().err


def test_the_address_of_a_cloud_site_takes_a_password_and_no_bearer() -> None:
    """Item 18: on Cloud an API token is basic authentication; any bearer there is 403, in a shape of its own."""
    ada = User("ada", "Ada", password="api-token", personal_token="pat")
    corpus = Corpus.generate(seed=7, issues=30)
    with Sandbox(corpus=corpus, users=(ada,), flavor="cloud") as jira:
        assert basic(jira, "api-token").headers["X-Seraph-LoginReason"] == "OK"
        answer = requests.get(
            jira.url + "/rest/api/2/myself",
            headers={"Authorization": "Bearer pat"},
            timeout=TIMEOUT,
        )
    assert answer.status_code == 403
    assert answer.json() == {"error": "Failed to parse Connect Session Auth Token"}
