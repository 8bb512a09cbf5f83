"""The request log: what was asked, by whom, and what came back."""

from __future__ import annotations

import threading
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

    @property
    def entries(self) -> list[LogEntry]:
        """A copy of the list."""
        with self._lock:
            return list(self._entries)

    def open(self, request: Request, path: str) -> LogEntry:
        """Log a request that has just come, and call the hooks with it."""
        query = list(request.args.items(multi=True))
        sent = request.get_json(silent=True) if request.is_json else None
        args = sent if isinstance(sent, dict) else request.args.to_dict()
        entry = LogEntry(request.method, path, query, *summary(args))
        with self._lock:
            self._entries.append(entry)
        for hook in tuple(self.before_request):
            hook(entry)
        return entry
