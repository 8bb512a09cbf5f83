"""Recorded exchanges served again, byte for byte."""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlsplit

from werkzeug import Response

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_REST: Final = "/rest/"
_HOP: Final = frozenset(
    {"connection", "content-length", "content-encoding", "transfer-encoding", "date", "vary"}
)

Key = tuple[str, str, tuple[tuple[str, str], ...]]


@dataclass(frozen=True)
class Exchange:
    """One recorded answer; `at` orders several recordings of one request."""

    key: Key
    at: float
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass
class Replay:
    """Recorded answers by method, path from `/rest/` on, and query, in which the order of parameters does not matter.

    Several recordings of one request are served in the order of their time; the last one stays.
    """

    exchanges: dict[Key, list[Exchange]]
    _served: dict[Key, int] = field(default_factory=lambda: defaultdict(int))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def from_folder(cls, folder: Path) -> Replay:
        """Every `{"_recorded": ..., "body": ...}` file; ValueError when there is none."""
        found: dict[Key, list[Exchange]] = defaultdict(list)
        for path in sorted(folder.rglob("*.json")):
            document = json.loads(path.read_text(encoding="utf-8"))
            if isinstance(document, dict) and "_recorded" in document:
                exchange = _exchange(document)
                found[exchange.key].append(exchange)
        if not found:
            raise ValueError(f"no recorded exchange in any JSON file below {folder}")
        for several in found.values():
            several.sort(key=lambda exchange: exchange.at)
        return cls(dict(found))

    def answer(self, method: str, path: str, query: Iterable[tuple[str, str]]) -> Response:
        """The recorded answer, or 404 with what was asked."""
        key = _key(method, path, query)
        several = self.exchanges.get(key)
        if several is None:
            error = {
                "errorMessages": [f"Nothing recorded for {method} {path} with {dict(key[2])}"],
                "errors": {},
            }
            return Response(json.dumps(error), 404, content_type="application/json;charset=UTF-8")
        with self._lock:
            turn = min(self._served[key], len(several) - 1)
            self._served[key] += 1
        exchange = several[turn]
        return Response(exchange.body, exchange.status, list(exchange.headers))


def compact(body: object) -> bytes:
    """JSON as Jira sends it: UTF-8, no spaces. The recordings' own lengths show this form."""
    return (
        b"" if body == "" else json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    )


def _exchange(document: dict[str, Any]) -> Exchange:
    recorded = document["_recorded"]
    url = urlsplit(recorded["url"])
    headers = tuple(
        (name, line)
        for name, value in recorded["response_headers"].items()
        if name.lower() not in _HOP
        for line in (value if isinstance(value, list) else [value])
    )
    date = recorded["response_headers"].get("Date")
    return Exchange(
        key=_key(recorded["method"], url.path, parse_qsl(url.query, keep_blank_values=True)),
        at=parsedate_to_datetime(date).timestamp() if date else 0.0,
        status=recorded["status"]["code"],
        headers=headers,
        body=compact(document["body"]),
    )


def _key(method: str, path: str, query: Iterable[tuple[str, str]]) -> Key:
    below = _REST + path.partition(_REST)[2]
    return method.upper(), below, tuple(sorted(query))
