"""Rate limits as Jira announces and enforces them: a token bucket a user, on the sandbox's clock.

Data Center shows the bucket on every signed-in answer, with `Retry-After: 0` even where nothing is to be waited for, and
refuses with an HTML page; Cloud shows nothing until it refuses, in JSON. Both as recorded from real servers.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from sandbox import shapes

if TYPE_CHECKING:
    from werkzeug import Response

    from sandbox.clock import Clock

_LONG_MAX: Final = 2**63 - 1


@dataclass(frozen=True)
class RateLimit:
    """A bucket of `limit` requests into which `fill` drip every `interval` seconds.

    Attributes:
        bites: whether an empty bucket refuses; otherwise it only shows in the headers.
        exempt: the administrator's exception for all users: Jira shows -1 and the greatest long integer.
    """

    limit: int = 70
    fill: int = 70
    interval: int = 1
    bites: bool = False
    exempt: bool = False

    def __post_init__(self) -> None:
        """ValueError for a bucket that never has anything in it."""
        if min(self.limit, self.fill, self.interval) < 1:
            raise ValueError(f"a rate limit needs numbers of at least 1, not {self}")


@dataclass
class Limiter:
    """The buckets of all users."""

    rate: RateLimit
    clock: Clock
    cloud: bool = False
    _buckets: dict[str, tuple[float, float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, user: str) -> tuple[dict[str, str], Response | None]:
        """Headers for a request of a user, and the refusal where the bucket is empty."""
        left, wait = self._drawn(user)
        refused = left < 0
        headers = {} if self.cloud else self._headers(max(0, math.floor(left)), wait)
        if not refused:
            return headers, None
        shape = "rate-limit-cloud" if self.cloud else "rate-limit-html"
        response = shapes.SHAPES[shape](self.clock).response()
        if response is not None:
            response.headers.update(headers or {"Retry-After": str(wait)})
        return headers, response

    def _drawn(self, user: str) -> tuple[float, int]:
        """What is left after one request, below zero for a refused one, and the seconds until there is one again."""
        rate, now = self.rate, self.clock.now()
        if not rate.bites or rate.exempt:
            return rate.limit - 1, 0
        per_second = rate.fill / rate.interval
        with self._lock:
            level, at = self._buckets.get(user, (float(rate.limit), now))
            level = min(rate.limit, level + max(0.0, now - at) * per_second)
            left = level - 1
            self._buckets[user] = (left if left >= 0 else level), now
        return left, math.ceil(-left / per_second) if left < 0 else 0

    def _headers(self, left: int, wait: int) -> dict[str, str]:
        rate = self.rate
        limit, fill, remaining = (
            (-1, -1, _LONG_MAX) if rate.exempt else (rate.limit, rate.fill, left)
        )
        return {
            "X-RateLimit-Limit": str(limit),
            "X-RateLimit-Remaining": str(remaining),
            "X-RateLimit-Interval-Seconds": str(rate.interval),
            "X-RateLimit-FillRate": str(fill),
            "Retry-After": str(wait),
        }
