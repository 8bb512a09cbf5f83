"""What there is to read of a project: rows in the order of their last change, windows of them, pages. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

MINUTE = 60_000
"""One minute in milliseconds: the precision that Jira's search promises for dates."""


class Row(NamedTuple):
    """One version of an issue: its id, its `updated` (epoch ms, UTC) and its key."""

    id: str
    updated: int
    key: str = ""


class Window(NamedTuple):
    """One query: rows from `since` on (epoch ms; None: from the beginning), oldest change first.

    Where `after` is set, rows come in the order of keys instead, from that key on, which was read
    (empty: the first one), up to `before` (exclusive; None: no bound).
    """

    since: int | None
    before: int | None = None
    after: str | None = None

    @property
    def by_key(self) -> bool:
        """Tell whether the order is that of keys."""
        return self.after is not None


class Ask(NamedTuple):
    """One page to ask for."""

    window: Window
    start_at: int


@dataclass(frozen=True)
class Span:
    """What to read of a project; all in epoch milliseconds, UTC.

    `since` is where to begin, `until` (exclusive) where to end, None for no bound. `stop` is the
    server's clock when the run began, `lookback` how long its index may lag.
    """

    since: int | None
    until: int | None
    stop: int
    lookback: int


def floor_to_minute(moment: int) -> int:
    """Return the start of the minute that `moment` (epoch ms) lies in."""
    return moment - moment % MINUTE


def lower_bound(bookmark: int, lookback: int) -> int:
    """Return where a run that starts from `bookmark` begins to look."""
    return floor_to_minute(bookmark - lookback)
