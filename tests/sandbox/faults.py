"""Faults on order: the next requests under a path get another answer, or a cut connection."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
from werkzeug import Response
from werkzeug.http import HTTP_STATUS_CODES

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass
class Fault:
    """What the next `count` requests whose path begins with `path_prefix` get.

    Attributes:
        status: of the answer; None leaves the real answer as it is, for `cut`.
        body: text, or anything else as JSON.
        cut: announce the whole body, send half of it, and close the connection.
    """

    path_prefix: str
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = ""
    count: int = 1
    cut: bool = False

    def __post_init__(self) -> None:
        """ValueError for a fault that would change nothing."""
        if self.status is None and not self.cut:
            raise ValueError("a fault needs a status, or cut")
        if self.status is not None and self.status not in HTTP_STATUS_CODES:
            raise ValueError(f"{self.status} is no HTTP status")

    def answer(self) -> Response | None:
        """The answer instead of the real one; None when the real one stays."""
        if self.status is None:
            return None
        if isinstance(self.body, str):
            response = Response(self.body, self.status, mimetype="text/html")
        else:
            response = Response(
                msgspec.json.encode(self.body), self.status, mimetype="application/json"
            )
        for name, value in self.headers.items():
            response.headers[name] = value
        return response


@dataclass
class Faults:
    """The faults still to come."""

    _queue: list[Fault] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, fault: Fault) -> None:
        """Put a fault behind those that wait."""
        with self._lock:
            self._queue.append(fault)

    def take(self, path: str) -> Fault | None:
        """The fault for a request, counted down; None when nothing waits for this path."""
        with self._lock:
            for fault in self._queue:
                if path.startswith(fault.path_prefix) and fault.count > 0:
                    fault.count -= 1
                    return fault
        return None


def cut(response: Response) -> Response:
    """The same answer, of which only half the body will be sent."""
    body = response.get_data()
    short = Response(body[: len(body) // 2], response.status, dict(response.headers))
    short.automatically_set_content_length = False
    short.headers["Content-Length"] = str(len(body))
    return short
