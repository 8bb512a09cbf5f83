"""The WSGI application: which handler answers, who asks, and the headers that Jira puts on every answer."""

from __future__ import annotations

import itertools
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from werkzeug import Request, Response
from werkzeug.exceptions import HTTPException
from werkzeug.http import http_date
from werkzeug.routing import Map, Rule

from sandbox import faults
from sandbox.control import Control
from sandbox.problems import OAuthProblemError
from sandbox.rest import Asked, Rest, refusal, unauthorised
from sandbox.servlets import Servlets
from sandbox.signed import SignedMessage
from sandbox.users import Identity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    from sandbox.journal import LogEntry
    from sandbox.world import World

_API: Final = "/rest/api/<any('2',latest):version>"
_OAUTH: Final = "/plugins/servlet/oauth"
_RULES: Final = (
    Rule(f"{_OAUTH}/request-token", endpoint="request_token", methods=["GET", "POST"]),
    Rule(f"{_OAUTH}/authorize", endpoint="authorize", methods=["GET", "POST"]),
    Rule(f"{_OAUTH}/access-token", endpoint="access_token", methods=["GET", "POST"]),
    Rule(f"{_API}/serverInfo", endpoint="server_info", methods=["GET"]),
    Rule(f"{_API}/myself", endpoint="myself", methods=["GET"]),
    Rule(f"{_API}/project", endpoint="projects", methods=["GET"]),
    Rule(f"{_API}/project/<name>", endpoint="project", methods=["GET"]),
    Rule(f"{_API}/field", endpoint="fields", methods=["GET"]),
    Rule(f"{_API}/search", endpoint="search", methods=["GET", "POST"]),
    Rule(f"{_API}/issue/<name>", endpoint="issue", methods=["GET"]),
)
_CONTROL: Final = "/_sandbox/"
_RATE: Final = {
    "X-RateLimit-Limit": "70",
    "X-RateLimit-Remaining": "69",
    "X-RateLimit-Interval-Seconds": "1",
} | {
    "X-RateLimit-FillRate": "70",
    "Retry-After": "0",
}


@dataclass
class Application:
    """One WSGI callable; `context_path` is `/jira` or empty."""

    world: World
    rest: Rest
    context_path: str
    _node: str = "sandbox-1"
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        """Build what is looked up on every request."""
        rules = [rule.empty() for rule in _RULES]
        self._urls = Map(rules, strict_slashes=False, merge_slashes=False)
        servlets = Servlets(self.world.provider, self.world.directory)
        self._servlets: dict[str, Callable[[Request], Response]] = {
            "request_token": servlets.request_token,
            "authorize": servlets.authorize,
            "access_token": servlets.access_token,
        }
        self._resources: dict[str, Callable[..., Response]] = {
            "server_info": self.rest.server_info,
            "myself": self.rest.myself,
            "projects": self.rest.projects,
            "project": self.rest.project,
            "fields": self.rest.fields,
            "search": self.rest.search,
            "issue": self.rest.issue,
        }
        self._control = Control(self.world)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """WSGI."""
        response = self._answer(Request(environ))
        return response(environ, start_response)

    def _answer(self, request: Request) -> Response:
        below = request.path.removeprefix(self.context_path)
        if not request.path.startswith(self.context_path + "/"):
            return Response(f"Nothing here: this Jira lives under {self.context_path}/", 404)
        if below.startswith(_CONTROL):
            return self._control.answer(request, below.removeprefix(_CONTROL))
        entry = self.world.journal.open(request, below)
        fault = self.world.faults.take(below)
        response = fault.answer() if fault else None
        if response is None:
            response = self._real_answer(request, below, entry)
        entry.status = response.status_code
        response.headers["Date"] = http_date(self.world.clock.now())
        return faults.cut(response) if fault and fault.cut else response

    def _real_answer(self, request: Request, below: str, entry: LogEntry) -> Response:
        base = request.host_url.rstrip("/") + self.context_path
        resource = below.startswith("/rest/")
        try:
            identity = self._identity(request) if resource else self.world.directory.identify(None)
            entry.user, entry.auth = identity.user.name, identity.scheme
            response = self._route(Asked(request, identity, base), below)
        except OAuthProblemError as problem:
            return problem.response(base if resource else request.base_url)
        if resource:
            self._decorate(response, request, identity, below)
        return response

    def _identity(self, request: Request) -> Identity:
        user = self.world.provider.authenticate(SignedMessage.of(request))
        return (
            Identity(user, "oauth1")
            if user
            else self.world.directory.identify(request.authorization)
        )

    def _route(self, asked: Asked, below: str) -> Response:
        request = asked.request
        if self.world.replay is not None and below.startswith("/rest/"):
            if asked.identity.anonymous:
                return unauthorised(asked.base)
            return self.world.replay.answer(request.method, below, request.args.items(multi=True))
        try:
            endpoint, args = self._urls.bind(request.host).match(below, method=request.method)
        except HTTPException as error:
            return refusal(error.code or 404, f"null for uri: {request.base_url}")
        if endpoint in self._servlets:
            return self._servlets[endpoint](request)
        return self._resources[endpoint](asked, *(args[name] for name in args if name != "version"))

    def _decorate(
        self, response: Response, request: Request, identity: Identity, below: str
    ) -> None:
        """The headers of Jira's own filters; rate limits show on authenticated answers, not on `serverInfo`."""
        headers = response.headers
        headers.setdefault(
            "X-AREQUESTID", f"{int(self.world.clock.now()) // 60 % 1440}x{next(self._numbers)}x1"
        )
        headers.setdefault("X-ANODEID", self._node)
        headers["X-AUSERNAME"] = identity.user.name
        headers.setdefault("Cache-Control", "no-cache, no-store, no-transform")
        if identity.failed:
            headers["X-Seraph-LoginReason"] = "AUTHENTICATED_FAILED"
        elif not identity.anonymous:
            headers["X-Seraph-LoginReason"] = "OK"
            if not below.endswith("/serverInfo"):
                for name, value in _RATE.items():
                    headers.setdefault(name, value)
        if "JSESSIONID" not in request.cookies:
            path = self.context_path or "/"
            response.set_cookie(
                "JSESSIONID", secrets.token_hex(16).upper(), path=path, httponly=True
            )
