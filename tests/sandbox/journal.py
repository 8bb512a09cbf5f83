"""The request log: what was asked, by whom, and what came back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from sandbox.search import summary

if TYPE_CHECKING:
    from werkzeug import Request


@dataclass
class LogEntry:
    """One request. `status`, `user` and `auth` are set while it is answered.

    Attributes:
        path: below the context path, as `/rest/api/2/search`.
        query: the decoded parameters in their order.
        jql, start_at, max_results: of a search, from the query string or from the POST body.
        page_token: the `nextPageToken` of a Cloud search.
        fields: what a search by POST asks for.
        number: counts the requests from 1.
        node: which node answers.
        nonce: of a signed request.
        in_flight: how many requests were being answered when this one came, itself included.
        duration: seconds until the answer was ready; None while it is made.
    """

    method: str
    path: str
    query: list[tuple[str, str]]
    jql: str | None = None
    start_at: int | None = None
    max_results: int | None = None
    status: int | None = None
    user: str | None = None
    auth: str | None = None
    page_token: str | None = None
    fields: list[str] = field(default_factory=list)
    number: int = 0
    node: str = ""
    nonce: str | None = None
    in_flight: int = 1
    duration: float | None = None

    def body(self) -> dict[str, Any]:
        """The entry as JSON."""
        return asdict(self)


Hook = Callable[[LogEntry], object]


@dataclass
class Journal:
    """The entries in order of arrival, and the callables that see each of them before it is answered."""

    before_request: list[Hook] = field(default_factory=list)
    _entries: list[LogEntry] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _in_flight: int = 0
    _began: dict[int, float] = field(default_factory=dict)

    @property
    def entries(self) -> list[LogEntry]:
        """A copy of the list."""
        with self._lock:
            return list(self._entries)

    def open(self, request: Request, path: str, node: str) -> LogEntry:
        """Log a request that has just come, and call the hooks with it."""
        query = list(request.args.items(multi=True))
        sent = request.get_json(silent=True) if request.is_json else None
        args = sent if isinstance(sent, dict) else request.args.to_dict()
        entry = LogEntry(request.method, path, query, *summary(args), node=node)
        token = args.get("nextPageToken")
        entry.page_token = token if isinstance(token, str) else None
        asked = args.get("fields")
        entry.fields = asked if isinstance(asked, list) else []
        entry.nonce = _nonce(request)
        with self._lock:
            self._entries.append(entry)
            self._in_flight += 1
            entry.number, entry.in_flight = len(self._entries), self._in_flight
            self._began[entry.number] = time.monotonic()
        try:
            for hook in tuple(self.before_request):
                hook(entry)
        except BaseException:
            self.close(entry)
            raise
        return entry

    def close(self, entry: LogEntry) -> None:
        """Note that the answer of a request is ready."""
        with self._lock:
            self._in_flight -= 1
            entry.duration = time.monotonic() - self._began.pop(entry.number)


def _nonce(request: Request) -> str | None:
    authorization = request.authorization
    if authorization is not None and authorization.type == "oauth":
        return authorization.parameters.get("oauth_nonce")
    return request.args.get("oauth_nonce")
