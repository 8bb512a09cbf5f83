"""What an answer of Jira means: fine, wait and ask again, or an error and its advice. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
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
    ConfigurationError,
    TapError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

_FRESH_SIGNATURE_HELPS = frozenset({"nonce_used", "timestamp_refused"})
_WORTH_WAITING = frozenset(
    {
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)
_BY_STATUS: dict[int, tuple[type[TapError], advice.Advice]] = {
    HTTPStatus.UNAUTHORIZED: (AuthenticationError, advice.UNAUTHORIZED),
    HTTPStatus.FORBIDDEN: (AccessError, advice.FORBIDDEN),
    HTTPStatus.NOT_FOUND: (ConfigurationError, advice.NOT_FOUND),
    HTTPStatus.GONE: (AnswerError, advice.GONE),
}
_TAGS = re.compile(r"<[^>]*>")
_BLAMES_SIGHT = re.compile(r"does not exist for the field|cannot be viewed|does not exist or")


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
    """Ask again later: why, and how many seconds the server wants at least."""

    reason: str
    seconds: float
    once: bool = False


def judge(answer: Answer, *, anonymous: bool) -> Wait | None:
    """Return None for an answer to use, or how to wait before asking again.

    `anonymous` tells that nobody was meant to be signed in.

    Raises:
        TapError: the answer is final; the class says who has to act.
    """
    if answer.status == HTTPStatus.OK:
        _judge_success(answer, anonymous=anonymous)
        return None
    problem = oauth_problem(answer)
    if problem in _FRESH_SIGNATURE_HELPS:
        return Wait(f"OAuth {problem}", 0, once=True)
    if answer.status in _WORTH_WAITING and problem is None:
        return Wait(f"HTTP {answer.status}", retry_after(answer))
    return refuse(answer)


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
    if status == HTTPStatus.BAD_REQUEST and _BLAMES_SIGHT.search(said):
        return AccessError, f"{said} {advice.INVISIBLE}"
    kind, reason = _BY_STATUS.get(status, (AnswerError, None))
    return kind, f"{said} {reason.remedy}" if reason else said


def _judge_success(answer: Answer, *, anonymous: bool) -> None:
    user = answer.headers.get("X-AUSERNAME", "")
    reason = answer.headers.get("X-Seraph-LoginReason", "")
    denied = "AUTHENTICATED_FAILED" in reason or "AUTHENTICATION_DENIED" in reason
    if not anonymous and (user == "anonymous" or denied):
        raise AuthenticationError(str(advice.NOBODY))
    if not answer.is_json:
        kind = answer.headers.get("Content-Type", "none")
        raise AnswerError(
            f"Jira answered with content type '{kind}' where JSON is due: {words(answer)} "
            f"{advice.NOT_JSON}"
        )


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
    """Return the seconds that `Retry-After` asks for; 0 where it is absent, past or no number.

    Jira sends `Retry-After: 0` even with 429 (pycontribs/jira #1805), so 0 never means "at once".
    """
    text = answer.headers.get("Retry-After", "").strip()
    if re.fullmatch(r"\d+", text):
        return float(text)
    try:
        until = parsedate_to_datetime(text)
        now = parsedate_to_datetime(answer.headers["Date"])
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
