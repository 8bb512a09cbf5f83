"""What is hidden in a log, and what is not."""

from __future__ import annotations

import logging

import pytest

from tap_jira_oauth.redaction import HIDDEN, Redaction, guard

pytestmark = pytest.mark.any_version


@pytest.mark.parametrize(
    "secret",
    [
        'Authorization: OAuth oauth_consumer_key="lake", oauth_signature="SECRET"',
        "{'Authorization': 'Bearer SECRET-TOKEN'}",
        "b'Authorization: Basic SECRETSECRET=='",
        "oauth_problem=signature_invalid&oauth_signature=SECRET&oauth_signature_base_string=SECRET",
        "GET%26https%253A%252F%252Fjira%26SECRET",
        "POST&http%3A%2F%2Fjira&SECRET",
        '{"access_token": "SECRET", "refresh_token":"SECRET"}',
        "grant_type=refresh_token&refresh_token=SECRET&client_secret=SECRET",
        "-----BEGIN PRIVATE KEY-----\nSECRET\n-----END PRIVATE KEY-----",
        "-----BEGIN RSA PRIVATE KEY-----\nSECRET",
        "signed in as SECRET@mail.example.com",
    ],
)
def test_what_looks_like_a_secret_is_hidden(secret: str) -> None:
    """Without knowing its value."""
    shown = Redaction().hide(f"before {secret}\nafter")
    assert "SECRET" not in shown
    assert HIDDEN in shown
    assert shown.startswith("before ")


@pytest.mark.parametrize(
    "line",
    [
        "ABC: 60 issues in 2 pages, read up to 2026-01-02T03:04:05.678Z",
        "Set 'access_token' or credentials_store 'file'.",
        "GET /rest/api/2/search?jql=project%20%3D%2010001: HTTP 503; waiting 1.0 s",
        "The basic configuration is bearable.",
    ],
)
def test_what_people_need_to_read_stays(line: str) -> None:
    """Names of settings, addresses, times."""
    assert Redaction().hide(line) == line


def test_known_values_are_hidden_in_every_spelling() -> None:
    """In a URL, line by line, and the longer of two that share a beginning."""
    redaction = Redaction()
    redaction.learn("p/ss word", "line-one\nline-two", "abcd", "abcdefgh", None, "", "x")
    shown = redaction.hide("p/ss word p%2Fss%20word line-one line-two abcdefgh abcd x")
    assert shown == " ".join([HIDDEN] * 6 + ["x"])


def test_a_traceback_is_formatted_without_secrets() -> None:
    """The whole text of a record, and a handler is wrapped once."""
    redaction = Redaction()
    redaction.learn("SECRET")
    handler = logging.StreamHandler()
    guard([handler, handler], redaction)
    formatter = handler.formatter
    guard([handler], redaction)
    assert handler.formatter is formatter
    try:
        int("SECRET in an error")
    except ValueError as error:
        info = (type(error), error, error.__traceback__)
        record = logging.LogRecord("x", logging.ERROR, "x", 1, "SECRET %s", ("SECRET",), info)
    shown = handler.format(record)
    assert "SECRET" not in shown
    assert "Traceback" in shown
