"""What a run has done so far, counted by project, and how to say it in a line. Pure.

One project is in front at a time, since records leave the tap in order: waits and tries are
counted for it. `display` decides where and how often the line is shown.
"""

from __future__ import annotations

import math
import threading
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

MINUTE = 60
HOUR = 3600


@dataclass
class Tally:
    """What one project came to so far; times in seconds, `bookmark` RFC 3339."""

    project: str
    emitted: int = 0
    pages: int = 0
    requests: int = 0
    retries: int = 0
    waited_seconds: float = 0.0
    reanchored_windows: int = 0
    bookmark: str | None = None
    seconds: float = 0.0
    finished: bool = False


@dataclass
class ChildTally:
    """What one stream of children came to so far, in records, requests, and lists that are not right.

    `truncated` are those that could not be read whole, `vanished` those of issues that were deleted
    meanwhile, `unreadable` those that the user may not see.
    """

    records: int = 0
    requests: int = 0
    truncated: int = 0
    vanished: int = 0
    unreadable: int = 0


class Progress:
    """Counts what happens to the project in front; `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Start the clock; no project is in front yet.

        `unconformed` counts, by field, the values that are not what the schema says.
        """
        self.projects: list[Tally] = []
        self.streams: dict[str, ChildTally] = {}
        self.unconformed: Counter[str] = Counter()
        self._clock = clock
        self._began = self._started = clock()
        self._total: int | None = None
        self._before = Tally("")
        self._front = self._before
        self._wait = ("", 0.0)
        self._lock = threading.Lock()

    def begin(self, project_key: str) -> None:
        """Put a project in front."""
        self._front = Tally(project_key)
        self._started = self._clock()
        self._total = None
        self.projects.append(self._front)

    def page(
        self, issues: int, total: int, requests: int, moved: int, bookmark: str | None
    ) -> None:
        """Note a page with so many new issues, for which so many requests were made.

        `total` is how many issues Jira counts in what is read: the first one of a project is how
        many there are. `moved` is how often a window was opened anew because rows moved.
        """
        front = self._front
        if self._total is None:
            self._total = total
        front.emitted += issues
        front.pages += 1
        front.requests += requests
        front.reanchored_windows = moved
        front.bookmark = bookmark

    def waits(self, reason: str, seconds: float) -> None:
        """Note that a request is tried again after so many seconds, and why."""
        with self._lock:
            self._front.retries += 1
            self._front.requests += 1
            now = self._clock()
            # Several requests may be told at once; they wait for the same moment.
            begin, end = max(now, self._wait[1]), now + seconds
            self._front.waited_seconds += max(0.0, end - begin)
            self._wait = max(self._wait, (reason, end), key=lambda wait: wait[1])

    def finish(self) -> str:
        """Note that the project in front is read to its end, and return a line about it."""
        front = self._front
        front.finished = True
        front.seconds = self._clock() - self._started
        said = f"{front.project}: {front.emitted} issues in {front.pages} page"
        said += "" if front.pages == 1 else "s"
        said += f", {front.seconds:.1f} s, read up to {front.bookmark or 'the beginning'}"
        if front.reanchored_windows:
            said += f"; rows moved {front.reanchored_windows} times meanwhile, and were read again"
        return said

    def line(self) -> str | None:
        """Return how far the project in front is, None between two projects."""
        front = self._front
        if front is self._before or front.finished:
            return self._waiting() or None
        parts = [f"{front.project}: {front.emitted:,} issues"]
        if self._total is not None:
            parts = [f"{front.project}: {front.emitted:,} of {self._whole():,} issues"]
        rate = front.emitted / max(self._clock() - self._started, 0.001)
        if rate and self._total is not None:
            parts += [f"{rate:,.0f}/s", f"{_span((self._whole() - front.emitted) / rate)} left"]
        if front.bookmark:
            parts.append(f"up to {front.bookmark}")
        if waiting := self._waiting():
            # Ahead of the rest, of which a narrow terminal may show nothing.
            parts[0] += f"; {waiting}"
        return ", ".join(parts)

    def share(self) -> tuple[int, int] | None:
        """Return issues read and issues in all of the project in front, where both are known."""
        if self._total is None or self._front.finished:
            return None
        return self._front.emitted, self._whole()

    def summary(self) -> dict[str, Any]:
        """Return what the run came to, by project, by stream of children and in all; to be printed as JSON."""
        if self.projects and not self._front.finished:
            self._front.seconds = self._clock() - self._started
        counted = [self._before, *self.projects]
        in_all: dict[str, Any] = {
            name: sum(getattr(tally, name) for tally in counted)
            for name in ("emitted", "pages", "requests", "retries", "reanchored_windows")
        }
        in_all["waited_seconds"] = round(sum(tally.waited_seconds for tally in counted), 1)
        in_all["seconds"] = round(self._clock() - self._began, 1)
        if self.streams:
            in_all["streams"] = {name: vars(tally) for name, tally in self.streams.items()}
        in_all["unconformed"] = dict(self.unconformed.most_common())
        return {**in_all, "projects": [_rounded(tally) for tally in self.projects]}

    def misfits(self) -> str | None:
        """Return a line about the values that are not what the schema says; None without any."""
        if not self.unconformed:
            return None
        fields = ", ".join(f"{name} ({count:,})" for name, count in self.unconformed.most_common())
        return (
            "Values that are not of the declared type, or of fields that came after the discovery, "
            f"are in `unconformed` of their records, as Jira sent them: {fields}"
        )

    def _whole(self) -> int:
        """Return the issues in all; more come than were counted if people edit meanwhile."""
        return max(self._total or 0, self._front.emitted)

    def _waiting(self) -> str:
        reason, until = self._wait
        left = until - self._clock()
        return f"waiting {_span(left)}: {reason}" if left > 0 else ""


def _rounded(tally: Tally) -> dict[str, Any]:
    shown = vars(tally).copy()
    for name in ("waited_seconds", "seconds"):
        shown[name] = round(shown[name], 1)
    return shown


def _span(seconds: float) -> str:
    """Return a time as a person says it: `45 s`, `12 min`, `3 h 05 min`."""
    if seconds < MINUTE:
        return f"{math.ceil(seconds)} s"
    if seconds < HOUR:
        return f"{seconds / MINUTE:.0f} min"
    return f"{seconds // HOUR:.0f} h {seconds % HOUR // MINUTE:02.0f} min"
