"""What a person sees on stderr while issues are read: one line every ten seconds, and a last one."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger("tap-jira-oauth")

INTERVAL = 10.0
"""Seconds between two lines."""


class Progress:
    """Counts one project's pages and issues; `clock` gives seconds."""

    def __init__(self, project_key: str, clock: Callable[[], float]) -> None:
        """Start the clock."""
        self._project = project_key
        self._clock = clock
        self._started = self._said = clock()
        self.pages = 0
        self.issues = 0

    def page(self, issues: int, total: int, bookmark: str | None) -> None:
        """Note a page; `total` is how many issues Jira counts in the rest of the project."""
        self.pages += 1
        self.issues += issues
        now = self._clock()
        if now - self._said >= INTERVAL:
            self._said = now
            logger.info(
                "%s: %d issues in %d pages, up to %s; the window holds %d",
                self._project,
                self.issues,
                self.pages,
                bookmark or "the beginning",
                total,
            )

    def finish(self, moved: int, bookmark: str | None) -> None:
        """Say what the project came to; `moved` counts how often rows moved while it was read."""
        logger.info(
            "%s: %d issues in %d page%s, %.1f s, read up to %s%s",
            self._project,
            self.issues,
            self.pages,
            "" if self.pages == 1 else "s",
            self._clock() - self._started,
            bookmark or "the beginning",
            f"; rows moved {moved} times meanwhile, and were read again" if moved else "",
        )
