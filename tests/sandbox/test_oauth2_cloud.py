"""OAuth 2.0 of Cloud: its hosts below first path segments of their names, the gateway, rotating refresh tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from requests_oauthlib import OAuth2Session

from sandbox.oauth2 import Client
from sandbox.oauth2_cloud import AUDIENCE, CLOUD_ID

if TYPE_CHECKING:
    from sandbox import Sandbox

TIMEOUT = 10
CALLBACK = "http://127.0.0.1:9/back"
SCOPE = "read:jira-work read:jira-user offline_access"


@pytest.fixture(autouse=True)
def app(jira: Sandbox) -> Client:
    """An app that may read."""
    client = Client("app", "hidden", "Lake app", (CALLBACK,))
    jira.sign_in.register_client(client, "cloud")
    return client


@pytest.fixture
def tokens(jira: Sandbox) -> dict[str, Any]:
    """Tokens of the default user."""
    return jira.sign_in.grant("app", "cloud", scope=SCOPE)


def authorize(jira: Sandbox, decision: str | None = "allow", **changes: str) -> dict[str, str]:
    """What the browser carries back from the authorize page."""
    asked = {
        "audience": AUDIENCE,
        "client_id": "app",
        "scope": SCOPE,
        "redirect_uri": CALLBACK,
        "state": "x",
        "response_type": "code",
        "prompt": "consent",
        **changes,
    }
    answer = requests.post(
        jira.auth_url + "/authorize",
        params=asked,
        data={"decision": decision},
        allow_redirects=False,
        timeout=TIMEOUT,
    )
    assert answer.status_code == 302, answer.text
    return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))


def token(jira: Sandbox, *, as_form: bool = False, **given: str) -> requests.Response:
    """The token endpoint, with the app's own credentials unless told otherwise."""
    body = {"client_id": "app", "client_secret": "hidden", **given}
    sent: dict[str, Any] = {"data": body} if as_form else {"json": body}
    return requests.post(jira.auth_url + "/oauth/token", timeout=TIMEOUT, **sent)


def refresh(jira: Sandbox, refresh_token: str) -> requests.Response:
    """A refresh token for tokens."""
    return token(jira, grant_type="refresh_token", refresh_token=refresh_token)


def through_gateway(jira: Sandbox, access_token: str, path: str) -> requests.Response:
    """A request for the site, sent through the gateway."""
    return requests.get(
        f"{jira.gateway_url}/ex/jira/{CLOUD_ID}{path}",
        headers={"Authorization": f"Bearer {access_token}"},
        timeout=TIMEOUT,
    )


@pytest.mark.parametrize("as_form", [False, True])
def test_the_code_grant_ends_at_the_gateway(jira: Sandbox, *, as_form: bool) -> None:
    """Item 18: consent, code, tokens by JSON or by form, the cloud id, and issues whose links lead to the gateway."""
    code = authorize(jira)["code"]
    answer = token(
        jira, as_form=as_form, grant_type="authorization_code", code=code, redirect_uri=CALLBACK
    )
    body = answer.json()
    assert body.keys() == {"access_token", "expires_in", "token_type", "scope", "refresh_token"}
    assert (body["expires_in"], body["token_type"], body["scope"]) == (3600, "Bearer", SCOPE)
    bearer = {"Authorization": "Bearer " + body["access_token"]}
    url = jira.gateway_url + "/oauth/token/accessible-resources"
    (site,) = requests.get(url, headers=bearer, timeout=TIMEOUT).json()
    assert site.keys() == {"id", "url", "name", "scopes", "avatarUrl"}
    assert (site["id"], site["url"]) == (CLOUD_ID, jira.url)
    assert site["scopes"] == ["read:jira-work", "read:jira-user"]
    assert requests.get(jira.url + "/_edge/tenant_info", timeout=TIMEOUT).json() == {
        "cloudId": CLOUD_ID
    }
    me = through_gateway(jira, body["access_token"], "/rest/api/2/myself")
    assert me.status_code == 200, me.text
    assert me.json()["self"].startswith(f"{jira.gateway_url}/ex/jira/{CLOUD_ID}/rest/api/2/user")
    assert jira.requests[-1].path == "/rest/api/2/myself"
    assert jira.requests[-1].auth == "oauth2"


def test_an_independent_client_signs_in_reads_and_refreshes(
    jira: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Item 18: requests-oauthlib's OAuth 2.0 session does the whole dance, reads, and rotates its token."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")  # its switch for plain HTTP on loopback
    token_url = jira.auth_url + "/oauth/token"
    with OAuth2Session("app", redirect_uri=CALLBACK, scope=SCOPE.split()) as session:
        url, _ = session.authorization_url(jira.auth_url + "/authorize", audience=AUDIENCE)
        allowed = requests.post(url, {"decision": "allow"}, allow_redirects=False, timeout=TIMEOUT)
        first = session.fetch_token(
            token_url,
            authorization_response=allowed.headers["Location"],
            client_secret="hidden",
            include_client_id=True,
            timeout=TIMEOUT,
        )
        second = session.refresh_token(
            token_url, client_id="app", client_secret="hidden", timeout=TIMEOUT
        )
        assert second["refresh_token"] != first["refresh_token"]
        page = session.get(
            f"{jira.gateway_url}/ex/jira/{CLOUD_ID}/rest/api/2/project", timeout=TIMEOUT
        )
    assert [project["key"] for project in page.json()] == ["ALPHA", "OPS", "WEB2"]


def test_each_refresh_brings_the_next_token_and_ends_the_old_after_ten_minutes(
    jira: Sandbox, tokens: dict[str, Any]
) -> None:
    """Item 18: within the leeway the rotated token still works; after it the answer is 403 `invalid_grant`."""
    second = refresh(jira, tokens["refresh_token"]).json()
    assert second["refresh_token"] != tokens["refresh_token"]
    jira.clock.offset = 599
    assert refresh(jira, tokens["refresh_token"]).status_code == 200
    jira.clock.offset = 601
    late = refresh(jira, tokens["refresh_token"])
    assert late.status_code == 403
    assert late.json() == {
        "error": "invalid_grant",
        "error_description": "Unknown or invalid refresh token.",
    }
    assert refresh(jira, second["refresh_token"]).status_code == 200


def test_a_refresh_token_ends_after_90_idle_days_and_after_a_year_at_all(
    jira: Sandbox, tokens: dict[str, Any]
) -> None:
    """Item 18: then it is 403 `unauthorized_client`; use prolongs it, but never past 365 days."""
    dead = {"error": "unauthorized_client", "error_description": "refresh_token is invalid"}
    day = 86_400
    jira.clock.offset = 91 * day
    idle = refresh(jira, tokens["refresh_token"])
    assert (idle.status_code, idle.json()) == (403, dead)
    jira.clock.offset = 0
    current = tokens["refresh_token"]
    for days in range(80, 365, 80):
        jira.clock.offset = days * day
        current = refresh(jira, current).json()["refresh_token"]
    jira.clock.offset = 366 * day
    assert refresh(jira, current).json() == dead


def test_without_offline_access_there_is_no_refresh_token(jira: Sandbox) -> None:
    """Item 18: the answer has four keys then."""
    code = authorize(jira, scope="read:jira-work")["code"]
    body = token(jira, grant_type="authorization_code", code=code, redirect_uri=CALLBACK).json()
    assert body.keys() == {"access_token", "expires_in", "token_type", "scope"}


def test_the_token_endpoint_refuses_in_its_own_words(jira: Sandbox) -> None:
    """A wrong secret is 401 `access_denied`, a wrong code or address 403, another grant 403."""
    code = authorize(jira)["code"]
    wrong = token(jira, client_secret="guessed", grant_type="authorization_code", code=code)
    assert wrong.status_code == 401
    assert wrong.json() == {"error": "access_denied", "error_description": "Unauthorized"}
    for sent, address in (("guessed", CALLBACK), (code, "http://127.0.0.1:9/other")):
        answer = token(jira, grant_type="authorization_code", code=sent, redirect_uri=address)
        assert (answer.status_code, answer.json()["error"]) == (403, "invalid_grant")
    answer = token(jira, grant_type="client_credentials")
    assert (answer.status_code, answer.json()["error"]) == (403, "unsupported_grant_type")
    assert (
        requests.post(jira.auth_url + "/oauth/token", json=[], timeout=TIMEOUT).status_code == 403
    )


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"audience": "elsewhere"}, "invalid_request"),
        ({"scope": "READ"}, "invalid_scope"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({}, "access_denied"),
    ],
)
def test_a_wrong_or_denied_request_goes_back_to_the_app(
    jira: Sandbox, changes: dict[str, str], error: str
) -> None:
    """With the error's name and the app's state."""
    back = authorize(jira, "deny", **changes)
    assert (back["error"], back["state"]) == (error, "x")


def test_a_scope_that_does_not_match_is_a_401_that_no_refresh_cures(jira: Sandbox) -> None:
    """Item 18: the gateway's own shape, with `code` and `message`."""
    tokens = jira.sign_in.grant("app", "cloud", scope="read:jira-user")
    assert through_gateway(jira, tokens["access_token"], "/rest/api/2/myself").status_code == 200
    for path in ("/rest/api/2/field", "/rest/api/latest/project", "/rest/agile/1.0/board"):
        answer = through_gateway(jira, tokens["access_token"], path)
        assert answer.status_code == 401
        assert answer.json() == {"code": 401, "message": "Unauthorized; scope does not match"}
    jira.clock.offset = 3601
    answer = through_gateway(jira, tokens["access_token"], "/rest/api/2/myself")
    assert (answer.status_code, answer.json()["message"]) == (401, "Unauthorized")


def test_a_bearer_works_at_the_gateway_only_and_only_for_its_site(
    jira: Sandbox, tokens: dict[str, Any]
) -> None:
    """Item 18: on the site's own address it is a 403 of another shape; another cloud id is 404; no token is 401."""
    bearer = {"Authorization": "Bearer " + tokens["access_token"]}
    answer = requests.get(jira.url + "/rest/api/2/myself", headers=bearer, timeout=TIMEOUT)
    assert answer.status_code == 403
    assert answer.json() == {"error": "Failed to parse Connect Session Auth Token"}
    elsewhere = f"{jira.gateway_url}/ex/jira/00000000-0000-0000-0000-000000000000/rest/api/2/myself"
    assert requests.get(elsewhere, headers=bearer, timeout=TIMEOUT).status_code == 404
    for path in ("/plugins/servlet/oauth/users/access-tokens", "/rest/oauth2/latest/authorize"):
        assert through_gateway(jira, tokens["access_token"], path).status_code == 404
    assert through_gateway(jira, "", "/rest/api/2/myself").status_code == 401
    pat = through_gateway(jira, "sandbox-token", "/rest/api/2/myself")
    assert (pat.status_code, pat.json()) == (401, {"code": 401, "message": "Unauthorized"})


def test_faults_can_be_ordered_for_the_other_hosts_too(
    jira: Sandbox, tokens: dict[str, Any]
) -> None:
    """A refresh whose answer is lost can be tried: the fault comes, the token was not rotated, the next try works."""
    jira.fault("/auth.atlassian.com/oauth/token", status=500)
    assert refresh(jira, tokens["refresh_token"]).status_code == 500
    assert refresh(jira, tokens["refresh_token"]).status_code == 200


def test_a_user_takes_access_back_while_a_client_reads(
    jira: Sandbox, tokens: dict[str, Any]
) -> None:
    """The access token ends at the gateway, the refresh token at the token endpoint."""
    for name in ("access_token", "refresh_token"):
        jira.revoke(tokens[name])
    answer = through_gateway(jira, tokens["access_token"], "/rest/api/2/myself")
    assert (answer.status_code, answer.json()["message"]) == (401, "Unauthorized")
    assert refresh(jira, tokens["refresh_token"]).status_code == 403
