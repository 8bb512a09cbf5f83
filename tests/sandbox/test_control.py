"""What a test can do to a sandbox: faults, hooks, and everything under `/_sandbox/`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
import requests

from sandbox import Corpus, Sandbox, times
from sandbox.conftest import CONSUMER, client

if TYPE_CHECKING:
    from requests_oauthlib import OAuth1Session

    from sandbox.conftest import Keys
    from sandbox.journal import LogEntry

TIMEOUT = 10


def test_faults_come_as_often_as_ordered_and_only_there(
    jira: Sandbox, signed: OAuth1Session
) -> None:
    """The next n requests under a path get the fault; other paths and later requests the truth."""
    headers = {"Retry-After": "7"}
    jira.fault("/rest/api/2/search", status=503, headers=headers, body="<p>down</p>", count=2)
    url = jira.url + "/rest/api/2/search"
    assert signed.get(jira.url + "/rest/api/2/myself", timeout=TIMEOUT).ok
    answers = [signed.get(url, timeout=TIMEOUT) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [503, 503, 200]
    assert (answers[0].headers["Retry-After"], answers[0].text) == ("7", "<p>down</p>")
    assert answers[0].headers["Content-Type"].startswith("text/html")
    assert [entry.status for entry in jira.requests] == [200, 503, 503, 200]


def test_faults_may_be_json_redirects_and_html_with_200(
    jira: Sandbox, signed: OAuth1Session
) -> None:
    """Whatever a proxy or a login page would answer can be ordered."""
    jira.fault("/rest", status=429, body={"errorMessages": ["slow"]})
    jira.fault("/rest", status=302, headers={"Location": "http://127.0.0.1:9/login"})
    jira.fault("/rest", status=200, body="<html>log in</html>")
    url = jira.url + "/rest/api/2/myself"
    assert signed.get(url, timeout=TIMEOUT).json() == {"errorMessages": ["slow"]}
    moved = signed.get(url, timeout=TIMEOUT, allow_redirects=False)
    assert (moved.status_code, moved.headers["Location"]) == (302, "http://127.0.0.1:9/login")
    assert signed.get(url, timeout=TIMEOUT).text == "<html>log in</html>"
    for wrong in (None, 999):
        with pytest.raises(ValueError, match=r"fault|status"):
            jira.fault("/rest", status=wrong)


@pytest.mark.parametrize("status", [None, 200])
def test_a_cut_connection_ends_in_the_middle(
    jira: Sandbox, signed: OAuth1Session, status: int | None
) -> None:
    """The length is announced, half the body comes, the connection closes; the next answer is whole."""
    jira.fault("/rest/api/2/field", status=status, body="x" * 1000, cut=True)
    url = jira.url + "/rest/api/2/field"
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
        signed.get(url, timeout=TIMEOUT)
    assert signed.get(url, timeout=TIMEOUT).json()


def test_hooks_see_each_request_before_it_is_answered(jira: Sandbox, signed: OAuth1Session) -> None:
    """A test can change the world between two given pages."""
    seen: list[LogEntry] = []

    def edit_before_the_second_page(entry: LogEntry) -> None:
        seen.append(entry)
        assert entry.status is None
        if entry.start_at == 1:
            jira.delete(jira.issues[-1]["key"])

    jira.before_request.append(edit_before_the_second_page)
    url = jira.url + "/rest/api/2/search?maxResults=1&startAt="
    totals = [signed.get(url + str(at), timeout=TIMEOUT).json()["total"] for at in range(2)]
    assert totals == [60, 59]
    assert [entry.status for entry in seen] == [200, 200]
    assert (seen[0].path, seen[0].user, seen[0].auth) == (
        "/rest/api/2/search",
        "sandbox",
        "oauth1",
    )


def control(jira: Sandbox, endpoint: str, /, **order: Any) -> Any:
    """A control request that succeeds."""
    answer = requests.post(f"{jira.url}/_sandbox/{endpoint}", json=order, timeout=TIMEOUT)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_dance_and_life_can_be_driven_over_http(keys: Keys) -> None:
    """Consumers, approval, edits, moves, deletion, clock, faults, revocation, issues and the log, without Python."""
    with Sandbox(corpus=Corpus.generate(seed=7, issues=20)) as jira:
        control(jira, "consumers", key=CONSUMER, name="L", public_key=keys.public_pem.decode())
        with client(keys, callback_uri="oob") as session:
            url = jira.url + "/plugins/servlet/oauth/request-token"
            token = session.fetch_request_token(url)["oauth_token"]
        code = control(jira, "approve", oauth_token=token)["oauth_verifier"]
        with client(keys, resource_owner_key=token, verifier=code) as session:
            url = jira.url + "/plugins/servlet/oauth/access-token"
            access = session.fetch_access_token(url)["oauth_token"]
        before = requests.get(jira.url + "/_sandbox/issues", timeout=TIMEOUT).json()
        assert before == jira.issues
        edited = control(jira, "edit", count=2, seed=3)["keys"]
        assert len(edited) == 2
        moved = control(jira, "move", key=before[0]["key"], project="WEB2")["key"]
        control(jira, "delete", key=moved)
        assert control(jira, "clock", offset=60)["now"] > time.time() + 50
        control(jira, "fault", path_prefix="/rest/api/2/myself", status=500)
        with client(keys, resource_owner_key=access) as session:
            me = jira.url + "/rest/api/2/myself"
            assert [session.get(me, timeout=TIMEOUT).status_code for _ in range(2)] == [500, 200]
            control(jira, "revoke", token=access)
            assert session.get(me, timeout=TIMEOUT).status_code == 401
        log = requests.get(jira.url + "/_sandbox/requests", timeout=TIMEOUT).json()
        left = {issue["id"] for issue in jira.issues}
    assert left == {issue["id"] for issue in before[1:]}
    assert [entry["status"] for entry in log] == [200, 200, 500, 200, 401]
    assert all(times.parse(issue["updated"]) == issue["updated_ms"] for issue in before)


@pytest.mark.parametrize(
    ("name", "order"),
    [
        ("edit", {"keys": ["NOPE-1"]}),
        ("edit", {"number": 3}),
        ("clock", {"offset": "late"}),
        ("approve", {"oauth_token": "x"}),
        ("revoke", {"token": "x"}),
        ("consumers", {"key": "k", "public_key": "x"}),
        ("fault", {"path_prefix": "/"}),
    ],
)
def test_a_control_request_that_cannot_be_done_says_why(
    jira: Sandbox, name: str, order: dict[str, Any]
) -> None:
    """400 with a reason, and an unknown name is a 404 that lists the names."""
    answer = requests.post(f"{jira.url}/_sandbox/{name}", json=order, timeout=TIMEOUT)
    assert answer.status_code == 400
    assert answer.json()["error"]
    unknown = requests.get(jira.url + "/_sandbox/nope", timeout=TIMEOUT)
    assert unknown.status_code == 404
    assert {"requests", "issues", "life"} <= set(unknown.json()["get"])
