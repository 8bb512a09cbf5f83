"""OAuth 2.0 of Data Center, driven by requests-oauthlib's OAuth 2.0 session and by hand where that is too well-behaved."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from requests_oauthlib import OAuth2Session

from sandbox import User
from sandbox.oauth2 import Client

if TYPE_CHECKING:
    from sandbox import Sandbox

TIMEOUT = 10
CALLBACK = "http://127.0.0.1:9/back?from=jira"
VERIFIER = "v" * 50
CHALLENGE = (
    base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
)


@pytest.fixture(autouse=True)
def link(jira: Sandbox) -> Client:
    """An incoming link that may read and write."""
    client = Client("lake-2", "hidden", "Lake 2", (CALLBACK,), ("WRITE",))
    jira.sign_in.register_client(client, "data_center")
    return client


def authorize(jira: Sandbox, decision: str | None = "allow", **changes: str) -> requests.Response:
    """The authorize page answered; `decision` None only looks at it."""
    asked = {
        "client_id": "lake-2",
        "redirect_uri": CALLBACK,
        "response_type": "code",
        "state": "s 1",
        "scope": "READ",
        **changes,
    }
    url = jira.url + "/rest/oauth2/latest/authorize"
    if decision is None:
        return requests.get(url, params=asked, allow_redirects=False, timeout=TIMEOUT)
    answer = {"decision": decision}
    return requests.post(url, params=asked, data=answer, allow_redirects=False, timeout=TIMEOUT)


def called_back(answer: requests.Response) -> dict[str, str]:
    """What the browser carries back to the client."""
    assert answer.status_code == 302, answer.text
    assert answer.headers["Location"].startswith(CALLBACK + "&")
    return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))


def token(jira: Sandbox, **given: str) -> requests.Response:
    """The token endpoint, with the link's own credentials unless told otherwise."""
    form = {"client_id": "lake-2", "client_secret": "hidden", "redirect_uri": CALLBACK, **given}
    url = jira.url + "/rest/oauth2/latest/token"
    return requests.post(url, data=form, timeout=TIMEOUT)


def exchange(jira: Sandbox, code: str, **given: str) -> requests.Response:
    """A code for tokens."""
    return token(jira, grant_type="authorization_code", code=code, **given)


def refresh(jira: Sandbox, refresh_token: str, **given: str) -> requests.Response:
    """A refresh token for tokens."""
    return token(jira, grant_type="refresh_token", refresh_token=refresh_token, **given)


def refusal(answer: requests.Response) -> tuple[int, Any]:
    """Status and `error`."""
    return answer.status_code, answer.json()["error"]


def user_of(jira: Sandbox, access_token: str) -> str:
    """Who asks with a bearer token."""
    headers = {"Authorization": f"Bearer {access_token}"}
    answer = requests.get(jira.url + "/rest/api/2/project", headers=headers, timeout=TIMEOUT)
    return answer.headers["X-AUSERNAME"]


def test_the_code_grant_ends_in_a_bearer_that_works(jira: Sandbox) -> None:
    """Consent, code, tokens: five keys, one hour, and requests as the user who allowed it."""
    page = authorize(jira, None)
    assert "Lake 2" in page.text
    assert "see projects and issues" in page.text
    back = called_back(authorize(jira))
    assert (back["from"], back["state"]) == ("jira", "s 1")
    answer = exchange(jira, back["code"])
    assert answer.headers["Cache-Control"] == "no-store"
    body = answer.json()
    assert list(body) == ["access_token", "refresh_token", "expires_in", "scope", "token_type"]
    assert (body["expires_in"], body["scope"], body["token_type"]) == (3600, "READ", "bearer")
    assert user_of(jira, body["access_token"]) == "sandbox"
    assert jira.requests[-1].auth == "oauth2"
    jira.clock.offset = 3601
    assert user_of(jira, body["access_token"]) == "anonymous"


def test_a_code_lives_ten_seconds_and_works_once(jira: Sandbox) -> None:
    """A late code and a repeated one are `invalid_grant`, which names nothing."""
    back = called_back(authorize(jira))
    assert exchange(jira, back["code"]).status_code == 200
    again = exchange(jira, back["code"])
    assert (again.status_code, again.json()) == (400, {"error": "invalid_grant"})
    late = called_back(authorize(jira))
    jira.clock.offset = 11
    assert refusal(exchange(jira, late["code"])) == (400, "invalid_grant")


def test_a_code_belongs_to_its_client_and_address(jira: Sandbox) -> None:
    """Another client's credentials or another `redirect_uri` spend the code and get nothing for it."""
    other = Client("other", "secret", "Other", (CALLBACK,))
    jira.sign_in.register_client(other, "data_center")
    for changes in (
        {"redirect_uri": "http://127.0.0.1:9/other"},
        {"client_id": "other", "client_secret": "secret"},
    ):
        code = called_back(authorize(jira))["code"]
        assert refusal(exchange(jira, code, **changes)) == (400, "invalid_grant")
        assert refusal(exchange(jira, code)) == (400, "invalid_grant")


@pytest.mark.parametrize(
    ("asked", "given", "status"),
    [
        ({"code_challenge": CHALLENGE, "code_challenge_method": "S256"}, VERIFIER, 200),
        ({"code_challenge": CHALLENGE, "code_challenge_method": "S256"}, "w" * 50, 400),
        ({"code_challenge": CHALLENGE, "code_challenge_method": "S256"}, None, 400),
        ({"code_challenge": VERIFIER, "code_challenge_method": "plain"}, VERIFIER, 200),
        ({"code_challenge": VERIFIER}, VERIFIER, 200),
        ({}, VERIFIER, 400),
    ],
)
def test_pkce_holds_the_code_to_who_asked_for_it(
    jira: Sandbox, asked: dict[str, str], given: str | None, status: int
) -> None:
    """A code with a challenge needs its verifier, one without must come without."""
    code = called_back(authorize(jira, **asked))["code"]
    proof = {} if given is None else {"code_verifier": given}
    assert exchange(jira, code, **proof).status_code == status


def test_refreshing_needs_the_redirect_uri_and_each_refresh_token_works_once(
    jira: Sandbox,
) -> None:
    """Data Center looks at `redirect_uri` on a refresh too; the answer brings the next refresh token; 90 days."""
    first = jira.sign_in.grant("lake-2", "data_center")
    other = refresh(jira, first["refresh_token"], redirect_uri="http://127.0.0.1:9/other")
    assert (other.status_code, other.json()) == (400, {"error": "invalid_grant"})
    second = refresh(jira, first["refresh_token"]).json()
    assert user_of(jira, second["access_token"]) == "sandbox"
    assert refusal(refresh(jira, first["refresh_token"])) == (400, "invalid_grant")
    jira.clock.offset = 90 * 86_400 + 1
    assert refusal(refresh(jira, second["refresh_token"])) == (400, "invalid_grant")


def test_the_token_endpoint_takes_a_form_or_a_query_and_no_json(jira: Sandbox) -> None:
    """Parameters in a JSON body are none; a wrong secret is 401 `invalid_client`; other grants do not exist."""
    url = jira.url + "/rest/oauth2/latest/token"
    first = jira.sign_in.grant("lake-2", "data_center")
    given = {
        "grant_type": "refresh_token",
        "client_id": "lake-2",
        "client_secret": "hidden",
        "refresh_token": first["refresh_token"],
        "redirect_uri": CALLBACK,
    }
    assert refusal(requests.post(url, json=given, timeout=TIMEOUT)) == (400, "invalid_request")
    assert requests.post(url, params=given, timeout=TIMEOUT).status_code == 200
    wrong = refresh(jira, "x", client_secret="guessed")
    assert refusal(wrong) == (401, "invalid_client")
    assert refusal(token(jira, grant_type="password")) == (400, "unsupported_grant_type")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "ADMIN"}, "invalid_scope"),
        ({"scope": "read:jira-work"}, "invalid_scope"),
        ({"scope": ""}, "invalid_scope"),
        ({"code_challenge": "x", "code_challenge_method": "S512"}, "invalid_request"),
    ],
)
def test_a_wrong_request_goes_back_to_the_client(
    jira: Sandbox, changes: dict[str, str], error: str
) -> None:
    """With the error's name and the client's state; no implicit grant, no scope beyond the link's."""
    back = called_back(authorize(jira, None, **changes))
    assert (back["error"], back["state"], "code" in back) == (error, "s 1", False)


@pytest.mark.parametrize(
    "changes", [{"client_id": "nobody"}, {"redirect_uri": "http://127.0.0.1:9/evil"}]
)
def test_nobody_is_called_back_who_is_not_registered(
    jira: Sandbox, changes: dict[str, str]
) -> None:
    """An unknown client or address gets a page, never a redirect with a code."""
    for decision in (None, "allow"):
        answer = authorize(jira, decision, **changes)
        assert answer.status_code == 400
        assert re.search('id="reason">[A-Z].*registered', answer.text)


def test_an_independent_client_signs_in_with_pkce_and_reads(
    jira: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """requests-oauthlib's OAuth 2.0 session makes its own challenge, exchanges the code, and refreshes."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")  # its switch for plain HTTP on loopback
    base = jira.url + "/rest/oauth2/latest/"
    with OAuth2Session("lake-2", redirect_uri=CALLBACK, scope=["READ"], pkce="S256") as session:
        url, _ = session.authorization_url(base + "authorize")
        allowed = requests.post(url, {"decision": "allow"}, allow_redirects=False, timeout=TIMEOUT)
        session.fetch_token(
            base + "token",
            authorization_response=allowed.headers["Location"],
            client_secret="hidden",
            include_client_id=True,
            timeout=TIMEOUT,
        )
        session.refresh_token(
            base + "token",
            client_id="lake-2",
            client_secret="hidden",
            redirect_uri=CALLBACK,
            timeout=TIMEOUT,
        )
        me = session.get(jira.url + "/rest/api/2/myself", timeout=TIMEOUT)
    assert me.json()["name"] == "sandbox"


def test_deny_and_another_user(jira: Sandbox) -> None:
    """Deny is `access_denied`; where there are several users the page asks as whom."""
    assert called_back(authorize(jira, "deny"))["error"] == "access_denied"
    jira.sign_in.directory.put(User("ada", "Ada"))
    assert '<option value="ada">Ada</option>' in authorize(jira, None).text
    tokens = jira.sign_in.grant("lake-2", "data_center", user="ada", scope="READ WRITE")
    assert tokens["scope"] == "READ WRITE"
    assert user_of(jira, tokens["access_token"]) == "ada"


def test_clients_and_tokens_come_by_control(jira: Sandbox) -> None:
    """A script in any language registers a client and gets tokens without a browser; what is wrong is said."""
    control = jira.url + "/_sandbox/"
    client = {"client_id": "c", "client_secret": "s", "redirect_uris": [CALLBACK]}
    assert requests.post(control + "oauth2-clients", json=client, timeout=TIMEOUT).ok
    grant = {"client_id": "c", "scope": "READ"}
    tokens = requests.post(control + "oauth2-grant", json=grant, timeout=TIMEOUT).json()
    assert user_of(jira, tokens["access_token"]) == "sandbox"
    for name, body in (
        ("oauth2-clients", {**client, "scopes": ["read:jira-work"]}),
        ("oauth2-clients", {**client, "redirect_uris": []}),
        ("oauth2-grant", {"client_id": "nobody"}),
        ("oauth2-grant", {"client_id": "c", "user": "nobody"}),
    ):
        answer = requests.post(control + name, json=body, timeout=TIMEOUT)
        assert (answer.status_code, bool(answer.json()["error"])) == (400, True)


def test_a_user_takes_access_back_while_a_client_reads(jira: Sandbox) -> None:
    """The access token asks as nobody from then on, the refresh token is `invalid_grant`."""
    tokens = jira.sign_in.grant("lake-2", "data_center")
    for name in ("access_token", "refresh_token"):
        order = {"token": tokens[name]}
        assert requests.post(jira.url + "/_sandbox/revoke", json=order, timeout=TIMEOUT).ok
    assert user_of(jira, tokens["access_token"]) == "anonymous"
    assert refusal(refresh(jira, tokens["refresh_token"])) == (400, "invalid_grant")
