"""Faults on order: the next requests under a path get another answer, a slow one, or a broken connection."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from werkzeug import Response
from werkzeug.http import HTTP_STATUS_CODES

from sandbox.shapes import SHAPES, Shape

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sandbox.clock import Clock

_PIECES = 20
"""In how many pieces a slow body comes."""


@dataclass
class Fault:
    """What the next `count` requests whose path begins with `path_prefix` get, after the first `skip` of them.

    Attributes:
        status: of the answer; None leaves the real answer as it is, for the parts below.
        body: text, or anything else as JSON.
        cut: announce the whole body, send half of it, and close the connection.
        content_type: in the place of the right one.
        delay: seconds until the first byte.
        body_seconds: how long the body takes from its first to its last byte.
        truncated: half the body, with a length header that agrees with it.
        dropped: close the connection instead of an answer.
    """

    path_prefix: str
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = ""
    count: int = 1
    cut: bool = False
    content_type: str | None = None
    delay: float = 0
    body_seconds: float = 0
    truncated: bool = False
    dropped: bool = False
    skip: int = 0

    def __post_init__(self) -> None:
        """ValueError for a fault that would change nothing."""
        if not (
            self.status is not None
            or self.cut
            or self.truncated
            or self.dropped
            or self.content_type
            or self.delay > 0
            or self.body_seconds > 0
        ):
            raise ValueError("a fault needs a status, a shape, or another part such as cut")
        if self.status is not None and self.status not in HTTP_STATUS_CODES:
            raise ValueError(f"{self.status} is no HTTP status")

    @classmethod
    def shaped(cls, path_prefix: str, name: str, clock: Clock, count: int, skip: int) -> Fault:
        """A fault by the name of its shape; ValueError lists the names when there is none."""
        if name not in SHAPES:
            raise ValueError(f"no fault is called {name!r}; there are {', '.join(sorted(SHAPES))}")
        shape = SHAPES[name](clock)
        parts = {part: getattr(shape, part) for part in Shape.__struct_fields__}
        return cls(path_prefix, **parts, count=count, skip=skip)

    def answer(self) -> Response | None:
        """The answer instead of the real one; None when the real one stays. ConnectionAbortedError for none at all."""
        time.sleep(self.delay)
        if self.dropped:
            raise ConnectionAbortedError("a fault was ordered: no answer")
        return Shape(self.status, self.headers, self.body, self.content_type).response()

    def spoiled(self, response: Response) -> Response:
        """The answer as it goes out: with another type, cut, cut short or slow."""
        if self.content_type and self.status is None:
            response.headers["Content-Type"] = self.content_type
        if self.cut:
            return _half(response, announced=True)
        if self.truncated:
            return _half(response, announced=False)
        return _slow(response, self.body_seconds) if self.body_seconds else response


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
                if not path.startswith(fault.path_prefix) or fault.count <= 0:
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                fault.count -= 1
                return fault
        return None


def _half(response: Response, *, announced: bool) -> Response:
    body = response.get_data()
    short = Response(body[: len(body) // 2], response.status, dict(response.headers))
    short.automatically_set_content_length = False
    short.headers["Content-Length"] = str(len(body) if announced else len(body) // 2)
    return short


def _slow(response: Response, seconds: float) -> Response:
    body = response.get_data()
    size = len(body) // _PIECES + 1

    def pieces() -> Iterator[bytes]:
        for at in range(0, len(body), size):
            if at:
                time.sleep(seconds / _PIECES)
            yield body[at : at + size]

    slow = Response(pieces(), response.status, dict(response.headers))
    slow.headers["Content-Length"] = str(len(body))
    return slow
