"""The server around the resources: identity, headers, small resources, context paths, ports."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING, Any

import pytest
import requests

from sandbox import Corpus, Sandbox, User
from sandbox.conftest import CONSUMER, client

if TYPE_CHECKING:
    from requests_oauthlib import OAuth1Session

    from sandbox.conftest import Keys

TIMEOUT = 10


def test_server_info_and_myself_have_data_centers_keys(
    jira: Sandbox, signed: OAuth1Session
) -> None:
    """Data Center says "Server", and knows users by name and key, with a time zone and without an account id."""
    jira.clock.offset = 3600
    jira.clock.source = lambda: 1_767_323_045.678
    info = requests.get(jira.url + "/rest/api/2/serverInfo", timeout=TIMEOUT).json()
    assert list(info) == [
        "baseUrl",
        "version",
        "versionNumbers",
        "deploymentType",
        "buildNumber",
        "buildDate",
        "databaseBuildNumber",
        "serverTime",
        "scmInfo",
        "serverTitle",
    ]
    assert (info["deploymentType"], info["baseUrl"]) == ("Server", jira.url)
    assert info["versionNumbers"][:2] == [10, 3]
    assert info["serverTime"] == "2026-01-02T04:04:05.678+0000"
    jira.clock.source, jira.clock.offset = time.time, 0
    me = signed.get(jira.url + "/rest/api/2/myself", timeout=TIMEOUT).json()
    wanted = "self key name emailAddress avatarUrls displayName active deleted timeZone locale"
    assert set(me) == {*wanted.split(" "), "groups", "applicationRoles", "expand"}
    assert (me["name"], me["timeZone"]) == ("sandbox", "Europe/Berlin")


def test_signed_in_answers_carry_jiras_headers(jira: Sandbox, signed: OAuth1Session) -> None:
    """User, node, request, login reason and rate limits, with `Retry-After: 0` on a plain 200, and one Date."""
    jira.clock.offset = -120
    answer = signed.get(jira.url + "/rest/api/2/search?maxResults=1", timeout=TIMEOUT)
    headers = answer.headers
    assert (headers["X-AUSERNAME"], headers["X-Seraph-LoginReason"]) == ("sandbox", "OK")
    assert (headers["Retry-After"], headers["X-RateLimit-Limit"]) == ("0", "70")
    assert {"X-AREQUESTID", "X-ANODEID", "X-RateLimit-FillRate"} <= headers.keys()
    assert headers["Content-Type"] == "application/json;charset=UTF-8"
    shown = time.mktime(time.strptime(headers["Date"], "%a, %d %b %Y %H:%M:%S GMT")) - time.timezone
    assert abs(shown - jira.clock.now()) < 5
    assert answer.cookies["JSESSIONID"]
    again = signed.get(jira.url + "/rest/api/2/serverInfo", timeout=TIMEOUT)
    assert "Set-Cookie" not in again.headers
    assert "X-RateLimit-Limit" not in again.headers


def test_nobody_sees_nothing_and_a_400_that_blames_the_query(jira: Sandbox) -> None:
    """Without sign-in: no project, no issue, 404 for an issue that exists, and a 400 about the project."""
    base = jira.url + "/rest/api/2/"
    assert requests.get(base + "project", timeout=TIMEOUT).json() == []
    empty = requests.get(base + "search", timeout=TIMEOUT)
    assert (empty.status_code, empty.json()["total"]) == (200, 0)
    assert empty.headers["X-AUSERNAME"] == "anonymous"
    assert not {"X-Seraph-LoginReason", "X-RateLimit-Limit"} & empty.headers.keys()
    refused = requests.get(base + "search", params={"jql": "project = ALPHA"}, timeout=TIMEOUT)
    assert refused.status_code == 400
    message = "The value 'ALPHA' does not exist for the field 'project'."
    assert refused.json() == {"errorMessages": [message], "errors": {}}
    key = jira.issues[0]["key"]
    assert requests.get(base + "issue/" + key, timeout=TIMEOUT).status_code == 404
    assert requests.get(base + "project/ALPHA", timeout=TIMEOUT).status_code == 404


def test_bearer_and_basic_name_a_user_and_wrong_ones_nobody() -> None:
    """Personal tokens and passwords work for configured users; wrong ones are served as anonymous."""
    users = (User("ada", "Ada", password="p", personal_token="t"), User("bob", "Bob"))
    with Sandbox(users=users) as jira:
        url = jira.url + "/rest/api/2/project"
        for auth, user in (
            ({"headers": {"Authorization": "Bearer t"}}, "ada"),
            ({"auth": ("ada", "p")}, "ada"),
            ({"headers": {"Authorization": "Bearer x"}}, "anonymous"),
            ({"auth": ("ada", "x")}, "anonymous"),
            ({"auth": ("bob", "")}, "anonymous"),
            ({"headers": {"Authorization": "OAuth rubbish"}}, "anonymous"),
        ):
            arguments: dict[str, Any] = dict(auth)
            answer = requests.get(url, timeout=TIMEOUT, **arguments)
            assert answer.headers["X-AUSERNAME"] == user
            assert (answer.json() == []) == (user == "anonymous")
        schemes = [entry.auth for entry in jira.requests]
    assert schemes == ["personal_token", "basic", *["anonymous"] * 4]


def test_a_user_sees_only_his_projects(keys: Keys) -> None:
    """Projects that a user may not see are in no list, no search and no single answer."""
    users = (User("ops", "Ops", projects=frozenset({"OPS"})),)
    with Sandbox(corpus=Corpus.generate(seed=7, issues=60), users=users) as jira:
        jira.register_consumer(CONSUMER, keys.public_pem)
        with client(keys, resource_owner_key=jira.grant(CONSUMER).token) as session:
            base = jira.url + "/rest/api/2/"
            projects = session.get(base + "project", timeout=TIMEOUT).json()
            found = session.get(base + "search?maxResults=1000", timeout=TIMEOUT).json()
            hidden = next(i["key"] for i in jira.issues if i["project"] == "ALPHA")
            assert session.get(base + "issue/" + hidden, timeout=TIMEOUT).status_code == 404
    assert [project["key"] for project in projects] == ["OPS"]
    truth = {issue["id"] for issue in jira.issues if issue["project"] == "OPS"}
    assert {issue["id"] for issue in found["issues"]} == truth


def test_projects_and_fields_are_bare_arrays(jira: Sandbox, signed: OAuth1Session) -> None:
    """A project is found by key and by id; every field of an issue is in the field list."""
    base = jira.url + "/rest/api/2/"
    projects = signed.get(base + "project", timeout=TIMEOUT).json()
    assert [project["key"] for project in projects] == ["ALPHA", "OPS", "WEB2"]
    by_id = signed.get(base + "project/10001", timeout=TIMEOUT).json()
    assert by_id == signed.get(base + "project/ALPHA", timeout=TIMEOUT).json()
    assert projects[0].items() <= by_id.items()
    fields = signed.get(base + "field", timeout=TIMEOUT).json()
    names = {field["id"] for field in fields}
    issue = signed.get(base + "issue/" + jira.issues[0]["key"], timeout=TIMEOUT).json()
    assert issue["fields"].keys() <= names
    assert [f["id"] for f in fields if "schema" not in f] == ["issuekey", "thumbnail"]


@pytest.mark.parametrize("context_path", ["", "/jira", "/a/b"])
def test_jira_lives_under_its_context_path(keys: Keys, context_path: str) -> None:
    """Item 1: everything is below the path, signatures and links included, and nothing beside it."""
    with Sandbox(context_path=context_path) as jira:
        jira.register_consumer(CONSUMER, keys.public_pem)
        with client(keys, resource_owner_key=jira.grant(CONSUMER).token) as session:
            me = session.get(jira.url + "/rest/api/2/myself", timeout=TIMEOUT)
        assert me.json()["self"].startswith(jira.url + "/rest/")
        beside = requests.get(f"http://127.0.0.1:{jira.port}/x{context_path}", timeout=TIMEOUT)
        assert beside.status_code == 404


def test_an_impossible_context_path_is_refused() -> None:
    """A path must begin with a slash and not end with one."""
    for wrong in ("jira", "/jira/", "/"):
        with pytest.raises(ValueError, match="context path"):
            Sandbox(context_path=wrong)


def test_what_is_not_there_is_a_404_and_a_wrong_method_a_405(jira: Sandbox) -> None:
    """Unknown resources and methods have JSON bodies."""
    base = jira.url + "/rest/api/2/"
    assert requests.get(base + "nothing", timeout=TIMEOUT).status_code == 404
    wrong = requests.delete(base + "search", timeout=TIMEOUT)
    assert (wrong.status_code, wrong.json()["status-code"]) == (405, 405)


def test_a_port_in_use_is_an_error_that_can_be_caught() -> None:
    """Two sandboxes on one port: the second raises OSError, the first goes on."""
    corpus = Corpus.generate(seed=1, issues=1)
    with Sandbox(corpus=corpus) as first:
        with pytest.raises(OSError, match="in use"), Sandbox(corpus=corpus, port=first.port):
            pass
        assert requests.get(first.url + "/rest/api/2/serverInfo", timeout=TIMEOUT).ok


def test_the_port_is_given_back() -> None:
    """After the block nothing listens any more."""
    with Sandbox(corpus=Corpus.generate(seed=1, issues=1)) as jira:
        port = jira.port
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
