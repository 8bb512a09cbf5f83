"""`/rest/api/2/search`: parameters, caps, paging, the choice of fields, and the envelope."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from sandbox import query
from sandbox.conditions import DATA_CENTER, Dialect
from sandbox.fields import HIDDEN
from sandbox.jql import JqlError
from sandbox.query import Question

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from random import Random

    from werkzeug.datastructures import MultiDict

    from sandbox.clock import Clock
    from sandbox.index import View
    from sandbox.issue import Issue
    from sandbox.query import Snapshot
    from sandbox.users import User

DEFAULT_PAGE: Final = 50
_RESULTS_KEPT: Final = 32


class WindowExceededError(Exception):
    """The page lies beyond the rows that a search may reach; Jira answers 500."""


@dataclass(frozen=True)
class SearchRequest:
    """What a client asked for, GET and POST alike."""

    jql: str = ""
    start_at: int = 0
    max_results: int = DEFAULT_PAGE
    fields: tuple[str, ...] = ()
    expand: frozenset[str] = frozenset()
    validate: bool = True

    @classmethod
    def from_query(cls, args: MultiDict[str, str]) -> SearchRequest:
        """From a query string: `fields` is a comma list and may be repeated. JqlError for a bad number."""
        return cls(
            jql=args.get("jql", ""),
            start_at=whole("startAt", args.get("startAt", "0")),
            max_results=whole("maxResults", args.get("maxResults", str(DEFAULT_PAGE))),
            fields=split(args.getlist("fields")),
            expand=frozenset(split(args.getlist("expand"))),
            # Java reads a boolean so: every word but "true" is false, and so are the words of Cloud, "strict" and "warn".
            validate=args.get("validateQuery", "true").lower() == "true",
        )

    @classmethod
    def from_json(cls, body: object) -> SearchRequest:
        """From a POST body: `fields` is an array. JqlError where the shape is another."""
        if not isinstance(body, dict):
            raise JqlError("Unexpected request body: a JSON object is needed.")
        body = {name: value for name, value in body.items() if value is not None}
        jql = body.get("jql", "")
        if not isinstance(jql, str):
            raise JqlError("Can not deserialize 'jql': a string is needed.")
        return cls(
            jql=jql,
            start_at=whole("startAt", body.get("startAt", 0)),
            max_results=whole("maxResults", body.get("maxResults", DEFAULT_PAGE)),
            fields=split(texts("fields", body.get("fields"))),
            expand=frozenset(split(texts("expand", body.get("expand")))),
            validate=_flag("validateQuery", body.get("validateQuery", True)),
        )


def selection(names: Sequence[str], default: str) -> Callable[[str], bool]:
    """Which fields an issue shows: names, `*all`, `*navigable`, and `-name` to leave one out.

    Equal choices are one function, by which rendered issues are kept.
    """
    dropped = frozenset(name[1:] for name in names if name.startswith("-"))
    wanted = frozenset(name for name in names if not name.startswith("-")) or {default}
    return _selection(frozenset({"*all"} if "*all" in wanted else wanted), dropped)


@lru_cache(maxsize=64)
def _selection(wanted: frozenset[str], dropped: frozenset[str]) -> Callable[[str], bool]:

    def keep(name: str) -> bool:
        if name in dropped:
            return False
        return name in wanted or "*all" in wanted or ("*navigable" in wanted and name not in HIDDEN)

    return keep


@dataclass(frozen=True)
class Page:
    """One page of a result, before it is rendered."""

    start_at: int
    size: int
    total: int
    issues: tuple[Issue, ...]
    warnings: tuple[str, ...] = ()

    def envelope(
        self, body: Callable[[Issue], Any], described: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """The answer; `described` is what `expand=names,schema` adds. An empty page has no `expand`."""
        shown = [body(issue) for issue in self.issues]
        envelope = {
            "startAt": self.start_at,
            "maxResults": self.size,
            "total": self.total,
            "issues": shown,
            **({"warningMessages": list(self.warnings)} if self.warnings else {}),
        }
        return {"expand": "schema,names", **envelope, **(described or {})} if shown else envelope


def page(request: SearchRequest, issues: Sequence[Issue], cap: int) -> Page:
    """The issues `startAt` to `startAt + maxResults`; the cap is silent but echoed."""
    size = min(request.max_results, cap)
    shown = tuple(issues[request.start_at : request.start_at + size])
    return Page(request.start_at, size, len(issues), shown)


@dataclass(frozen=True)
class Searcher:
    """Runs queries; a result is kept until the corpus changes, so paging costs a slice.

    Attributes:
        page_cap: the most issues an answer holds.
        window: the last row that `startAt + maxResults` may reach.
        chance: the order of ties.
        clock: what relative dates in a query count from.
        dialect: how it reads JQL.
    """

    page_cap: int
    window: int
    chance: Random
    clock: Clock
    dialect: Dialect = DATA_CENTER
    _run: Callable[[Question, Snapshot], query.Result] = field(
        default_factory=lambda: lru_cache(maxsize=_RESULTS_KEPT)(query.run)
    )

    def find(self, request: SearchRequest, view: View, user: User) -> query.Result:
        """Everything that a query finds. JqlError for a bad query."""
        now = self.clock.now_ms()
        asked = Question.at(request.jql, user, now, validate=request.validate, dialect=self.dialect)
        return self._run(asked, view.indexed)

    def search(self, request: SearchRequest, view: View, user: User) -> Page:
        """One page; JqlError for a bad query, WindowExceededError for a page that lies too deep."""
        self.refuse_too_deep(request)
        result = self.find(request, view, user)
        found = page(request, result.ordered(self.chance), self.page_cap)
        shown = tuple(view.shown(found.issues))
        return replace(found, issues=shown, warnings=result.warnings)

    def refuse_too_deep(self, request: SearchRequest) -> None:
        """WindowExceededError for a page that reaches past the window."""
        if request.start_at + min(request.max_results, self.page_cap) > self.window:
            raise WindowExceededError(
                f"Search limit exceeded: startAt + maxResults is past {self.window}. Repeating the same search may not work."
            )


def summary(args: Mapping[str, Any]) -> tuple[str | None, int | None, int | None]:
    """JQL, startAt and maxResults for the request log, None where they are absent or no numbers."""
    numbers = [str(args.get(name)) for name in ("startAt", "maxResults")]
    start, size = (int(text) if text.isdecimal() else None for text in numbers)
    return args.get("jql"), start, size


def whole(name: str, value: object) -> int:
    """A number of at least 0 from a query string or a body; JqlError for anything else."""
    if isinstance(value, bool) or not str(value).isdecimal():
        raise JqlError(f"The value '{value}' of '{name}' is not a whole number of at least 0.")
    return int(str(value))


def _flag(name: str, value: object) -> bool:
    """A boolean of a body, which may be a string; the refusal of other strings is as a real server was seen to word it."""
    if isinstance(value, bool):
        return value
    if not isinstance(value, str):
        raise JqlError(f"Can not deserialize '{name}': a boolean is needed.")
    if value not in ("true", "false"):
        raise JqlError(
            f"Can not construct instance of java.lang.Boolean from String value '{value}': "
            'only "true" or "false" recognized (through reference chain: '
            f'com.atlassian.jira.rest.v2.search.SearchRequestBean["{name}"])'
        )
    return value == "true"


def texts(name: str, value: object) -> list[str]:
    """An array of strings from a body, empty where it is absent; JqlError for anything else."""
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise JqlError(f"Can not deserialize '{name}': an array of strings is needed.")
    return value


def split(values: Iterable[str]) -> tuple[str, ...]:
    """The names in comma lists, one or several of them."""
    return tuple(name.strip() for value in values for name in value.split(",") if name.strip())
