"""What each kind of answer means, by the shapes that Jira and its gateways really send."""

from __future__ import annotations

import json

import pytest
from requests.structures import CaseInsensitiveDict

from tap_jira_oauth import advice
from tap_jira_oauth.answer import Answer, Wait, judge, retry_after, words
from tap_jira_oauth.errors import (
    AccessError,
    AnswerError,
    AuthenticationError,
    ConfigurationError,
    TapError,
)


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
    ],
)
def test_an_answer_to_nobody_is_an_error_and_no_empty_success(headers: dict[str, str]) -> None:
    """Jira answers a bad sign-in with 200 and fewer issues; that must never pass."""
    with pytest.raises(AuthenticationError, match="nobody was signed in"):
        judge(answer(200, {"issues": []}, **headers), anonymous=False)
    assert judge(answer(200, {"issues": []}, **headers), anonymous=True) is None


def test_a_page_of_a_login_form_is_an_error() -> None:
    """HTML with status 200 comes from proxies and login pages."""
    page = answer(200, b"<html><title>Log in</title></html>", Content_Type="text/html")
    with pytest.raises(AnswerError, match="text/html"):
        judge(page, anonymous=False)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_overload_is_waited_for(status: int) -> None:
    """The reason and the server's own wish go into the wait."""
    assert judge(answer(status, b"<html>busy</html>", Retry_After="7"), anonymous=False) == Wait(
        f"HTTP {status}", 7
    )


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
                403, b"<p>x</p>", X_Authentication_Denied_Reason="CAPTCHA_CHALLENGE; login-url="
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
            "no permission to see it",
        ),
        (answer(400, {"errors": {"jql": "bad"}}), AnswerError, "jql: bad."),
        (answer(410, {"errorMessages": ["removed"]}), AnswerError, "removed."),
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
