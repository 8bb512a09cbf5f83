"""`/search/jql` and what came with it on Cloud: pages by token, counts, and the removal of `/search`.

A token is a position in the order of the query, bound to the JQL and the fields; it says where the last page ended, not
how many rows there were. Clients must treat it as opaque.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec
from werkzeug import Response
from werkzeug.datastructures import MultiDict
from werkzeug.routing import Rule

from sandbox import jql, shapes
from sandbox.jql import JqlError
from sandbox.query import sorted_by
from sandbox.render import encode
from sandbox.rest import JSON, answer, refusal, written
from sandbox.rng import seeded
from sandbox.search import SearchRequest, selection, split

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from werkzeug import Request

    from sandbox.asked import Asked
    from sandbox.index import View
    from sandbox.issue import Issue
    from sandbox.query import Order
    from sandbox.rest import Rest

_API: Final = "/rest/api/<any('2','3',latest):version>"
RULES: Final = (
    Rule(f"{_API}/search/jql", endpoint="search/jql", methods=["GET", "POST"]),
    Rule(f"{_API}/search/approximate-count", endpoint="search/count", methods=["POST"]),
    Rule(f"{_API}/search/id", endpoint="search/id", methods=["POST"]),
)
_CAP: Final = 100
_CAP_OF_IDS: Final = 5000
_MOST_SORTS: Final = 7
_MOST_RECONCILED: Final = 50
_TOKEN_MS: Final = 7 * 86_400_000
_SHORT_SHARE: Final = 0.25
_UNBOUNDED: Final = (
    "Unbounded JQL queries are not allowed here. Please add a search restriction to your query."
)
_BAD_BODY: Final = "Invalid request payload. Refer to the REST API documentation and try again."
_BAD_TOKEN: Final = "The provided next page token is invalid or expired."


class Body(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """What a POST may hold; `expand` is one comma list here, too."""

    jql: str | None = None
    next_page_token: str | None = None
    max_results: int | None = None
    fields: list[str] | None = None
    expand: str | None = None
    properties: list[str] | None = None
    fields_by_keys: bool | None = None
    fail_fast: bool | None = None
    reconcile_issues: list[int] | None = None

    @classmethod
    def read(cls, request: Request) -> Body:
        """From a request; JqlError for a body that is no JSON, or has other names or types."""
        try:
            return msgspec.json.decode(request.get_data() if request.is_json else b"", type=cls)
        except msgspec.MsgspecError as error:
            raise JqlError(_BAD_BODY) from error

    def query(self) -> MultiDict[str, str]:
        """The search in it as a query string would say it."""
        said = {"jql": self.jql, "maxResults": self.max_results, "expand": self.expand}
        parts = [(name, str(value)) for name, value in said.items() if value is not None]
        return MultiDict([*parts, *(("fields", name) for name in self.fields or ())])


class Token(msgspec.Struct):
    """Where a page ended: a digest of what was asked, the sort keys and the id of the last issue, when it was issued."""

    question: str
    keys: list[Any]
    last_id: int
    issued_ms: int

    def encoded(self) -> str:
        """As text for `nextPageToken`."""
        return base64.urlsafe_b64encode(msgspec.json.encode(self)).decode()

    @classmethod
    def decoded(cls, text: str) -> Token:
        """From `nextPageToken`; JqlError for text that is no token."""
        try:
            return msgspec.json.decode(base64.urlsafe_b64decode(text.encode()), type=cls)
        except (binascii.Error, ValueError, msgspec.MsgspecError) as error:
            raise JqlError(_BAD_TOKEN) from error


@dataclass(frozen=True)
class Wanted:
    """What a client asked for; `fields` is empty where it asked for none, which means the id."""

    search: SearchRequest
    token: str | None
    reconcile: tuple[str, ...]

    @classmethod
    def read(cls, asked: Asked) -> Wanted:
        """From a query string, where unknown names are ignored, or from a body, where they are refused. JqlError."""
        http = asked.request
        if http.method == "GET":
            names = http.args
            token, reconcile = names.get("nextPageToken"), split(names.getlist("reconcileIssues"))
            search = SearchRequest.from_query(
                MultiDict([p for p in names.items(multi=True) if p[0] != "startAt"])
            )
        else:
            body = Body.read(http)
            token, reconcile = body.next_page_token, tuple(map(str, body.reconcile_issues or ()))
            search = SearchRequest.from_query(body.query())
        if len(reconcile) > _MOST_RECONCILED:
            raise JqlError(f"At most {_MOST_RECONCILED} issues can be reconciled.")
        return cls(search, token, reconcile)

    @property
    def question(self) -> str:
        """A digest of what a token is bound to."""
        bound = "\n".join([self.search.jql, *self.search.fields])
        return hashlib.sha256(bound.encode()).hexdigest()[:16]

    @property
    def size(self) -> int:
        """How many issues a page may have: more when nothing but ids and keys is wanted."""
        cap = _CAP if set(self.search.fields) - {"id", "key"} else _CAP_OF_IDS
        return min(self.search.max_results, cap)


@dataclass(frozen=True)
class CloudSearch:
    """The resources by endpoint; `seed` decides which pages have fewer issues than asked for."""

    rest: Rest
    seed: int

    def endpoints(self) -> dict[str, Callable[..., Response]]:
        """By the names in `RULES`; `search` takes the place of Data Center's."""
        return {
            "search/jql": self._search,
            "search/count": self._count,
            "search/id": self._gone,
            "search": self._gone,
        }

    def _gone(self, _asked: Asked) -> Response:
        shape = shapes.SHAPES["gone"](self.rest.clock)
        return refusal(410, shape.body["errorMessages"][0])

    def _count(self, asked: Asked) -> Response:
        try:
            body = asked.request.get_json(silent=True)
            search = SearchRequest.from_json(body)
            _check_bounded(search.jql)
            view = self.rest.index.view(asked.node, self.rest.corpus)
            found = self.rest.searcher.find(search, view, asked.identity.user)
        except JqlError as error:
            return _refused(error)
        return answer({"count": len(found.issues)}, asked)

    def _search(self, asked: Asked) -> Response:
        try:
            wanted = Wanted.read(asked)
            _check_bounded(wanted.search.jql)
            view = self.rest.index.view(asked.node, self.rest.corpus)
            if wanted.reconcile:
                view = view.reconciled(wanted.reconcile)
            issues, token = self._page(wanted, view, asked)
        except JqlError as error:
            return _refused(error)
        return answer(self._envelope(wanted, view.shown(issues), token, asked), asked)

    def _page(self, wanted: Wanted, view: View, asked: Asked) -> tuple[Sequence[Issue], str | None]:
        """The issues of a page and the token of the next, None on the last."""
        result = self.rest.searcher.find(wanted.search, view, asked.identity.user)
        issues: Sequence[Issue] = result.issues
        if not result.stable:
            issues = sorted_by(sorted(issues, key=_number), result.order)
        start = 0
        now = self.rest.clock.now_ms()
        if wanted.token is not None:
            token = Token.decoded(wanted.token)
            if token.question != wanted.question or now - token.issued_ms > _TOKEN_MS:
                raise JqlError(_BAD_TOKEN)
            # The index of the first issue for which "behind the last page" is 1 and no longer 0.
            start = bisect_left(issues, 1, key=lambda issue: _after(issue, token, result.order))
        size = self._size(wanted)
        page = issues[start : start + size]
        if not page or start + size >= len(issues):
            return page, None
        last = page[-1]
        keys = [by(last) for by, _ in result.order]
        return page, Token(wanted.question, keys, _number(last), now).encoded()

    def _size(self, wanted: Wanted) -> int:
        """Now and then fewer than asked for, but for equal requests always the same."""
        chance = seeded(self.seed, "short page", wanted.question, wanted.token)
        if wanted.size > 1 and chance.random() < _SHORT_SHARE:
            return chance.randrange(1, wanted.size)
        return wanted.size

    def _envelope(
        self, wanted: Wanted, issues: Sequence[Issue], token: str | None, asked: Asked
    ) -> Mapping[str, Any]:
        fields, expand = wanted.search.fields, wanted.search.expand
        keep = selection(fields, "id")
        bodies = self.rest.bodies
        shown: list[Any]
        if set(fields) <= {"id"}:
            shown = [{"id": issue.id} for issue in issues]
        else:
            shown = list(map(bodies.of(asked, keep, expand), issues))
        described = bodies.described(keep, expand, tuple(issues))
        more = {"nextPageToken": token} if token is not None else {}
        return {"issues": shown, **described, **more, "isLast": token is None}


def _check_bounded(text: str) -> None:
    query = jql.parse(text)
    if query.where is None:
        raise JqlError(_UNBOUNDED)
    if len(query.order) > _MOST_SORTS:
        raise JqlError(f"The maximum number of ORDER BY fields is {_MOST_SORTS}.")


def _number(issue: Issue) -> int:
    return int(issue.id)


def _after(issue: Issue, token: Token, order: Order) -> bool:
    """Whether an issue comes behind the one where the last page ended."""
    for (by, descending), last in zip(order, token.keys, strict=True):
        here, there = by(issue), tuple(last) if isinstance(last, list) else last
        if here != there:
            return bool(here < there) is descending
    return _number(issue) > token.last_id


def _refused(error: JqlError) -> Response:
    """Cloud's 400 for a query: `warningMessages` where Data Center has `errors`."""
    body = {"errorMessages": [written(str(error))], "warningMessages": []}
    return Response(encode(body, ""), 400, content_type=JSON)
