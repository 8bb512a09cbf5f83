"""The three steps of OAuth 1.0a against requests-oauthlib, and every way in which they are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from requests_oauthlib import OAuth1

from sandbox.conftest import client, problem, servlet

if TYPE_CHECKING:
    from requests import Response

    from sandbox import Sandbox
    from sandbox.conftest import Keys

TIMEOUT = 10


@pytest.fixture
def asked(jira: Sandbox, keys: Keys) -> tuple[str, str]:
    """Token and secret after step 1 with `oob`."""
    with client(keys, callback_uri="oob") as session:
        answer = session.fetch_request_token(servlet(jira, "request-token"))
    return answer["oauth_token"], answer["oauth_token_secret"]


def exchange(jira: Sandbox, keys: Keys, asked: tuple[str, str], verifier: str) -> Response:
    """Step 3."""
    with client(
        keys, resource_owner_key=asked[0], resource_owner_secret=asked[1], verifier=verifier
    ) as session:
        return session.post(servlet(jira, "access-token"), timeout=TIMEOUT)


def test_the_dance_with_oob_ends_in_a_token_that_works(
    jira: Sandbox, keys: Keys, asked: tuple[str, str]
) -> None:
    """Item 1: three steps, the person typing the code of the page, give a token for the default user."""
    page = servlet(jira, "authorize") + "?oauth_token=" + asked[0]
    question = requests.get(page, timeout=TIMEOUT)
    assert "Lake &lt;loader&gt;" in question.text
    assert question.headers["Content-Type"].startswith("text/html")
    allowed = requests.post(page, data={"decision": "allow"}, timeout=TIMEOUT)
    verifier = allowed.text.split('id="verifier">')[1].split("<")[0]
    answer = exchange(jira, keys, asked, verifier)
    assert answer.headers["Content-Type"].startswith("text/plain")
    pairs = [pair.split("=") for pair in answer.text.split("&")]
    assert [name for name, _ in pairs] == [
        "oauth_token",
        "oauth_token_secret",
        "oauth_expires_in",
        "oauth_session_handle",
        "oauth_authorization_expires_in",
    ]
    token = dict(pairs)
    assert (token["oauth_expires_in"], token["oauth_authorization_expires_in"]) == (
        "157680000",
        "160272000",
    )
    with client(keys, resource_owner_key=token["oauth_token"]) as session:
        me = session.get(jira.url + "/rest/api/2/myself", timeout=TIMEOUT)
    assert me.json()["name"] == "sandbox"


def test_the_request_token_answer_is_plain_text_with_three_keys_in_order(
    jira: Sandbox, keys: Keys
) -> None:
    """Item 1: OAuth's encoding is not form encoding, so Jira answers `text/plain`."""
    with client(keys, callback_uri="oob") as session:
        answer = session.post(servlet(jira, "request-token"), timeout=TIMEOUT)
    assert answer.headers["Content-Type"].startswith("text/plain")
    names = [pair.split("=")[0] for pair in answer.text.split("&")]
    assert names == ["oauth_token", "oauth_token_secret", "oauth_callback_confirmed"]


@pytest.mark.parametrize(("decision", "verifier"), [("allow", None), ("deny", "denied")])
def test_a_callback_gets_the_verifier_or_the_denial(
    jira: Sandbox, keys: Keys, decision: str, verifier: str | None
) -> None:
    """Item 3: the browser is sent to the callback, whose own query stays, with token and verifier."""
    with client(keys, callback_uri="http://127.0.0.1:9/done?x=1") as session:
        token = session.fetch_request_token(servlet(jira, "request-token"))["oauth_token"]
    page = servlet(jira, "authorize") + "?oauth_token=" + token
    answer = requests.post(
        page, data={"decision": decision}, allow_redirects=False, timeout=TIMEOUT
    )
    assert answer.status_code == 302
    query = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert (query["x"], query["oauth_token"]) == (["1"], [token])
    if verifier is None:
        assert len(query["oauth_verifier"][0]) == 6
    else:
        assert query["oauth_verifier"] == [verifier]


def test_a_denied_token_is_never_exchanged(
    jira: Sandbox, keys: Keys, asked: tuple[str, str]
) -> None:
    """Item 3: after Deny the last step answers `permission_denied`, and the page says that it is decided."""
    page = servlet(jira, "authorize") + "?oauth_token=" + asked[0]
    assert "no access" in requests.post(page, data={"decision": "deny"}, timeout=TIMEOUT).text
    assert requests.get(page, timeout=TIMEOUT).status_code == 400
    answer = exchange(jira, keys, asked, "denied")
    assert (answer.status_code, problem(answer)) == (401, "permission_denied")


def test_a_request_token_is_exchanged_only_once(
    jira: Sandbox, keys: Keys, asked: tuple[str, str]
) -> None:
    """Item 3: a repeated last step, such as a retry makes, answers `token_rejected`."""
    verifier = jira.approve(asked[0])
    assert exchange(jira, keys, asked, verifier).status_code == 200
    again = exchange(jira, keys, asked, verifier)
    assert (again.status_code, problem(again)) == (401, "token_rejected")


def test_the_exchange_needs_the_users_consent_and_the_right_verifier(
    jira: Sandbox, keys: Keys, asked: tuple[str, str]
) -> None:
    """Item 4: before consent `permission_unknown`; a wrong code `token_rejected`; no code `parameter_absent`."""
    assert problem(exchange(jira, keys, asked, "early1")) == "permission_unknown"
    jira.approve(asked[0])
    assert problem(exchange(jira, keys, asked, "wrong1")) == "token_rejected"
    with client(keys, resource_owner_key=asked[0]) as session:
        answer = session.post(servlet(jira, "access-token"), timeout=TIMEOUT)
    assert (answer.status_code, problem(answer)) == (400, "parameter_absent")
    assert parse_qs(answer.text)["oauth_parameters_absent"] == ["oauth_verifier"]


def test_a_wrong_verifier_hides_a_wrong_signature(
    jira: Sandbox, keys: Keys, other_keys: Keys, asked: tuple[str, str]
) -> None:
    """Item 4: Jira looks at the signature last, so the verifier decides which error a client sees."""
    verifier = jira.approve(asked[0])
    assert problem(exchange(jira, other_keys, asked, "wrong1")) == "token_rejected"
    assert problem(exchange(jira, other_keys, asked, verifier)) == "signature_invalid"
    assert exchange(jira, keys, asked, verifier).status_code == 200


def test_a_request_token_belongs_to_its_consumer(
    jira: Sandbox, keys: Keys, asked: tuple[str, str]
) -> None:
    """Item 4: another consumer's exchange is `token_rejected`, and the token still works for its own."""
    jira.register_consumer("other", keys.public_pem)
    verifier = jira.approve(asked[0])
    stranger = OAuth1(
        "other",
        signature_method="RSA-SHA1",
        rsa_key=keys.private,
        resource_owner_key=asked[0],
        verifier=verifier,
    )
    answer = requests.post(servlet(jira, "access-token"), auth=stranger, timeout=TIMEOUT)
    assert (answer.status_code, problem(answer)) == (401, "token_rejected")
    assert exchange(jira, keys, asked, verifier).status_code == 200


def test_a_request_token_lives_ten_minutes(
    jira: Sandbox, keys: Keys, asked: tuple[str, str]
) -> None:
    """Item 3: past its time it is neither shown on the page nor exchanged."""
    jira.clock.offset = 601
    page = servlet(jira, "authorize") + "?oauth_token=" + asked[0]
    assert requests.get(page, timeout=TIMEOUT).status_code == 400
    assert problem(exchange(jira, keys, asked, "any")) == "token_expired"


@pytest.mark.parametrize("callback", ["ftp://example.com/", "done", "http:///nowhere"])
def test_a_callback_must_be_oob_or_an_absolute_url(
    jira: Sandbox, keys: Keys, callback: str
) -> None:
    """Anything else is `parameter_rejected`."""
    with client(keys, callback_uri=callback) as session:
        answer = session.post(servlet(jira, "request-token"), timeout=TIMEOUT)
    assert (answer.status_code, problem(answer)) == (400, "parameter_rejected")


def test_without_a_callback_no_verifier_is_wanted(jira: Sandbox, keys: Keys) -> None:
    """A client that speaks OAuth 1.0 without "a" can still sign in."""
    with client(keys) as session:
        token = session.fetch_request_token(servlet(jira, "request-token"))["oauth_token"]
    jira.approve(token)
    with client(keys, resource_owner_key=token) as session:
        answer = session.post(servlet(jira, "access-token"), timeout=TIMEOUT)
    assert answer.status_code == 200
