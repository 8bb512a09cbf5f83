"""Tokens after the dance: renewal, refusal, removal, signing without a token, and lifetimes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests
from requests_oauthlib import OAuth1Session

from sandbox import User
from sandbox.conftest import CONSUMER, client, problem, servlet
from sandbox.lifetimes import Lifetimes

if TYPE_CHECKING:
    from requests import Response

    from sandbox import Sandbox
    from sandbox.conftest import Keys
    from sandbox.provider import AccessToken

TIMEOUT = 10
YEAR = 31_536_000


def renew(jira: Sandbox, keys: Keys, token: str, **parameters: str) -> Response:
    """The access-token servlet, asked with an access token; `parameters` go into the signed query."""
    with client(keys, resource_owner_key=token) as session:
        return session.post(servlet(jira, "access-token"), params=parameters, timeout=TIMEOUT)


def myself(jira: Sandbox, keys: Keys, token: str, consumer: str = CONSUMER) -> Response:
    """A signed request for a resource."""
    with OAuth1Session(
        consumer, signature_method="RSA-SHA1", rsa_key=keys.private, resource_owner_key=token
    ) as session:
        return session.get(jira.url + "/rest/api/2/myself", timeout=TIMEOUT)


@pytest.fixture
def granted(jira: Sandbox) -> AccessToken:
    """An access token of the default user."""
    return jira.grant(CONSUMER)


def test_the_session_handle_renews_an_expired_token_while_the_session_lives(
    jira: Sandbox, keys: Keys, granted: AccessToken
) -> None:
    """Item 7: with its handle an access token past its five years gives the next one, and ends."""
    jira.clock.offset = 5 * YEAR + 60
    assert problem(myself(jira, keys, granted.token)) == "token_expired"
    jira.clock.offset = 0
    answer = renew(jira, keys, granted.token, oauth_session_handle=granted.session_handle)
    assert answer.status_code == 200, answer.text
    fresh = dict(pair.split("=") for pair in answer.text.split("&"))
    assert fresh["oauth_session_handle"] != granted.session_handle
    assert myself(jira, keys, fresh["oauth_token"]).json()["name"] == "sandbox"
    assert problem(myself(jira, keys, granted.token)) == "token_rejected"


def test_a_renewal_needs_the_handle_the_consumer_and_a_living_session(
    jira: Sandbox, keys: Keys, granted: AccessToken
) -> None:
    """Item 7: no handle is `parameter_absent`, a wrong one `token_rejected`, a dead session `permission_denied`."""
    handle = granted.session_handle
    assert problem(renew(jira, keys, granted.token)) == "parameter_absent"
    assert problem(renew(jira, keys, granted.token, oauth_session_handle="x")) == "token_rejected"
    jira.register_consumer("other", keys.public_pem)
    stranger = OAuth1Session(
        "other",
        signature_method="RSA-SHA1",
        rsa_key=keys.private,
        resource_owner_key=granted.token,
    )
    with stranger as session:
        answer = session.post(
            servlet(jira, "access-token"), params={"oauth_session_handle": handle}, timeout=TIMEOUT
        )
    assert problem(answer) == "token_rejected"
    jira.clock.offset = 160_272_001
    answer = renew(jira, keys, granted.token, oauth_session_handle=handle)
    assert (answer.status_code, problem(answer)) == (401, "permission_denied")


def test_a_refused_consumer_or_user_is_a_503_that_is_no_maintenance(
    jira: Sandbox, keys: Keys, granted: AccessToken
) -> None:
    """Item 4: `consumer_key_refused` and `user_refused` are 503, until the refusal is taken back."""
    for order in ({"consumer": CONSUMER}, {"user": "sandbox"}):
        url = jira.url + "/_sandbox/refuse"
        assert requests.post(url, json=order, timeout=TIMEOUT).ok
        answer = myself(jira, keys, granted.token)
        name = "consumer_key_refused" if "consumer" in order else "user_refused"
        assert (answer.status_code, problem(answer)) == (503, name)
        assert requests.post(url, json={**order, "refused": False}, timeout=TIMEOUT).ok
        assert myself(jira, keys, granted.token).status_code == 200


def test_a_vanished_user_is_a_403_and_a_vanished_consumer_unknown(
    jira: Sandbox, keys: Keys
) -> None:
    """Item 4: a problem outside the table is 403; a token whose application link is gone is `consumer_key_unknown`."""
    jira.sign_in.directory.put(User("ada", "Ada"))
    token = jira.grant(CONSUMER, "ada").token
    remove = jira.url + "/_sandbox/remove"
    assert requests.post(remove, json={"user": "ada"}, timeout=TIMEOUT).ok
    answer = myself(jira, keys, token)
    assert (answer.status_code, problem(answer)) == (403, "user_unknown")
    assert requests.post(remove, json={"consumer": CONSUMER}, timeout=TIMEOUT).ok
    answer = myself(jira, keys, token)
    assert (answer.status_code, problem(answer)) == (401, "consumer_key_unknown")


def test_two_legged_requests_act_as_the_user_of_the_application_link(
    jira: Sandbox, keys: Keys
) -> None:
    """Item 6: an empty `oauth_token` is no missing one: the link's own user asks, or `permission_denied`."""
    with client(keys, resource_owner_key="") as session:
        url = jira.url + "/rest/api/2/myself?oauth_token="
        answer = session.get(url, timeout=TIMEOUT)
        assert (answer.status_code, problem(answer)) == (401, "permission_denied")
        jira.register_consumer(CONSUMER, keys.public_pem, acts_as="sandbox")
        assert session.get(url, timeout=TIMEOUT).json()["name"] == "sandbox"


def test_lifetimes_are_adjustable_and_told(jira: Sandbox, keys: Keys) -> None:
    """Item 3: what an administrator has shortened is what the answer says and what happens."""
    order = {"request_token": 5, "access_token": 60, "session": 90}
    assert requests.post(jira.url + "/_sandbox/lifetimes", json=order, timeout=TIMEOUT).ok
    with client(keys, callback_uri="oob") as session:
        asked = session.fetch_request_token(servlet(jira, "request-token"))["oauth_token"]
    verifier = jira.approve(asked)
    with client(keys, resource_owner_key=asked, verifier=verifier) as session:
        told = session.fetch_access_token(servlet(jira, "access-token"))
    assert (told["oauth_expires_in"], told["oauth_authorization_expires_in"]) == ("60", "90")
    jira.clock.offset = 61
    assert problem(myself(jira, keys, told["oauth_token"])) == "token_expired"
    for wrong in ({"request_token": 0}, {"request_token": "long"}):
        url = jira.url + "/_sandbox/lifetimes"
        assert requests.post(url, json=wrong, timeout=TIMEOUT).status_code == 400
    with pytest.raises(ValueError, match="more than 0"):
        Lifetimes(code=-1)


def test_the_page_of_what_a_user_has_allowed_takes_it_back(
    jira: Sandbox, keys: Keys, granted: AccessToken
) -> None:
    """Item 7: a person sees the application by name and revokes it; the next call is `token_rejected`."""
    page = servlet(jira, "users/access-tokens")
    assert "Lake &lt;loader&gt;" in requests.get(page, timeout=TIMEOUT).text
    shown = requests.post(page, data={"token": granted.token}, timeout=TIMEOUT).text
    assert "No application may act as Sandbox User" in shown
    assert problem(myself(jira, keys, granted.token)) == "token_rejected"
