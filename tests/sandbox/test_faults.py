"""Faults by name, faults of the connection, rate limits that bite, and what the request log says."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
import requests

from sandbox import Clock, Corpus, RateLimit, Sandbox, shapes
from sandbox.test_life import START, Hand

if TYPE_CHECKING:
    from collections.abc import Iterator

    from requests_oauthlib import OAuth1Session

TIMEOUT = 10
FIELD = "/rest/api/2/field"
BEARER = {"Authorization": "Bearer sandbox-token"}


def ask(jira: Sandbox, path: str = FIELD) -> requests.Response:
    """A GET by personal token that follows no redirect."""
    return requests.get(jira.url + path, headers=BEARER, timeout=TIMEOUT, allow_redirects=False)


@pytest.fixture
def small() -> Iterator[Sandbox]:
    """Five issues under a clock that stands still."""
    with Sandbox(corpus=Corpus.generate(seed=7, issues=5), clock=Clock(source=Hand())) as jira:
        yield jira


HTML = "text/html;charset=UTF-8"
JSON = "application/json;charset=UTF-8"


@pytest.mark.parametrize(
    ("shape", "status", "content_type", "text"),
    [
        ("bad-request-cloud", 400, JSON, '"warningMessages":[]'),
        ("bad-request-errors", 400, JSON, '{"errors":{"jql":"is not valid"}}'),
        ("unauthorised", 401, JSON, '"status-code":401'),
        ("scope", 401, JSON, '{"code":401,"message":"Unauthorized; scope does not match"}'),
        ("captcha", 403, HTML, "AUTHENTICATION_DENIED"),
        ("not-found", 404, JSON, '{"errorMessages":["Issue Does Not Exist"],"errors":{}}'),
        ("gone", 410, JSON, "CHANGE-2046"),
        ("rate-limit-html", 429, HTML, "Rate limit exceeded."),
        ("rate-limit-json", 429, JSON, "Rate limit exceeded."),
        ("rate-limit-cloud", 429, JSON, '"status":429'),
        ("internal-error", 500, JSON, "Internal server error"),
        ("window", 500, JSON, "Search limit exceeded"),
        ("unavailable", 503, HTML, "Service Unavailable"),
        ("service-message", 503, JSON, '{"errorMessage":"Service temporary unavailable"}'),
        ("gateway-timeout", 504, HTML, "Gateway Time-out"),
        ("login-page", 200, HTML, "Log in"),
        ("redirect", 302, HTML, "Moved"),
    ],
)
def test_every_error_shape_can_be_ordered(
    small: Sandbox, shape: str, status: int, content_type: str, text: str
) -> None:
    """Item 16: the recorded status, type and body come once, then the truth again."""
    small.fault(FIELD, shape=shape)
    answer = ask(small)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, content_type)
    assert text in answer.text
    assert ask(small).status_code == 200


def test_the_shapes_of_429_carry_their_headers(small: Sandbox) -> None:
    """Item 14: HTML with `Retry-After: 0` and something left, JSON with seconds, Cloud with a reset in the past."""
    for shape in ("rate-limit-html", "rate-limit-json", "rate-limit-cloud"):
        small.fault(FIELD, shape=shape)
    html, seconds, cloud = (ask(small).headers for _ in range(3))
    assert (html["Retry-After"], html["X-RateLimit-Remaining"]) == ("0", "1")
    assert seconds["Retry-After"] == "2"
    assert (cloud["Retry-After"], cloud["RateLimit-Reason"]) == ("1", "jira-burst-based")
    reset = time.strptime(cloud["X-RateLimit-Reset"], "%Y-%m-%dT%H:%MZ")
    assert time.mktime(reset) - time.timezone < START - 60


def test_the_other_headers_of_shapes(small: Sandbox) -> None:
    """Item 16: the CAPTCHA says where to log in, a redirect where to go, a 401 whom it believes in."""
    for shape in ("captcha", "redirect", "unauthorised"):
        small.fault(FIELD, shape=shape)
    captcha, redirect, denied = (ask(small).headers for _ in range(3))
    assert captcha["X-Seraph-LoginReason"] == "AUTHENTICATION_DENIED"
    assert captcha["X-Authentication-Denied-Reason"].startswith("CAPTCHA_CHALLENGE; login-url=")
    assert "/login.jsp" in redirect["Location"]
    assert denied["WWW-Authenticate"].startswith("OAuth realm=")


def test_a_wrong_content_type_leaves_the_body(small: Sandbox) -> None:
    """The true answer comes under a false name."""
    small.fault(FIELD, shape="wrong-content-type")
    answer = ask(small)
    assert answer.headers["Content-Type"] == "text/plain"
    assert json.loads(answer.content) == ask(small).json()


@pytest.mark.parametrize("shape", ["slow-first-byte", "slow-body"])
def test_an_answer_may_be_slow(small: Sandbox, shape: str) -> None:
    """The whole answer comes, late from the start or in pieces."""
    small.fault(FIELD, shape=shape)
    began = time.monotonic()
    with requests.get(small.url + FIELD, headers=BEARER, timeout=TIMEOUT, stream=True) as answer:
        headers_after = time.monotonic() - began
        body = answer.json()
    took = time.monotonic() - began
    assert took > 1.5
    assert (headers_after > 1.5) == (shape == "slow-first-byte")
    assert body == ask(small).json()


def test_a_connection_may_end_without_an_answer(small: Sandbox) -> None:
    """No status line at all; the next request is answered, and the log has no status for the first."""
    small.fault(FIELD, shape="cut-connection")
    with pytest.raises(requests.ConnectionError):
        ask(small)
    assert ask(small).status_code == 200
    assert [entry.status for entry in small.requests] == [None, 200]


def test_a_body_may_be_cut_short_with_a_length_that_agrees(small: Sandbox) -> None:
    """HTTP finds nothing wrong; only the JSON is broken."""
    small.fault(FIELD, shape="truncated-body")
    short, whole = ask(small), ask(small)
    assert short.content == whole.content[: len(short.content)]
    assert int(short.headers["Content-Length"]) == len(short.content) < len(whole.content)
    with pytest.raises(json.JSONDecodeError):
        json.loads(short.content)


def test_faults_come_after_so_many_requests(small: Sandbox) -> None:
    """`skip` lets the first ones pass; over HTTP too, and an unknown name is refused with the names there are."""
    order = {"path_prefix": FIELD, "shape": "unavailable", "count": 2, "skip": 1}
    url = small.url + "/_sandbox/fault"
    assert requests.post(url, json=order, timeout=TIMEOUT).status_code == 200
    assert [ask(small).status_code for _ in range(4)] == [200, 503, 503, 200]
    wrong = requests.post(url, json={**order, "shape": "nope"}, timeout=TIMEOUT)
    assert wrong.status_code == 400
    assert all(name in wrong.json()["error"] for name in shapes.SHAPES)


def test_a_rate_limit_that_bites(keys: Any) -> None:
    """Item 14: the bucket empties with each request, refuses with an HTML page, and fills with the clock, a user each."""
    del keys
    hand = Hand()
    limit = RateLimit(limit=3, fill=1, interval=2, bites=True)
    corpus = Corpus.generate(seed=7, issues=5)
    with Sandbox(corpus=corpus, clock=Clock(source=hand), rate_limit=limit) as jira:
        answers = [ask(jira) for _ in range(4)]
        anonymous = requests.get(jira.url + FIELD, timeout=TIMEOUT)
        free = ask(jira, "/rest/api/2/serverInfo")
        hand.seconds += 2
        later = [ask(jira).status_code for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["2", "1", "0", "0"]
    assert [answer.headers["Retry-After"] for answer in answers] == ["0", "0", "0", "2"]
    assert answers[3].headers["Content-Type"] == HTML
    assert "X-RateLimit-Limit" not in anonymous.headers
    assert "X-RateLimit-Limit" not in free.headers
    assert later == [200, 429]


def test_rate_limits_show_on_every_answer_and_as_exempt() -> None:
    """Item 14: `Retry-After: 0` on 200 and 404 alike; users who are exempt see -1 and the greatest long integer."""
    corpus = Corpus.generate(seed=7, issues=5)
    with Sandbox(corpus=corpus, rate_limit=RateLimit(exempt=True)) as jira:
        answers = [ask(jira), ask(jira, "/rest/api/2/issue/NO-1")]
    assert [answer.status_code for answer in answers] == [200, 404]
    for answer in answers:
        headers = answer.headers
        assert headers["X-RateLimit-Limit"] == headers["X-RateLimit-FillRate"] == "-1"
        assert headers["X-RateLimit-Remaining"] == str(2**63 - 1)
        assert (headers["X-RateLimit-Interval-Seconds"], headers["Retry-After"]) == ("1", "0")
    with pytest.raises(ValueError, match="at least 1"):
        RateLimit(fill=0)


def test_cloud_refuses_in_json_with_seconds() -> None:
    """Item 14: nothing shows until the bucket is empty; then JSON with `Retry-After` and a reset time in the past."""
    limit = RateLimit(limit=1, fill=1, interval=30, bites=True)
    corpus = Corpus.generate(seed=7, issues=5)
    with Sandbox(
        corpus=corpus, flavor="cloud", clock=Clock(source=Hand()), rate_limit=limit
    ) as jira:
        url = jira.url + "/rest/api/3/field"
        answers = [requests.get(url, auth=("sandbox",) * 2, timeout=TIMEOUT) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 429]
    assert "Retry-After" not in answers[0].headers
    assert answers[1].headers["Retry-After"] == "30"
    assert answers[1].json()["status"] == 429


def test_the_log_tells_one_request_from_another(jira: Sandbox, signed: OAuth1Session) -> None:
    """Number, node, nonce, position, user, status and duration of each request, here and over HTTP."""
    url = jira.url + "/rest/api/2/search"
    for start in range(2):
        signed.get(url, params={"jql": "id = 10000", "startAt": str(start)}, timeout=TIMEOUT)
    ask(jira)
    first, second, third = jira.requests
    assert [entry.number for entry in jira.requests] == [1, 2, 3]
    assert first.nonce
    assert second.nonce
    assert first.nonce != second.nonce
    assert third.nonce is None
    assert (second.jql, second.start_at, second.user, second.status) == (
        "id = 10000",
        1,
        "sandbox",
        200,
    )
    assert all(entry.duration is not None and 0 <= entry.duration < 5 for entry in jira.requests)
    assert {entry.in_flight for entry in jira.requests} == {1}
    log = requests.get(jira.url + "/_sandbox/requests", timeout=TIMEOUT).json()
    assert [entry["nonce"] for entry in log] == [first.nonce, second.nonce, None]
    assert log == json.loads(json.dumps([entry.body() for entry in jira.requests]))


def test_the_log_counts_requests_in_flight(small: Sandbox) -> None:
    """Requests that are answered at the same time see each other; a search by token logs the token."""
    together = threading.Barrier(4, timeout=TIMEOUT)
    small.before_request.append(lambda _entry: together.wait())
    threads = [threading.Thread(target=ask, args=(small,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(TIMEOUT)
    assert sorted(entry.in_flight for entry in small.requests) == [1, 2, 3, 4]
    small.before_request.clear()
    ask(small, "/rest/api/2/search/jql?nextPageToken=abc")
    assert (small.requests[-1].page_token, small.requests[-1].in_flight) == ("abc", 1)
