"""`/rest/api/2/search`: parameters, caps, paging, the choice of fields, and the envelope."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from sandbox import query
from sandbox.fields import HIDDEN
from sandbox.jql import JqlError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from random import Random

    from werkzeug.datastructures import MultiDict

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

    @classmethod
    def from_query(cls, args: MultiDict[str, str]) -> SearchRequest:
        """From a query string: `fields` is a comma list and may be repeated. JqlError for a bad number."""
        return cls(
            jql=args.get("jql", ""),
            start_at=_whole("startAt", args.get("startAt", "0")),
            max_results=_whole("maxResults", args.get("maxResults", str(DEFAULT_PAGE))),
            fields=_split(args.getlist("fields")),
        )

    @classmethod
    def from_json(cls, body: object) -> SearchRequest:
        """From a POST body: `fields` is an array. JqlError where the shape is another."""
        if not isinstance(body, dict):
            raise JqlError("Unexpected request body: a JSON object is needed.")
        fields = body.get("fields") or []
        if not isinstance(fields, list) or not all(isinstance(name, str) for name in fields):
            raise JqlError("Can not deserialize 'fields': an array of strings is needed.")
        return cls(
            jql=str(body.get("jql") or ""),
            start_at=_whole("startAt", body.get("startAt", 0)),
            max_results=_whole("maxResults", body.get("maxResults", DEFAULT_PAGE)),
            fields=_split(fields),
        )


def selection(names: Sequence[str], default: str) -> Callable[[str], bool]:
    """Which fields an issue shows: names, `*all`, `*navigable`, and `-name` to leave one out."""
    dropped = {name[1:] for name in names if name.startswith("-")}
    wanted = {name for name in names if not name.startswith("-")} or {default}

    def keep(name: str) -> bool:
        if name in dropped:
            return False
        return name in wanted or "*all" in wanted or ("*navigable" in wanted and name not in HIDDEN)

    return keep


def page(
    request: SearchRequest, issues: Sequence[Issue], cap: int, body: Callable[[Issue], Any]
) -> dict[str, Any]:
    """The envelope around the issues `startAt` to `startAt + maxResults`; the cap is silent but echoed."""
    size = min(request.max_results, cap)
    shown = [body(issue) for issue in issues[request.start_at : request.start_at + size]]
    envelope = {
        "startAt": request.start_at,
        "maxResults": size,
        "total": len(issues),
        "issues": shown,
    }
    return {"expand": "schema,names", **envelope} if shown else envelope


@dataclass(frozen=True)
class Searcher:
    """Runs queries; a result is kept until the corpus changes, so paging costs a slice.

    Attributes:
        page_cap: the most issues an answer holds.
        window: the last row that `startAt + maxResults` may reach.
        chance: the order of ties.
    """

    page_cap: int
    window: int
    chance: Random
    _run: Callable[[str, Snapshot, User], query.Result] = field(
        default_factory=lambda: lru_cache(maxsize=_RESULTS_KEPT)(query.run)
    )

    def search(
        self, request: SearchRequest, snapshot: Snapshot, user: User, body: Callable[[Issue], Any]
    ) -> dict[str, Any]:
        """One page; JqlError for a bad query, WindowExceededError for a page that lies too deep."""
        if request.start_at + min(request.max_results, self.page_cap) > self.window:
            raise WindowExceededError(
                f"Search limit exceeded: startAt + maxResults is past {self.window}. Repeating the same search may not work."
            )
        result = self._run(request.jql, snapshot, user)
        return page(request, result.ordered(self.chance), self.page_cap, body)


def summary(args: Mapping[str, Any]) -> tuple[str | None, int | None, int | None]:
    """JQL, startAt and maxResults for the request log, None where they are absent or no numbers."""
    numbers = [str(args.get(name)) for name in ("startAt", "maxResults")]
    start, size = (int(text) if text.isdecimal() else None for text in numbers)
    return args.get("jql"), start, size


def _whole(name: str, value: object) -> int:
    if isinstance(value, bool) or not str(value).isdecimal():
        raise JqlError(f"The value '{value}' of '{name}' is not a whole number of at least 0.")
    return int(str(value))


def _split(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(name.strip() for value in values for name in value.split(",") if name.strip())
