"""What an answer of Jira means: fine, wait and ask again, or an error and its advice. Pure."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import NoReturn

import msgspec

from tap_jira_oauth import advice
from tap_jira_oauth.answer import Answer, Wait, oauth_problem, words
from tap_jira_oauth.errors import (
    AccessError,
    AnswerError,
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    NotFoundError,
    SearchLimitError,
    TapError,
)
from tap_jira_oauth.rate_limit import retry_after

_FRESH_SIGNATURE_HELPS = frozenset({"nonce_used", "timestamp_refused"})
_TIMED_OUT_BEHIND_CDN = 524
_WORTH_WAITING = frozenset(
    {
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
        *range(520, _TIMED_OUT_BEHIND_CDN + 1),
    }
)
"""From 520 on: what Cloudflare says when the server behind it is unwell."""
_TOO_HEAVY = frozenset({HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT, _TIMED_OUT_BEHIND_CDN})
"""What a proxy says that did not get a whole answer in time."""

_SAID_TO_NOBODY = frozenset(
    {HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}
)
_BY_STATUS: dict[int, tuple[type[TapError], advice.Advice | None]] = {
    # Of the query; Jira's own words say why.
    HTTPStatus.BAD_REQUEST: (BadRequestError, None),
    HTTPStatus.UNAUTHORIZED: (AuthenticationError, advice.UNAUTHORIZED),
    HTTPStatus.FORBIDDEN: (AccessError, advice.FORBIDDEN),
    HTTPStatus.NOT_FOUND: (ConfigurationError, advice.NOT_FOUND),
    HTTPStatus.GONE: (ConfigurationError, advice.GONE),
}
_BLAMES_SIGHT = re.compile(
    r"does not exist for the field|cannot be viewed|does not exist or|Not able to sort using field"
)
_NOBODY = re.compile(r"AUTHENTICATED_FAILED|AUTHENTICATION_DENIED|AUTHORISATION_FAILED")


def judge(answer: Answer, *, anonymous: bool) -> Wait | None:
    """Return None for an answer to use, or how to wait before asking again.

    `anonymous` tells that nobody was meant to be signed in.

    Raises:
        TapError: the answer is final; the class says who has to act.
    """
    if answer.status == HTTPStatus.OK:
        _judge_success(answer, anonymous=anonymous)
        return Wait("an answer that ends early", 0, heavy=True) if is_cut(answer.body) else None
    problem = oauth_problem(answer)
    if problem in _FRESH_SIGNATURE_HELPS:
        return Wait(f"OAuth {problem}", 0, once=True)
    if answer.status == HTTPStatus.INTERNAL_SERVER_ERROR and "Search limit exceeded" in words(
        answer
    ):
        raise SearchLimitError(f"HTTP {answer.status}: {words(answer)} {advice.SEARCH_LIMIT}")
    if answer.status in _WORTH_WAITING and problem is None:
        heavy = answer.status in _TOO_HEAVY
        return Wait(f"HTTP {answer.status}", retry_after(answer), heavy=heavy)
    if problem is None and answer.status in _SAID_TO_NOBODY and not anonymous:
        _refuse_nobody(answer, f"HTTP {answer.status}: {words(answer)} ")
    return refuse(answer)


def is_cut(body: bytes) -> bool:
    """Tell whether a JSON object or array ends before its last bracket.

    A proxy that loses its server may send half an answer, with a length that is right for the half.
    One that is cut behind an inner bracket is found out by whoever decodes it.
    """
    text = body.strip()
    return text[:1] + text[-1:] not in (b"{}", b"[]")


def judge_token(answer: Answer) -> Wait | None:
    """Judge the answer of an OAuth 2.0 token endpoint: None for a grant, or how to wait.

    Cloud refuses a refresh token with 403, Data Center with 400 (RFC 6749); both are final.

    Raises:
        TapError: the answer is final.
    """
    if answer.status == HTTPStatus.OK:
        return None
    if answer.status in _WORTH_WAITING:
        return Wait(f"HTTP {answer.status}", retry_after(answer))
    error = _oauth2_error(answer)
    if answer.status == HTTPStatus.UNAUTHORIZED or error == "invalid_client":
        raise AuthenticationError(
            f"HTTP {answer.status} from the token endpoint: {advice.OAUTH2['invalid_client']}"
        )
    if answer.status == HTTPStatus.FORBIDDEN or error == "invalid_grant":
        raise AuthenticationError(
            f"HTTP {answer.status} ({error or 'no reason'}) from the token endpoint: "
            f"{advice.OAUTH2['invalid_grant']}"
        )
    return refuse(answer)


def _oauth2_error(answer: Answer) -> str:
    """Return the `error` of RFC 6749, section 5.2; empty where there is none."""
    try:
        found = msgspec.json.decode(answer.body)
    except msgspec.DecodeError:
        return ""
    error = found.get("error") if isinstance(found, dict) else None
    return error if isinstance(error, str) and re.fullmatch(r"[a-z_]{1,40}", error) else ""


def refuse(answer: Answer) -> NoReturn:
    """Raise the error that a final answer stands for.

    Raises:
        TapError: always.
    """
    problem = oauth_problem(answer)
    if problem is not None:
        reason = advice.OAUTH.get(problem, advice.UNKNOWN_PROBLEM)
        raise AuthenticationError(f"Jira refused the OAuth signature: {problem}. {reason}")
    kind, said = _final(answer)
    raise kind(f"HTTP {answer.status}: {said}")


def _final(answer: Answer) -> tuple[type[TapError], str]:
    """Return who has to act on a status, and what to say: Jira's own words where they help."""
    said = words(answer)
    status = answer.status
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        target = answer.headers.get("Location", "nowhere")
        return ConfigurationError, f"Jira redirects to {target}. {advice.REDIRECT}"
    if "CAPTCHA" in answer.headers.get("X-Authentication-Denied-Reason", ""):
        return AuthenticationError, str(advice.CAPTCHA)
    if status == HTTPStatus.UNAUTHORIZED and "scope does not match" in said:
        return AccessError, f"{said} {advice.SCOPE.remedy}"
    if status == HTTPStatus.BAD_REQUEST and _BLAMES_SIGHT.search(said):
        return AccessError, f"{said} {advice.INVISIBLE}"
    kind, reason = _BY_STATUS.get(status, (AnswerError, None))
    if status == HTTPStatus.NOT_FOUND and answer.is_json and b'"errorMessages"' in answer.body:
        kind = NotFoundError
    return kind, f"{said} {reason.remedy}" if reason else said


def _judge_success(answer: Answer, *, anonymous: bool) -> None:
    if not anonymous:
        _refuse_nobody(answer)
    if not answer.is_json:
        kind = answer.headers.get("Content-Type", "none")
        raise AnswerError(
            f"Jira answered with content type '{kind}' where JSON is due: {words(answer)} "
            f"{advice.NOT_JSON}"
        )


def _refuse_nobody(answer: Answer, said: str = "") -> None:
    """Refuse an answer that Jira gave to nobody in particular, whatever it says."""
    captcha = "CAPTCHA" in answer.headers.get("X-Authentication-Denied-Reason", "")
    nobody = answer.headers.get("X-AUSERNAME", "") == "anonymous"
    if not captcha and (nobody or _NOBODY.search(answer.headers.get("X-Seraph-LoginReason", ""))):
        raise AuthenticationError(f"{said}{advice.NOBODY}")
