"""Requests that a careless client or a wrong setting makes: what Jira says to them, and that the log has them."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from sandbox import Corpus, Sandbox, User

TIMEOUT = 10
AUTH = ("sandbox", "sandbox")


@pytest.fixture(scope="module")
def jira() -> Any:
    """A sandbox that no test changes."""
    with Sandbox(corpus=Corpus.generate(seed=4, issues=60)) as server:
        yield server


def search(
    jira: Sandbox, jql: str, auth: tuple[str, str] | None = AUTH, **params: Any
) -> requests.Response:
    """The answer to a query, key and status of one issue."""
    asked = {"jql": jql, "maxResults": 1, "fields": "status", **params}
    return requests.get(f"{jira.url}/rest/api/2/search", asked, auth=auth, timeout=TIMEOUT)


def test_a_path_that_is_no_resource_has_a_body_of_its_own(jira: Sandbox) -> None:
    """`message` and `status-code`, where a resource that finds nothing has `errorMessages`."""
    wrong = requests.get(f"{jira.url}/rest/api/2/nope", auth=AUTH, timeout=TIMEOUT)
    assert wrong.status_code == 404
    message = f"null for uri: {jira.url}/rest/api/2/nope"
    assert wrong.json() == {"message": message, "status-code": 404}
    missing = requests.get(f"{jira.url}/rest/api/2/issue/NOPE-1", auth=AUTH, timeout=TIMEOUT)
    assert missing.json() == {"errorMessages": ["Issue Does Not Exist"], "errors": {}}


def test_a_method_that_a_resource_does_not_have_is_405_with_those_it_has(jira: Sandbox) -> None:
    """`Allow` names them."""
    answer = requests.put(f"{jira.url}/rest/api/2/search", auth=AUTH, timeout=TIMEOUT)
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "GET, HEAD, POST"
    assert answer.json()["status-code"] == 405


def test_a_page_that_does_not_exist_is_html(jira: Sandbox) -> None:
    """Outside of `/rest/` a person is meant to read the answer."""
    answer = requests.get(f"{jira.url}/secure/Nope.jspa", auth=AUTH, timeout=TIMEOUT)
    assert answer.status_code == 404
    assert answer.headers["Content-Type"].startswith("text/html")


def test_requests_beside_the_context_path_are_in_the_log_too() -> None:
    """A base URL without the context path is the commonest mistake: the log shows what was asked instead."""
    with Sandbox(corpus=Corpus.generate(seed=4, issues=3)) as jira:
        root = jira.url.removesuffix("/jira")
        wrong = requests.get(f"{root}/rest/api/2/myself", timeout=TIMEOUT)
        bare = requests.get(jira.url, timeout=TIMEOUT, allow_redirects=False)
        logged = [(entry.path, entry.status) for entry in jira.requests]
    assert wrong.status_code == 404
    assert (bare.status_code, bare.headers["Location"]) == (302, "/jira/")
    assert logged == [("/rest/api/2/myself", 404), ("/jira", 302)]


@pytest.mark.parametrize(
    ("jql", "message"),
    [
        (
            "issuetype = Bug",
            "Field 'issuetype' does not exist or this field cannot be viewed by anonymous users.",
        ),
        (
            "nope = 1",
            "Field 'nope' does not exist or this field cannot be viewed by anonymous users.",
        ),
        ("ORDER BY priority", "Not able to sort using field 'priority'."),
        ("project = ALPHA", "The value 'ALPHA' does not exist for the field 'project'."),
    ],
)
def test_item_15_the_misleading_400s_of_somebody_who_is_not_signed_in(
    jira: Sandbox, jql: str, message: str
) -> None:
    """Item 15: queries that are right for a user blame themselves where nobody is signed in."""
    answer = search(jira, jql, auth=None)
    assert (answer.status_code, answer.json()["errorMessages"]) == (400, [message])


def test_a_status_goes_by_its_name_or_its_id(jira: Sandbox) -> None:
    """So do types, priorities, resolutions, versions and components; an id that does not exist is refused."""
    first = search(jira, "status is not EMPTY").json()["issues"][0]["fields"]["status"]
    by_name = search(jira, f'status = "{first["name"]}"').json()["total"]
    assert search(jira, f"status = {first['id']}").json()["total"] == by_name > 0
    assert search(jira, "status = 987654").status_code == 400


def test_current_user_and_names_with_dots(jira: Sandbox) -> None:
    """`currentUser()` is who asks; a user name with a dot needs no quotation marks."""
    issue = search(jira, "assignee is not EMPTY", fields="assignee").json()["issues"][0]
    name = issue["fields"]["assignee"]["name"]
    assert "." in name
    found = search(jira, f"assignee = {name}")
    assert found.json()["total"] > 0
    with Sandbox(corpus=jira.corpus, users=[User(name, "Somebody", password="p")]) as other:
        mine = search(other, "assignee = currentUser()", auth=(name, "p"))
        assert mine.json()["total"] == found.json()["total"]
        wrong = search(other, "updated > currentUser()", auth=(name, "p"))
        assert wrong.status_code == 400


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"startAt": None, "jql": None, "maxResults": 1}, 200),
        ({"jql": ["project = ALPHA"]}, 400),
        ({"jql": {"eq": 1}}, 400),
        ({"validateQuery": ["true"]}, 400),
        ({"maxResults": "\ud83d"}, 400),
    ],
)
def test_a_body_with_nulls_and_wrong_types(
    jira: Sandbox, body: dict[str, Any], status: int
) -> None:
    """A null is as good as nothing; what has another type is refused, and named, even half a character."""
    url = f"{jira.url}/rest/api/2/search"
    answer = requests.post(url, json=body, auth=AUTH, timeout=TIMEOUT)
    assert answer.status_code == status
    if status == 400:
        assert f"'{next(iter(body))}'" in answer.json()["errorMessages"][0]


def test_an_issue_alone_has_no_pages(jira: Sandbox) -> None:
    """Parameters of a search mean nothing to it, whatever they hold."""
    url = f"{jira.url}/rest/api/2/issue/{jira.issues[0]['key']}"
    asked = {"startAt": "x", "maxResults": "-1", "validateQuery": "?", "fields": "updated"}
    answer = requests.get(url, asked, auth=AUTH, timeout=TIMEOUT)
    assert answer.status_code == 200
    assert list(answer.json()["fields"]) == ["updated"]


def test_a_user_name_that_no_header_can_carry_is_encoded() -> None:
    """`X-AUSERNAME` is percent-encoded, so that mail addresses and other alphabets survive it."""
    user = User("ж@example.com", "Zh", personal_token="t")
    with Sandbox(corpus=Corpus.generate(seed=4, issues=3), users=[user]) as jira:
        answer = requests.get(
            f"{jira.url}/rest/api/2/myself",
            headers={"Authorization": "Bearer t"},
            timeout=TIMEOUT,
        )
    assert answer.headers["X-AUSERNAME"] == "%D0%B6%40example.com"
    assert answer.json()["name"] == "ж@example.com"


@pytest.mark.parametrize(
    ("order", "body", "reason"),
    [
        ("users", {"name": ""}, "needs a name"),
        ("edit", {"count": -1}, "at least 0"),
        ("clock", {"offset": 1e30}, "at most"),
    ],
)
def test_control_orders_that_make_no_sense_are_refused_with_the_reason(
    jira: Sandbox, order: str, body: dict[str, Any], reason: str
) -> None:
    """And nothing happens."""
    answer = requests.post(f"{jira.url}/_sandbox/{order}", json=body, timeout=TIMEOUT)
    assert answer.status_code == 400
    assert reason in answer.json()["error"]
