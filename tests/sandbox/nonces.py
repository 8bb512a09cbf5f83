"""The nonces that have been seen: a signed request works once."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Final

from sandbox.problems import OAuthProblemError

SKEW_SECONDS: Final = 300
"""How far a timestamp may be from the server's clock, either way."""


@dataclass
class Nonces:
    """What was seen for as long as its timestamp would be taken. Safe to use from many threads."""

    _seen: dict[tuple[str, ...], float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def spend(self, nonce: tuple[str, ...], now: float) -> None:
        """Remember a nonce, whose first part is its timestamp; OAuthProblemError when it is spent already."""
        with self._lock:
            if nonce in self._seen:
                raise OAuthProblemError("nonce_used")
            self._forget(now)
            self._seen[nonce] = float(nonce[0])

    def _forget(self, now: float) -> None:
        """Drop nonces whose timestamp would be refused anyway; they are in order of arrival, so the old come first."""
        while self._seen:
            oldest = next(iter(self._seen))
            if self._seen[oldest] >= now - 2 * SKEW_SECONDS:
                return
            del self._seen[oldest]
