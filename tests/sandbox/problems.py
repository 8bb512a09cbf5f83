"""OAuth 1.0a refusals as Jira words them: `oauth_problem` in the body and in `WWW-Authenticate`.

Names and statuses are those of the OAuth problem reporting extension, as the Java library `net.oauth` answers them.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote, urlencode

from werkzeug import Response

_STATUS: Final = {
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
}


class OAuthProblemError(Exception):
    """The request is refused; `name` is the value of `oauth_problem`."""

    def __init__(self, name: str, **details: str) -> None:
        """`details` are the parameters that go with the problem, such as `oauth_acceptable_timestamps`."""
        super().__init__(name)
        self.name = name
        self.details = details

    @property
    def status(self) -> int:
        """The HTTP status of the answer."""
        return _STATUS[self.name]

    def response(self, realm: str) -> Response:
        """The answer; `realm` is the base URL of a resource, the request URL of a token servlet."""
        parts = {"oauth_problem": self.name, **self.details}
        shown = "".join(f', {name}="{quote(value, safe="")}"' for name, value in parts.items())
        answer = Response(urlencode(parts), self.status)
        answer.headers["Content-Type"] = "application/x-www-form-urlencoded;charset=UTF-8"
        answer.headers["WWW-Authenticate"] = challenge(realm) + shown
        return answer


def challenge(realm: str) -> str:
    """The `WWW-Authenticate` that every 401 of Jira carries."""
    return f'OAuth realm="{quote(realm, safe="")}"'
