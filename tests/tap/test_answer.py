"""What each kind of answer means, by the shapes that Jira and its gateways really send."""

from __future__ import annotations

import json

import pytest
from requests.structures import CaseInsensitiveDict

from tap_jira_oauth import advice
from tap_jira_oauth.answer import Answer, Wait, words
from tap_jira_oauth.errors import (
    AccessError,
    AnswerError,
    AuthenticationError,
    ConfigurationError,
    TapError,
)
from tap_jira_oauth.rate_limit import breather, retry_after
from tap_jira_oauth.verdict import judge, judge_token

pytestmark = pytest.mark.any_version


def answer(status: int, body: object = b"", **headers: str) -> Answer:
    """Build an answer; anything but bytes becomes JSON."""
    names = CaseInsensitiveDict({name.replace("_", "-"): text for name, text in headers.items()})
    if isinstance(body, bytes):
        return Answer(status, names, body)
    names.setdefault("Content-Type", "application/json;charset=UTF-8")
    return Answer(status, names, json.dumps(body).encode())


def test_json_for_the_signed_in_user_is_used() -> None:
    """A plain success asks for nothing; its Retry-After of 0 is no order."""
    good = answer(200, {}, X_AUSERNAME="mia", X_Seraph_LoginReason="OK", Retry_After="0")
    assert judge(good, anonymous=False) is None


@pytest.mark.parametrize(
    "headers",
    [
        {"X_AUSERNAME": "anonymous"},
        {"X_Seraph_LoginReason": "AUTHENTICATED_FAILED"},
        {"X_Seraph_LoginReason": "AUTHENTICATION_DENIED"},
        {"X_Seraph_LoginReason": "AUTHORISATION_FAILED"},
    ],
)
def test_an_answer_to_nobody_is_an_error_and_no_empty_success(headers: dict[str, str]) -> None:
    """Jira answers a bad sign-in with 200 and fewer issues; that must never pass."""
    with pytest.raises(AuthenticationError, match="nobody was signed in"):
        judge(answer(200, {"issues": []}, **headers), anonymous=False)
    assert judge(answer(200, {"issues": []}, **headers), anonymous=True) is None


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_refusal_to_nobody_is_about_the_sign_in(status: int) -> None:
    """Whatever it blames: a project, a field, a permission. Unless nobody was meant to be signed in."""
    said = {"errorMessages": ["The value 'X' does not exist for the field 'project'."]}
    refused = answer(status, said, X_AUSERNAME="anonymous")
    with pytest.raises(AuthenticationError, match=r"'X' does not exist.*nobody was signed in"):
        judge(refused, anonymous=False)
    with pytest.raises(TapError) as caught:
        judge(refused, anonymous=True)
    assert "nobody was signed in" not in str(caught.value)


@pytest.mark.parametrize(
    "said",
    [
        "The value 'X' does not exist for the field 'project'.",
        "Field 'issuetype' does not exist or this field cannot be viewed by anonymous users.",
        "Not able to sort using field 'priority'.",
    ],
)
def test_a_400_that_blames_the_query_may_be_about_the_sign_in(said: str) -> None:
    """Seen ones; an administrator or a sign-in helps, no other JQL."""
    with pytest.raises(AccessError, match="not signed in or has no permission"):
        judge(answer(400, {"errorMessages": [said], "errors": {}}), anonymous=False)


@pytest.mark.parametrize(
    ("given", "kind", "said"),
    [
        (
            answer(403, {"error": "unauthorized_client", "error_description": "is invalid"}),
            AuthenticationError,
            r"\(unauthorized_client\).*consent again",
        ),
        (answer(403, b"<p>no</p>"), AuthenticationError, "consent again"),
        (answer(400, {"error": "invalid_grant"}), AuthenticationError, "consent again"),
        (answer(401, {"error": "invalid_client"}), AuthenticationError, "'client_secret'"),
        (answer(400, {"error": "invalid_client"}), AuthenticationError, "'client_secret'"),
        (answer(400, {"error": "invalid_request"}), AnswerError, "HTTP 400"),
        (answer(404, b"<p>no</p>"), ConfigurationError, "context path"),
        (answer(302, Location="https://sso"), ConfigurationError, "redirects to https://sso"),
    ],
)
def test_a_token_endpoint_that_refuses_says_who_has_to_act(
    given: Answer, kind: type[TapError], said: str
) -> None:
    """403 comes from Cloud, 400 from Data Center."""
    with pytest.raises(kind, match=said):
        judge_token(given)


def test_a_busy_token_endpoint_is_worth_waiting_for() -> None:
    """And a grant is a grant."""
    assert judge_token(answer(429, b"", Retry_After="3")) == Wait("HTTP 429", 3)
    assert judge_token(answer(200, {"access_token": "x"})) is None


def test_a_page_of_a_login_form_is_an_error() -> None:
    """HTML with status 200 comes from proxies and login pages."""
    page = answer(200, b"<html><title>Log in</title></html>", Content_Type="text/html")
    with pytest.raises(AnswerError, match="text/html"):
        judge(page, anonymous=False)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 520, 522, 524])
def test_overload_is_waited_for(status: int) -> None:
    """The reason and the server's own wish go into the wait."""
    wait = judge(answer(status, b"<html>busy</html>", Retry_After="7"), anonymous=False)
    assert wait == Wait(f"HTTP {status}", 7, heavy=status in {502, 504, 524})


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7),
        ("0", 0),
        ("", 0),
        ("soon", 0),
        ("-5", 0),
        ("Wed, 21 Oct 2026 07:28:30 GMT", 30),
        ("Wed, 21 Oct 2020 07:28:30 GMT", 0),
    ],
)
def test_retry_after_is_seconds_or_a_date_by_the_servers_clock(header: str, seconds: float) -> None:
    """This machine's clock plays no part; nonsense and the past mean no wish."""
    now = "Wed, 21 Oct 2026 07:28:00 GMT"
    assert retry_after(answer(429, Retry_After=header, Date=now)) == seconds


@pytest.mark.parametrize(
    "problem", sorted(advice.OAUTH.keys() - {"nonce_used", "timestamp_refused"})
)
def test_an_oauth_problem_is_final_and_comes_with_advice(problem: str) -> None:
    """Also with 503, which Jira sends for a refused consumer or user."""
    refused = answer(
        503 if problem.endswith("_refused") else 401,
        f"oauth_problem={problem}&oauth_signature_base_string=GET%26secret".encode(),
        WWW_Authenticate=f'OAuth realm="https%3A%2F%2Fjira", oauth_problem="{problem}"',
    )
    with pytest.raises(AuthenticationError) as caught:
        judge(refused, anonymous=False)
    assert str(advice.OAUTH[problem]) in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("problem", ["nonce_used", "timestamp_refused"])
def test_a_stale_signature_is_worth_one_fresh_one(problem: str) -> None:
    """Both follow from a request that was sent late or twice."""
    waits = judge(answer(400, f"oauth_problem={problem}".encode()), anonymous=False)
    assert waits == Wait(f"OAuth {problem}", 0, once=True)


@pytest.mark.parametrize(
    ("given", "kind", "said"),
    [
        (answer(301, Location="https://jira/x"), ConfigurationError, "redirects to https://jira/x"),
        (answer(401, {"message": "No.", "status-code": 401}), AuthenticationError, "No."),
        (
            answer(
                403,
                b"<p>x</p>",
                X_Authentication_Denied_Reason="CAPTCHA_CHALLENGE; login-url=",
                X_Seraph_LoginReason="AUTHENTICATION_DENIED",
            ),
            AuthenticationError,
            "solve the CAPTCHA",
        ),
        (answer(403, {"errorMessages": ["Not you"]}), AccessError, "Not you."),
        (answer(404, {"errorMessages": ["Nothing"]}), ConfigurationError, "context path"),
        (
            answer(
                400, {"errorMessages": ["The value 'X' does not exist for the field 'project'."]}
            ),
            AccessError,
            "not signed in or has no permission",
        ),
        (answer(400, {"errors": {"jql": "bad"}}), AnswerError, "jql: bad."),
        (answer(410, {"errorMessages": ["removed"]}), ConfigurationError, "'auto' or 'cloud'"),
        (answer(413, {"errorMessages": ["too large"]}), AnswerError, "too large."),
    ],
)
def test_a_final_answer_says_who_has_to_act(given: Answer, kind: type[TapError], said: str) -> None:
    """By class, and with the server's own words."""
    with pytest.raises(kind) as caught:
        judge(given, anonymous=False)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            {"errorMessages": ["a", "b"], "errors": {"f": "c"}, "warningMessages": ["d"]},
            "a b d f: c.",
        ),
        ({"errorMessage": "late"}, "late."),
        ({"error_description": "gone!"}, "gone!"),
        ({"errors": ["x"]}, "x."),
        ([], "[]."),
        (b"<h1>Bad\n gateway</h1>", "Bad gateway."),
        (b"", "no explanation."),
    ],
)
def test_the_servers_words_are_found_in_every_shape(body: object, said: str) -> None:
    """Any key may be absent, empty or of another type; tags and line breaks go."""
    assert words(answer(500, body)) == said


def test_the_clock_of_an_answer_is_the_end_of_its_second() -> None:
    """An edit within the second of the Date header must not count as later than it."""
    assert answer(200, Date="Thu, 01 Jan 2026 00:00:00 GMT").clock == 1_767_225_600_999
    assert answer(200).clock is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry_After": "0", "X_RateLimit_Interval_Seconds": "30"}, 30),
        ({"X_RateLimit_Reset": "2026-01-01T00:00:45Z"}, 45),
        ({"X_RateLimit_Reset": "2025-12-31T23:00:00Z"}, 0),
        ({"Retry_After": "Thu, 01 Jan 2026 00:00:20 GMT"}, 20),
        ({"Retry_After": "999999999"}, 999_999_999),
        ({}, 0),
    ],
)
def test_a_rate_limit_is_waited_for_as_it_says(headers: dict[str, str], seconds: float) -> None:
    """Seconds, a date, Cloud's date of reset, Data Center's interval; by the server's own clock."""
    clock = {"Date": "Thu, 01 Jan 2026 00:00:00 GMT"}
    assert retry_after(answer(429, b"", **clock, **headers)) == seconds


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"X_RateLimit_Remaining": "0", "X_RateLimit_Interval_Seconds": "5"}, 5),
        ({"X_RateLimit_Remaining": "0", "X_RateLimit_Interval_Seconds": "3600"}, 60),
        ({"X_RateLimit_Remaining": "1", "X_RateLimit_Interval_Seconds": "5"}, 0),
        ({"X_RateLimit_Remaining": "0"}, 0),
        ({}, 0),
    ],
)
def test_the_last_request_that_a_rate_limit_allows_is_followed_by_a_rest(
    headers: dict[str, str], seconds: float
) -> None:
    """Until the next ones are due, but never for longer than a minute that nobody asked for."""
    assert breather(answer(200, b"{}", **headers)) == seconds
