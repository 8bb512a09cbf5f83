"""Refused sign-ins as Jira words them: OAuth 1.0a's `oauth_problem` in the body and in `WWW-Authenticate`, and CAPTCHA.

Names and statuses are those of the OAuth problem reporting extension, as the Java library `net.oauth` answers them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Final
from urllib.parse import quote, urlencode

from werkzeug import Response

STATUS: Final = {
    "version_rejected": 400,
    "parameter_absent": 400,
    "parameter_rejected": 400,
    "timestamp_refused": 400,
    "signature_method_rejected": 400,
    "nonce_used": 401,
    "token_rejected": 401,
    "token_expired": 401,
    "signature_invalid": 401,
    "consumer_key_unknown": 401,
    "permission_unknown": 401,
    "permission_denied": 401,
    "consumer_key_refused": 503,
    "user_refused": 503,
}
_OTHER: Final = 403
"""The status of a problem outside the extension's table, such as a user who is gone."""

_CAPTCHA_PAGE: Final = """<!DOCTYPE html>
<html lang="en"><head><title>Forbidden (403)</title></head>
<body><h1>Forbidden (403)</h1>
<p>Encountered a "403 - Forbidden" error while loading this page.</p>
<p>Basic Authentication Failure - Reason : AUTHENTICATION_DENIED</p></body></html>
"""


class RefusedError(Exception, ABC):
    """A request goes no further, because of who asks or how."""

    @abstractmethod
    def response(self, realm: str) -> Response:
        """The answer; `realm` is the base URL of a resource, the request URL of a token servlet."""


class OAuthProblemError(RefusedError):
    """The request is refused; `name` is the value of `oauth_problem`."""

    def __init__(self, name: str, **details: str) -> None:
        """`details` are the parameters that go with the problem, such as `oauth_acceptable_timestamps`."""
        super().__init__(name)
        self.name = name
        self.details = details

    @property
    def status(self) -> int:
        """The HTTP status of the answer."""
        return STATUS.get(self.name, _OTHER)

    def response(self, realm: str) -> Response:
        """The answer; `realm` is the base URL of a resource, the request URL of a token servlet."""
        parts = {"oauth_problem": self.name, **self.details}
        shown = "".join(f', {name}="{quote(value, safe="")}"' for name, value in parts.items())
        answer = Response(urlencode(parts), self.status)
        answer.headers["Content-Type"] = "application/x-www-form-urlencoded;charset=UTF-8"
        answer.headers["WWW-Authenticate"] = challenge(realm) + shown
        return answer


class CaptchaError(RefusedError):
    """Too many wrong passwords: only the login page, with its CAPTCHA, lets this user in again."""

    def response(self, realm: str) -> Response:
        """403 as an HTML page; `realm` is Jira's base URL."""
        answer = Response(_CAPTCHA_PAGE, 403, content_type="text/html;charset=UTF-8")
        answer.headers["WWW-Authenticate"] = challenge(realm)
        answer.headers["X-Seraph-LoginReason"] = "AUTHENTICATION_DENIED"
        answer.headers["X-Authentication-Denied-Reason"] = (
            f"CAPTCHA_CHALLENGE; login-url={realm}/login.jsp"
        )
        return answer


def challenge(realm: str) -> str:
    """The `WWW-Authenticate` that every 401 of Jira carries."""
    return f'OAuth realm="{quote(realm, safe="")}"'
