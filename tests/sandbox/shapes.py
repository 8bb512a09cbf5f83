"""Faults by name: the answers that real Jira servers, their proxies and their networks were seen to give.

Statuses, headers and bodies are those of recorded answers and public reports; none of them is Jira's ordinary answer.
"""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - msgspec reads the types of a Struct when it runs
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Final

import msgspec
from werkzeug import Response

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.clock import Clock

_HTML: Final = "text/html;charset=UTF-8"
_JSON: Final = "application/json;charset=UTF-8"


class Shape(msgspec.Struct, frozen=True):
    """What is different about an answer; see `faults.Fault` for the parts."""

    status: int | None = None
    headers: Mapping[str, str] = {}
    body: Any = ""
    content_type: str | None = None
    delay: float = 0
    body_seconds: float = 0
    cut: bool = False
    truncated: bool = False
    dropped: bool = False

    def response(self) -> Response | None:
        """The answer instead of the real one, None where the real one stays: text as HTML, anything else as JSON."""
        if self.status is None:
            return None
        text = isinstance(self.body, str)
        body = self.body.encode() if text else msgspec.json.encode(self.body)
        mime = self.content_type or ("text/html" if text else "application/json")
        response = Response(body, self.status, content_type=mime)
        for name, value in self.headers.items():
            response.headers[name] = value
        return response


def page(title: str, text: str) -> str:
    """An HTML page as application servers and proxies put in the place of an answer."""
    return (
        f'<!doctype html><html lang="en"><head><title>{title}</title></head>'
        f"<body><h1>{title}</h1><p>{text}</p></body></html>"
    )


def _always(shape: Shape) -> Callable[[Clock], Shape]:
    return lambda _clock: shape


def _html(status: int, title: str, text: str, **headers: str) -> Callable[[Clock], Shape]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return _always(Shape(status, named, page(title, text), _HTML))


def _json(status: int, body: object, **headers: str) -> Callable[[Clock], Shape]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return _always(Shape(status, named, body, _JSON))


def _rate_limit_cloud(clock: Clock) -> Shape:
    """A reset time without seconds that has passed already: Cloud was seen to answer so."""
    passed = datetime.fromtimestamp(clock.now(), timezone.utc) - timedelta(minutes=25)
    headers = {
        "Retry-After": "1",
        "X-RateLimit-Reset": f"{passed:%Y-%m-%dT%H:%MZ}",
        "RateLimit-Reason": "jira-burst-based",
    }
    message = "The request has been rate-limited. Please try again later."
    return Shape(429, headers, {"errorMessages": [message], "errors": {}, "status": 429}, _JSON)


_TOO_MANY: Final = "Rate limit exceeded."
_REMOVED: Final = (
    "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API. A full migration guideline "
    "is available at https://developer.atlassian.com/changelog/#CHANGE-2046"
)
_LIMIT: Final = {
    "X_RateLimit_Limit": "5",
    "X_RateLimit_Remaining": "1",
    "X_RateLimit_FillRate": "5",
    "X_RateLimit_Interval_Seconds": "1",
}

SHAPES: Final[Mapping[str, Callable[[Clock], Shape]]] = {
    "rate-limit-html": _html(429, "HTTP Status 429", _TOO_MANY, **_LIMIT, Retry_After="0"),
    "rate-limit-json": _json(429, {"errorMessages": [_TOO_MANY], "errors": {}}, Retry_After="2"),
    "rate-limit-cloud": _rate_limit_cloud,
    "unavailable": _html(503, "Service Unavailable", "Jira is starting or being re-indexed."),
    "gateway-timeout": _html(504, "504 Gateway Time-out", "The upstream server did not answer."),
    "service-message": _json(503, {"errorMessage": "Service temporary unavailable"}),
    "internal-error": _json(500, {"errorMessages": ["Internal server error"], "errors": {}}),
    "window": _json(
        500,
        {
            "errorMessages": ["Search limit exceeded. Repeating the same search may not work."],
            "errors": {},
        },
    ),
    "unauthorised": _json(
        401,
        {"message": "Client must be authenticated to access this resource.", "status-code": 401},
        WWW_Authenticate='OAuth realm="https%3A%2F%2Fjira.example.com"',
    ),
    "scope": _json(401, {"code": 401, "message": "Unauthorized; scope does not match"}),
    "captcha": _html(
        403,
        "Forbidden (403)",
        "Basic Authentication Failure - Reason : AUTHENTICATION_DENIED",
        X_Seraph_LoginReason="AUTHENTICATION_DENIED",
        X_Authentication_Denied_Reason="CAPTCHA_CHALLENGE; login-url=https://jira.example.com/login.jsp",
    ),
    "not-found": _json(404, {"errorMessages": ["Issue Does Not Exist"], "errors": {}}),
    "bad-request-cloud": _json(
        400,
        {
            "errorMessages": ["The value 'ICC' does not exist for the field 'project'."],
            "warningMessages": [],
        },
    ),
    "bad-request-errors": _json(400, {"errors": {"jql": "is not valid"}}),
    "gone": _json(410, {"errorMessages": [_REMOVED], "errors": {}}),
    "login-page": _html(200, "Log in", "Log in to see this page."),
    "redirect": _html(302, "Found", "Moved.", Location="/login.jsp?os_destination=%2F"),
    "wrong-content-type": _always(Shape(content_type="text/plain")),
    "slow-first-byte": _always(Shape(delay=2)),
    "slow-body": _always(Shape(body_seconds=2)),
    "cut-connection": _always(Shape(dropped=True)),
    "cut-body": _always(Shape(cut=True)),
    "truncated-body": _always(Shape(truncated=True)),
}
"""By name, as `Sandbox.fault(path, shape=...)` takes it; the clock is for headers that name a time."""
