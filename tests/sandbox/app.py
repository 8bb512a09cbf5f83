"""The WSGI application: which handler answers, who asks, and the headers that Jira puts on every answer."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from werkzeug import Request, Response
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.http import http_date
from werkzeug.routing import Map, Rule

from sandbox.agile import RULES as AGILE_RULES
from sandbox.agile import Agile
from sandbox.asked import Asked
from sandbox.audit import RULES as AUDIT_RULES
from sandbox.audit import Audit
from sandbox.cloud_search import RULES as CLOUD_SEARCH_RULES
from sandbox.cloud_search import CloudSearch
from sandbox.control import Control
from sandbox.headers import Headers
from sandbox.issue_resources import RULES as ISSUE_RULES
from sandbox.issue_resources import IssueResources
from sandbox.limits import Limiter
from sandbox.listings import RULES as LISTING_RULES
from sandbox.listings import Listings
from sandbox.nodes import Nodes
from sandbox.oauth2_web import RULES as OAUTH2_RULES
from sandbox.oauth2_web import OAuth2Web
from sandbox.problems import RefusedError
from sandbox.resources import RULES as REFERENCE_RULES
from sandbox.resources import Resources
from sandbox.rest import JSON, Rest, nowhere, unauthorised
from sandbox.servlets import Servlets
from sandbox.shapes import page
from sandbox.sign_in import asks_jira, base_url, of_another_host, through_gateway

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    from sandbox.journal import LogEntry
    from sandbox.users import Identity
    from sandbox.world import World

_API: Final = "/rest/api/<any('2','3',latest):version>"
_OAUTH: Final = "/plugins/servlet/oauth"
_RULES: Final = (
    Rule(f"{_OAUTH}/request-token", endpoint="request_token", methods=["GET", "POST"]),
    Rule(f"{_OAUTH}/authorize", endpoint="authorize", methods=["GET", "POST"]),
    Rule(f"{_OAUTH}/access-token", endpoint="access_token", methods=["GET", "POST"]),
    Rule(f"{_OAUTH}/users/access-tokens", endpoint="access_tokens", methods=["GET", "POST"]),
    *OAUTH2_RULES,
    Rule(f"{_API}/serverInfo", endpoint="server_info", methods=["GET"]),
    Rule(f"{_API}/myself", endpoint="myself", methods=["GET"]),
    Rule(f"{_API}/project", endpoint="projects", methods=["GET"]),
    Rule(f"{_API}/project/<name>", endpoint="project", methods=["GET"]),
    Rule(f"{_API}/field", endpoint="fields", methods=["GET"]),
    Rule(f"{_API}/search", endpoint="search", methods=["GET", "POST"]),
    Rule(f"{_API}/issue/<name>", endpoint="issue", methods=["GET"]),
    Rule(f"{_API}/issue/bulkfetch", endpoint="issue/bulk", methods=["POST"]),
    *REFERENCE_RULES,
    *LISTING_RULES,
    *ISSUE_RULES,
    *AGILE_RULES,
    *AUDIT_RULES,
    *CLOUD_SEARCH_RULES,
)
_CONTROL: Final = "/_sandbox/"


@dataclass
class Application:
    """One WSGI callable; `context_path` is `/jira` or empty, `scheme` what clients speak."""

    world: World
    rest: Rest
    context_path: str
    seed: int = 0
    scheme: str = "http"

    def __post_init__(self) -> None:
        """Build what is looked up on every request."""
        rules = [rule.empty() for rule in _RULES]
        self._urls = Map(rules, strict_slashes=False, merge_slashes=False)
        servlets = Servlets(self.world.provider, self.world.directory)
        self._servlets: dict[str, Callable[[Request], Response]] = {
            "request_token": servlets.request_token,
            "authorize": servlets.authorize,
            "access_token": servlets.access_token,
            "access_tokens": servlets.access_tokens,
        }
        signing = self.world.sign_in
        web = OAuth2Web(signing.data_center, signing.cloud, signing.directory, self.context_path)
        self._servlets |= web.endpoints()
        self._resources: dict[str, Callable[..., Response]] = {
            "server_info": self.rest.server_info,
            "myself": self.rest.myself,
            "projects": self.rest.projects,
            "project": self.rest.project,
            "fields": self.rest.fields,
            "search": self.rest.search,
            "issue": self.rest.issue,
            "issue/bulk": self.rest.bulk_issues,
        }
        self._resources |= Resources(self.rest, self.world.cloud).endpoints()
        self._resources |= Listings(self.rest, self.world.cloud).endpoints()
        self._resources |= IssueResources(self.rest, self.world.cloud).endpoints()
        self._resources |= Agile(self.rest, self.world.cloud).endpoints()
        self._resources |= Audit(self.rest, self.world.audit).endpoints()
        if self.world.cloud:
            self._resources |= CloudSearch(self.rest, self.seed).endpoints()
        self._control = Control(self.world)
        world = self.world
        self._nodes = Nodes(world.index.nodes)
        self._headers = Headers(world.clock, self._nodes, self.context_path or "/", world.cloud)
        self._limits = Limiter(world.rate_limit, world.clock, world.cloud)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """WSGI."""
        environ["wsgi.url_scheme"] = self.scheme
        response = self._answer(Request(through_gateway(environ, self.context_path)))
        return response(environ, start_response)

    def _answer(self, request: Request) -> Response:
        foreign = of_another_host(request.path)
        outside = not foreign and not request.path.startswith(self.context_path + "/")
        below = request.path if foreign or outside else request.path.removeprefix(self.context_path)
        if not outside and below.startswith(_CONTROL):
            return self._control.answer(request, below.removeprefix(_CONTROL))
        node = self._nodes.chosen(request.cookies)
        entry = self.world.journal.open(request, below, node)
        try:
            fault = self.world.faults.take(below)
            response = fault.answer() if fault else None
            if response is None and outside:
                response = self._outside(request)
            elif response is None:
                response = self._real_answer(request, below, entry)
            entry.status = response.status_code
        finally:
            self.world.journal.close(entry)
        response.headers["Date"] = http_date(self.world.clock.now())
        return fault.spoiled(response) if fault else response

    def _outside(self, request: Request) -> Response:
        """What the application server answers beside Jira; the bare context path leads to Jira."""
        if request.path == self.context_path:
            return Response(status=302, headers={"Location": f"{self.context_path}/"})
        return Response(f"Nothing here: this Jira lives under {self.context_path}/", 404)

    def _real_answer(self, request: Request, below: str, entry: LogEntry) -> Response:
        base = base_url(request, self.context_path)
        resource = asks_jira(below)
        try:
            signing = self.world.sign_in
            identity = (
                signing.identify(request, below)
                if resource
                else self.world.directory.identify(None)
            )
            entry.user, entry.auth = identity.user.name, identity.scheme
            limits, limited = self._limited(identity, below)
            response = limited or self._route(self._asked(request, identity, base, entry), below)
        except RefusedError as problem:
            return problem.response(base if resource else request.base_url)
        if resource:
            self._headers.put(response, request, identity, entry.node, limits)
        return response

    def _asked(self, request: Request, identity: Identity, base: str, entry: LogEntry) -> Asked:
        return Asked(request, identity, base, entry.node, self.world.cloud)

    def _limited(self, identity: Identity, below: str) -> tuple[dict[str, str], Response | None]:
        """Rate limits count and show for those who are signed in, and not on `serverInfo`."""
        if identity.anonymous or below.endswith("/serverInfo"):
            return {}, None
        return self._limits.take(identity.user.name)

    def _route(self, asked: Asked, below: str) -> Response:
        request = asked.request
        if self.world.replay is not None and asks_jira(below):
            if asked.identity.anonymous:
                return unauthorised(asked.base)
            return self.world.replay.answer(request.method, below, request.args.items(multi=True))
        try:
            endpoint, args = self._urls.bind(request.host).match(below, method=request.method)
        except HTTPException as error:
            return _unrouted(error, request.base_url, rest=asks_jira(below))
        if endpoint not in self._servlets and (
            endpoint not in self._resources or (args.get("version") == "3" and not self.world.cloud)
        ):
            return nowhere(request.base_url)
        if endpoint in self._servlets:
            return self._servlets[endpoint](request)
        return self._resources[endpoint](asked, *(args[name] for name in args if name != "version"))


def _unrouted(error: HTTPException, url: str, *, rest: bool) -> Response:
    """Another method than a resource has, a path that is no resource, a page that is not there."""
    if not isinstance(error, MethodNotAllowed):
        return nowhere(url) if rest else _dead_link()
    body = json.dumps({"message": "HTTP 405 Method Not Allowed", "status-code": 405})
    allowed = ", ".join(sorted(error.valid_methods or ()))
    return Response(body, 405, headers={"Allow": allowed}, content_type=JSON)


def _dead_link() -> Response:
    text = page("Dead link", "There is no page of Jira's here.")
    return Response(text, 404, content_type="text/html;charset=UTF-8")
