"""How many issues to ask for in one request."""

from __future__ import annotations

import threading

SMALLEST_PAGE = 2
"""Issues; pages overlap by one."""

PAGES_TO_GROW = 8
"""Pages without trouble, after which a page size that was halved is doubled."""


class PageSize:
    """How many issues to ask for: halved when answers do not get through, and grown back."""

    def __init__(self, wanted: int) -> None:
        """Begin with what the settings ask for."""
        self.current = self._wanted = wanted
        self._good = 0
        self._lock = threading.Lock()

    def shrink(self, asked: int) -> None:
        """Halve it, once for all requests that asked for so many."""
        with self._lock:
            self._good = 0
            if asked == self.current:
                self.current = max(SMALLEST_PAGE, asked // 2)

    def worked(self) -> None:
        """Note an answer."""
        with self._lock:
            self._good += 1
            if self.current < self._wanted and self._good >= PAGES_TO_GROW:
                self.current = min(self._wanted, 2 * self.current)
                self._good = 0

    def obey(self, cap: int) -> None:
        """Take over the server's own cap, so that the pages ahead are where the reader goes."""
        with self._lock:
            self._wanted = min(self._wanted, cap)
            self.current = min(self.current, cap)
