"""What an answer of Jira means: fine, wait and ask again, or an error and its advice. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import parse_qs

import msgspec

from tap_jira_oauth import advice
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

if TYPE_CHECKING:
    from collections.abc import Mapping

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
_TAGS = re.compile(r"<[^>]*>")
_BLAMES_SIGHT = re.compile(
    r"does not exist for the field|cannot be viewed|does not exist or|Not able to sort using field"
)
_NOBODY = re.compile(r"AUTHENTICATED_FAILED|AUTHENTICATION_DENIED|AUTHORISATION_FAILED")


@dataclass(frozen=True)
class Answer:
    """One HTTP answer, as far as anybody looks at it. Header names are case-insensitive."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_json(self) -> bool:
        """Tell whether the server says that the body is JSON."""
        return "json" in self.headers.get("Content-Type", "").lower()

    @property
    def clock(self) -> int | None:
        """The last millisecond of the second in its `Date` header, in epoch ms; None without."""
        try:
            moment = parsedate_to_datetime(self.headers["Date"])
        except (KeyError, TypeError, ValueError):
            return None
        return int(moment.timestamp()) * 1000 + 999


@dataclass(frozen=True)
class Wait:
    """Ask again later: why, and how many seconds the server wants at least.

    `once` tells that one more try will show, `heavy` that a smaller question may be answered.
    """

    reason: str
    seconds: float
    once: bool = False
    heavy: bool = False


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


def oauth_problem(answer: Answer) -> str | None:
    """Return the `oauth_problem` of an answer, from its header or its form-encoded body."""
    match = re.search(r'oauth_problem="?([a-z_]+)', answer.headers.get("WWW-Authenticate", ""))
    if match:
        return match.group(1)
    if answer.status >= HTTPStatus.BAD_REQUEST and answer.body.startswith(b"oauth_"):
        problems = parse_qs(answer.body.decode("latin-1")).get("oauth_problem")
        return problems[0] if problems else None
    return None


def retry_after(answer: Answer) -> float:
    """Return the seconds that the server wants us to wait; 0 where it does not say, or in the past.

    `Retry-After` holds seconds or a date, `X-RateLimit-Reset` (Cloud) a date, and Data Center
    tells with `X-RateLimit-Interval-Seconds` when the next tokens come. Jira sends
    `Retry-After: 0` even with 429 (pycontribs/jira #1805), so 0 never means "at once".
    """
    for name in ("Retry-After", "X-RateLimit-Reset"):
        if (seconds := _until(answer, answer.headers.get(name, "").strip())) > 0:
            return seconds
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        return _number(answer, "X-RateLimit-Interval-Seconds")
    return 0.0


def breather(answer: Answer) -> float:
    """Return how long to let Jira rest after a good answer that was the last one allowed for now.

    Data Center's rate limit fills a bucket with `X-RateLimit-FillRate` tokens every
    `X-RateLimit-Interval-Seconds`; Cloud tells when the quota begins anew.
    """
    if answer.headers.get("X-RateLimit-Remaining", "").strip() == "0":
        interval = _number(answer, "X-RateLimit-Interval-Seconds")
        return min(interval or retry_after(answer), LONGEST_BREATHER)
    return 0.0


def near_limit(answer: Answer) -> bool:
    """Tell whether Cloud warns that less than a fifth of what it allows is left.

    Source: Atlassian, "Rate limiting" of the Jira Cloud platform, header `X-RateLimit-NearLimit`.
    """
    return answer.headers.get("X-RateLimit-NearLimit", "").strip().lower() == "true"


LONGEST_BREATHER = 60.0
"""Seconds; a rest that nobody asked for is not longer."""


def _number(answer: Answer, name: str) -> float:
    text = answer.headers.get(name, "").strip()
    return float(text) if re.fullmatch(r"\d{1,9}(\.\d+)?", text) else 0.0


def _until(answer: Answer, text: str) -> float:
    """Return the seconds until a moment in a header, by the server's own clock."""
    if re.fullmatch(r"\d+", text):
        return float(text)
    try:
        now = parsedate_to_datetime(answer.headers["Date"])
        if re.match(r"\d{4}-", text):
            until = datetime.fromisoformat(re.sub(r"[zZ]$", "+00:00", text))
        else:
            until = parsedate_to_datetime(text)
        return max(0.0, (until - now).total_seconds())
    except (KeyError, TypeError, ValueError):
        return 0.0


def words(answer: Answer) -> str:
    """Return what the server said, as one short line, from any of the shapes that Jira uses."""
    said: list[str] = []
    if answer.is_json:
        try:
            said = _texts(msgspec.json.decode(answer.body))
        except msgspec.DecodeError:
            said = []
    if not said:
        said = [_TAGS.sub(" ", answer.body[:2000].decode("utf-8", "replace"))]
    line = " ".join(" ".join(said).split())[:300] or "no explanation"
    return line if line.endswith((".", "!", "?")) else f"{line}."


def _texts(body: Any) -> list[str]:
    """Collect the texts of the seven shapes in which Jira and its gateways explain an error."""
    if not isinstance(body, dict):
        return []
    texts: list[str] = []
    for key in ("errorMessages", "warningMessages", "errors"):
        value = body.get(key)
        if isinstance(value, dict):
            texts += [f"{name}: {text}" for name, text in value.items()]
        elif isinstance(value, list):
            texts += [str(text) for text in value]
    for key in ("message", "errorMessage", "error_description"):
        if isinstance(body.get(key), str):
            texts.append(body[key])
    return texts
