"""The sandbox's clock: real time plus an offset that a test may change at any moment."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass
class Clock:
    """What every part of the sandbox calls now: signatures, edits, the `Date` header, `serverTime`.

    Attributes:
        offset: seconds that the server is ahead of real time.
        source: real time in seconds since 1970.
    """

    offset: float = 0.0
    source: Callable[[], float] = time.time

    def now(self) -> float:
        """Seconds since 1970."""
        return self.source() + self.offset

    def now_ms(self) -> int:
        """Milliseconds since 1970."""
        return int(self.now() * 1000)
