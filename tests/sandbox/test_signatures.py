"""Signed requests: what verifies, and which refusal a client sees with which wire format."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, cast
from urllib.parse import parse_qs, quote

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID
from requests_oauthlib import OAuth1

from sandbox.conftest import CONSUMER, client, problem, servlet

if TYPE_CHECKING:
    from requests import PreparedRequest, Response
    from requests_oauthlib import OAuth1Session

    from sandbox import Sandbox
    from sandbox.conftest import Keys

TIMEOUT = 10


def prepared(session: OAuth1Session, url: str) -> PreparedRequest:
    """A signed request that has not been sent."""
    return session.prepare_request(requests.Request("GET", url))


def header_of(request: PreparedRequest) -> str:
    """The signed header; requests-oauthlib leaves it as bytes."""
    return cast("bytes", request.headers["Authorization"]).decode()


def resent(request: PreparedRequest) -> Response:
    """The answer to a request sent as it is, without another signature."""
    with requests.Session() as session:
        return session.send(request, timeout=TIMEOUT)


@pytest.mark.parametrize(
    "query",
    [
        {"jql": 'project = "ALPHA" AND updated >= 0 ORDER BY updated ASC'},
        {"jql": 'labels != "é+ %/~ \U0001f680 &="', "fields": ["summary", "*all,-comment"]},
        {"jql": "", "fields": ""},
        {"jql": "project = ALPHA\n ORDER BY key"},
    ],
)
def test_signatures_over_awkward_parameters_hold(
    jira: Sandbox, signed: OAuth1Session, query: dict[str, str]
) -> None:
    """Item 2: spaces, quotes, percent signs, emoji, line breaks, repeated and empty parameters verify."""
    answer = signed.get(jira.url + "/rest/api/2/search", params=query, timeout=TIMEOUT)
    assert answer.status_code == 200, answer.text


def test_parameters_may_stand_in_the_query_string(jira: Sandbox, keys: Keys) -> None:
    """Item 2: what some 2-legged clients do: every `oauth_*` parameter in the URL, none in a header."""
    token = jira.grant(CONSUMER)
    url = jira.url + "/rest/api/2/search?jql=project%20%3D%20ALPHA"
    with client(keys, resource_owner_key=token.token, signature_type="QUERY") as session:
        answer = session.get(url, timeout=TIMEOUT)
    assert "Authorization" not in answer.request.headers
    assert (answer.status_code, jira.requests[-1].auth) == (200, "oauth1")


def test_parameters_may_stand_in_a_form_body(jira: Sandbox, keys: Keys) -> None:
    """Item 2: the token servlets read a form, and everything in it is signed."""
    with client(keys, callback_uri="oob", signature_type="BODY") as session:
        answer = session.post(servlet(jira, "request-token"), {"more": "a b&c"}, timeout=TIMEOUT)
        assert answer.status_code == 200, answer.text
        request = session.prepare_request(
            requests.Request("POST", servlet(jira, "request-token"), data={"more": "a b&c"})
        )
    request.body = cast("bytes", request.body).replace(b"more=a", b"more=z")
    assert problem(resent(request)) == "signature_invalid"


@pytest.mark.parametrize(
    ("signed_for", "host", "status"),
    [
        ("http://jira.example.com", "jira.example.com:80", 200),
        ("http://jira.example.com:80", "jira.example.com", 200),
        ("http://JIRA.example.com", "jira.example.com", 200),
        ("http://jira.example.com:8080", "jira.example.com:8080", 200),
        ("http://jira.example.com:8080", "jira.example.com", 401),
        ("http://jira.example.com", "proxy.example.com", 401),
    ],
)
def test_the_signed_url_has_no_default_port_and_no_capitals(
    jira: Sandbox, signed: OAuth1Session, signed_for: str, host: str, status: int
) -> None:
    """Item 2: :80 is dropped, any other port stays; a proxy that changes the host breaks the signature."""
    path = "/jira/rest/api/2/myself"
    request = prepared(signed, signed_for + path)
    request.url = f"http://127.0.0.1:{jira.port}{path}"
    request.headers["Host"] = host
    assert resent(request).status_code == status


def test_a_json_body_is_not_signed(jira: Sandbox, signed: OAuth1Session) -> None:
    """POST with JSON verifies over header and query alone."""
    answer = signed.post(
        jira.url + "/rest/api/2/search", json={"jql": "project = ALPHA"}, timeout=TIMEOUT
    )
    assert (answer.status_code, jira.requests[-1].auth) == (200, "oauth1")


def test_a_request_sent_twice_is_a_spent_nonce(jira: Sandbox, signed: OAuth1Session) -> None:
    """Item 5: a transport that repeats a signed request gets `nonce_used`; a fresh signature works."""
    request = prepared(signed, jira.url + "/rest/api/2/myself")
    assert resent(request).status_code == 200
    answer = resent(request)
    assert (answer.status_code, problem(answer)) == (401, "nonce_used")
    assert signed.get(jira.url + "/rest/api/2/myself", timeout=TIMEOUT).status_code == 200


def test_the_nonce_is_spent_before_the_signature_is_checked(
    jira: Sandbox, other_keys: Keys
) -> None:
    """Item 5: a wrongly signed request is `signature_invalid` once and `nonce_used` from then on."""
    token = jira.grant(CONSUMER)
    with client(other_keys, resource_owner_key=token.token) as session:
        request = prepared(session, jira.url + "/rest/api/2/myself")
    assert problem(resent(request)) == "signature_invalid"
    assert problem(resent(request)) == "nonce_used"


@pytest.mark.parametrize("offset", [310, -310])
def test_a_skewed_clock_is_refused_with_the_acceptable_times(
    jira: Sandbox, signed: OAuth1Session, offset: int
) -> None:
    """Item 5: more than five minutes off is 400 `timestamp_refused`, and the answer names the window."""
    jira.clock.offset = offset
    answer = signed.get(jira.url + "/rest/api/2/myself", timeout=TIMEOUT)
    assert (answer.status_code, problem(answer)) == (400, "timestamp_refused")
    low, high = parse_qs(answer.text)["oauth_acceptable_timestamps"][0].split("-")
    assert int(high) - int(low) == 600
    assert int(low) - 5 <= jira.clock.now() - 300 <= int(low) + 5
    jira.clock.offset = offset * 280 / 310
    assert signed.get(jira.url + "/rest/api/2/myself", timeout=TIMEOUT).status_code == 200


def test_a_wrong_key_is_told_with_the_base_string(jira: Sandbox, other_keys: Keys) -> None:
    """Item 4: `signature_invalid` shows what the server signed, as Jira does, and the realm has the context path."""
    token = jira.grant(CONSUMER)
    url = jira.url + "/rest/api/2/myself"
    with client(other_keys, resource_owner_key=token.token) as session:
        answer = session.get(url, timeout=TIMEOUT)
    assert (answer.status_code, problem(answer)) == (401, "signature_invalid")
    said = parse_qs(answer.text)
    assert said["oauth_signature_base_string"][0].startswith("GET&" + quote(url, safe=""))
    assert said["oauth_signature_method"] == ["RSA-SHA1"]
    realm = quote(jira.url, safe="")
    assert answer.headers["WWW-Authenticate"].startswith(f'OAuth realm="{realm}", ')


def test_a_tampered_query_is_an_invalid_signature(jira: Sandbox, signed: OAuth1Session) -> None:
    """What was signed is what must arrive."""
    request = prepared(signed, jira.url + "/rest/api/2/search?jql=project%3DALPHA")
    request.url = str(request.url).replace("ALPHA", "OPS")
    assert problem(resent(request)) == "signature_invalid"


def test_a_signature_that_is_no_base64_is_invalid(jira: Sandbox, signed: OAuth1Session) -> None:
    """Rubbish in place of a signature is an answer, not a crash."""
    request = prepared(signed, jira.url + "/rest/api/2/myself")
    header = header_of(request)
    start = header.index('oauth_signature="')
    request.headers["Authorization"] = header[:start] + 'oauth_signature="x"'
    assert problem(resent(request)) == "signature_invalid"


def test_revocation_shows_on_the_next_call(jira: Sandbox, keys: Keys) -> None:
    """Item 7: a revoked token is `token_rejected`, as is one that never existed."""
    token = jira.grant(CONSUMER)
    with client(keys, resource_owner_key=token.token) as session:
        assert session.get(jira.url + "/rest/api/2/myself", timeout=TIMEOUT).ok
        jira.revoke(token.token)
        answer = session.get(jira.url + "/rest/api/2/myself", timeout=TIMEOUT)
    assert (answer.status_code, problem(answer)) == (401, "token_rejected")
    with pytest.raises(LookupError):
        jira.revoke(token.token)


def test_another_consumers_token_is_rejected(jira: Sandbox, keys: Keys) -> None:
    """A token belongs to the consumer that got it."""
    jira.register_consumer("other", keys.public_pem)
    token = jira.grant("other")
    with client(keys, resource_owner_key=token.token) as session:
        answer = session.get(jira.url + "/rest/api/2/myself", timeout=TIMEOUT)
    assert problem(answer) == "token_rejected"


def test_an_unknown_consumer_gets_no_request_token(jira: Sandbox, keys: Keys) -> None:
    """Item 4: `consumer_key_unknown`, with the servlet's own URL as realm."""
    auth = OAuth1("stranger", signature_method="RSA-SHA1", rsa_key=keys.private, callback_uri="oob")
    url = servlet(jira, "request-token")
    answer = requests.post(url, auth=auth, timeout=TIMEOUT)
    assert (answer.status_code, problem(answer)) == (401, "consumer_key_unknown")
    assert quote(url, safe="") in answer.headers["WWW-Authenticate"]


def test_hmac_is_not_an_acceptable_method(jira: Sandbox) -> None:
    """Item 2: Jira knows RSA-SHA1 only and says so with 400."""
    token = jira.grant(CONSUMER)
    auth = OAuth1(CONSUMER, "secret", resource_owner_key=token.token)
    answer = requests.get(jira.url + "/rest/api/2/myself", auth=auth, timeout=TIMEOUT)
    assert (answer.status_code, problem(answer)) == (400, "signature_method_rejected")
    assert parse_qs(answer.text)["oauth_acceptable_signature_methods"] == ["RSA-SHA1"]


@pytest.mark.parametrize(
    "name",
    [
        "oauth_consumer_key",
        "oauth_token",
        "oauth_signature_method",
        "oauth_signature",
        "oauth_timestamp",
        "oauth_nonce",
    ],
)
def test_a_missing_parameter_makes_the_request_anonymous(
    jira: Sandbox, signed: OAuth1Session, name: str
) -> None:
    """Item 6: Jira does not complain: it goes on as nobody."""
    request = prepared(signed, jira.url + "/rest/api/2/project")
    header = header_of(request)
    request.headers["Authorization"] = header.replace(name + "=", "x_" + name + "=")
    answer = resent(request)
    assert (answer.status_code, answer.json()) == (200, [])
    assert answer.headers["X-AUSERNAME"] == "anonymous"


def test_a_doubled_protocol_parameter_is_rejected(jira: Sandbox, signed: OAuth1Session) -> None:
    """Item 4: `parameter_rejected` names it."""
    request = prepared(signed, jira.url + "/rest/api/2/myself")
    request.url = f"{request.url}?oauth_nonce=2"
    answer = resent(request)
    assert (answer.status_code, problem(answer)) == (400, "parameter_rejected")
    assert parse_qs(answer.text)["oauth_parameters_rejected"] == ["oauth_nonce"]


def test_another_oauth_version_is_rejected(jira: Sandbox, signed: OAuth1Session) -> None:
    """Only 1.0 is spoken."""
    request = prepared(signed, jira.url + "/rest/api/2/myself")
    header = header_of(request)
    request.headers["Authorization"] = header.replace('version="1.0"', 'version="2.0"')
    answer = resent(request)
    assert (answer.status_code, problem(answer)) == (400, "version_rejected")


def test_a_consumer_key_is_taken_with_or_without_its_armour(jira: Sandbox, keys: Keys) -> None:
    """An application link takes bare base64 and a certificate too, and refuses what is no RSA public key."""
    bare = b"".join(keys.public_pem.splitlines()[1:-1])
    jira.register_consumer(CONSUMER, bare.decode())
    token = jira.grant(CONSUMER)
    with client(keys, resource_owner_key=token.token) as session:
        assert session.get(jira.url + "/rest/api/2/myself", timeout=TIMEOUT).ok
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "lake")])
    made = datetime(2026, 1, 1, tzinfo=timezone.utc)
    certificate = x509.CertificateBuilder(
        subject, subject, keys.private.public_key(), 1, made, made + timedelta(days=1)
    ).sign(keys.private, hashes.SHA256())
    jira.register_consumer("certified", certificate.public_bytes(Encoding.PEM))
    curve = ec.generate_private_key(ec.SECP256R1()).public_key()
    pem = curve.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for wrong in (pem, b"rubbish"):
        with pytest.raises(ValueError, match="public key"):
            jira.register_consumer(CONSUMER, wrong)
