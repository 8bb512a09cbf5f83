"""The REST resources of Jira Data Center 10.3 that the tap reads."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import msgspec
from werkzeug import Response

from sandbox import cloud, times
from sandbox.bodies import Bodies
from sandbox.jql import JqlError
from sandbox.problems import challenge
from sandbox.render import Renderer, encode
from sandbox.search import Searcher, SearchRequest, WindowExceededError, selection, split

if TYPE_CHECKING:
    from sandbox.asked import Asked
    from sandbox.clock import Clock
    from sandbox.corpus import Corpus
    from sandbox.index import Index

VERSION: Final = (10, 3, 19)
JSON: Final = "application/json;charset=UTF-8"
BULK_ISSUES: Final = 100


@dataclass(frozen=True)
class Rest:
    """One method a resource."""

    corpus: Corpus
    clock: Clock
    searcher: Searcher
    renderer: Renderer
    index: Index
    list_cap: int | None = None

    @cached_property
    def bodies(self) -> Bodies:
        """What makes the JSON of issues."""
        return Bodies(self.corpus, self.renderer, self.list_cap)

    def server_info(self, asked: Asked) -> Response:
        """`serverInfo`: Data Center calls itself "Server"; the offset of `serverTime` is the only zone it tells."""
        if asked.cloud:
            return answer(cloud.server_info(asked.base, self.clock.now_ms()), asked)
        info = {
            "baseUrl": asked.base,
            "version": ".".join(map(str, VERSION)),
            "versionNumbers": list(VERSION),
            "deploymentType": "Server",
            "buildNumber": 10030019,
            "buildDate": "2026-06-01T00:00:00.000+0000",
            "databaseBuildNumber": 10030019,
            "serverTime": times.render(self.clock.now_ms()),
            "scmInfo": "0" * 40,
            "serverTitle": "Sandbox Jira",
        }
        return answer(info, asked)

    def myself(self, asked: Asked) -> Response:
        """`myself`, or 401 when nobody is signed in."""
        return (
            unauthorised(asked.base)
            if asked.identity.anonymous
            else answer(asked.identity.user.myself(), asked)
        )

    def projects(self, asked: Asked) -> Response:
        """`project`: a bare array of what the user sees, empty for nobody."""
        user = asked.identity.user
        return answer(
            [
                {"expand": "description,lead,url,projectKeys", **project.body()}
                for project in self.corpus.snapshot().projects
                if user.sees(project.key)
            ],
            asked,
        )

    def project(self, asked: Asked, name: str) -> Response:
        """One project by id or key."""
        project = self.corpus.snapshot().project(name, asked.identity.user)
        if project is None:
            return refusal(404, f"No project could be found with key '{name}'.")
        return answer({"expand": "description,lead,url,projectKeys", **project.body()}, asked)

    def fields(self, asked: Asked) -> Response:
        """`field`: system and custom fields, a bare array."""
        return answer(self.corpus.field_list, asked)

    def issue(self, asked: Asked, name: str) -> Response:
        """One issue by id, key or former key; every field unless `fields` says otherwise."""
        found = self.corpus.snapshot().find(name, asked.identity.user)
        if found is None:
            return refusal(404, "Issue Does Not Exist")
        args = asked.request.args
        keep = selection(split(args.getlist("fields")), "*all")
        expand = frozenset(split(args.getlist("expand")))
        body = self.bodies.of(asked, keep, expand)(found)
        described = self.bodies.described(keep, expand, (found,))
        if args.get("properties") == "*all":
            described["properties"] = self.corpus.children.properties(found.id)
        if described and isinstance(body, msgspec.Raw):
            body = msgspec.json.decode(body)
        return answer({**body, **described} if described else body, asked)

    def bulk_issues(self, asked: Asked) -> Response:
        """Cloud's `issue/bulkfetch`: up to 100 issues; those that are not found are errors beside the others."""
        if not asked.cloud:
            return nowhere(asked.request.base_url)
        sent = asked.request.get_json(silent=True)
        sent = sent if isinstance(sent, dict) else {}
        names = sent.get("issueIdsOrKeys")
        if not isinstance(names, list) or not 0 < len(names) <= BULK_ISSUES:
            return refusal(400, f"issueIdsOrKeys must hold 1 to {BULK_ISSUES} issue ids or keys.")
        snapshot = self.corpus.snapshot()
        found = [snapshot.find(str(name), asked.identity.user) for name in names]
        issues = {issue.id: issue for issue in found if issue is not None}
        keep = selection(split(sent.get("fields") or []), "*all")
        body = self.bodies.of(asked, keep, frozenset())
        said = "Issue does not exist or you do not have permission to see it."
        errors = [
            {"id": str(name), "errorMessage": said}
            for name, issue in zip(names, found, strict=True)
            if issue is None
        ]
        shown = [body(issue) for issue in issues.values()]
        return answer({"expand": "schema,names", "issues": shown, "issueErrors": errors}, asked)

    def search(self, asked: Asked) -> Response:
        """`search`, GET and POST."""
        http = asked.request
        try:
            if http.method == "POST":
                wanted = SearchRequest.from_json(http.get_json(silent=True))
            else:
                wanted = SearchRequest.from_query(http.args)
            view = self.index.view(asked.node, self.corpus)
            page = self.searcher.search(wanted, view, asked.identity.user)
        except JqlError as error:
            return refusal(400, str(error))
        except WindowExceededError as error:
            return refusal(500, str(error))
        keep = selection(wanted.fields, "*navigable")
        described = self.bodies.described(keep, wanted.expand, page.issues)
        return answer(page.envelope(self.bodies.of(asked, keep, wanted.expand), described), asked)


def answer(value: object, asked: Asked) -> Response:
    """200 with JSON, in the shapes of the flavour."""
    shown = cloud.shaped(value, documents=asked.documents) if asked.cloud else value
    return Response(encode(shown, asked.base), content_type=JSON)


def refusal(status: int, message: str) -> Response:
    """Jira's usual error body."""
    return Response(
        encode({"errorMessages": [written(message)], "errors": {}}, ""), status, content_type=JSON
    )


def written(message: str) -> str:
    """A text that may quote what a client sent, with `?` for halves of characters, which UTF-8 cannot write."""
    return message.encode(errors="replace").decode()


def nowhere(url: str) -> Response:
    """The 404 of a path that is no resource: another shape than that of a resource which does not find something."""
    body = {"message": f"null for uri: {url}", "status-code": 404}
    return Response(encode(body, ""), 404, content_type=JSON)


def unauthorised(base: str) -> Response:
    """The 401 of a resource that wants somebody signed in."""
    body = {"message": "Client must be authenticated to access this resource.", "status-code": 401}
    response = Response(encode(body, ""), 401, content_type=JSON)
    response.headers["WWW-Authenticate"] = challenge(base)
    return response
