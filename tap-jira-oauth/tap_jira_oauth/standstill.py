"""How long a reader whose pages bring it no further goes on, rests, and gives up. Pure."""

from __future__ import annotations

from collections import Counter

FREE_REPEATS = 8
"""So often rows may move without the reader getting any further before it rests between two pages.

That is normal while people edit the very rows that are read. More than that is mostly an index that
lags: one that still counts what is deleted, or that of another node. It catches up if it is let.
"""

LONGEST_REST = 10.0
"""Seconds between two pages at most; rests grow to it from a tenth of a second."""

MAX_REPEATS = 46
"""How often that may go on before it is an error: with all rests, five minutes."""


class Standstill:
    """Counts the pages that did not tie in since the reader last got any further.

    While people edit, such pages differ. The very same one, again and again and with no new row in
    between, is no edit, however far a window got that was opened anew.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self._repeats = 0
        self._same: Counter[int] = Counter()

    def refused(self, page: int) -> None:
        """Note one more, by the hash of what was asked for and of what came."""
        self._repeats += 1
        self._same[page] += 1

    def further(self) -> None:
        """Note that a page has ended further down than any before it in the window."""
        self._repeats = 0

    def over(self) -> None:
        """Note that rows came which were not passed before."""
        self._repeats = 0
        self._same.clear()

    @property
    def rest(self) -> float:
        """How many seconds to wait before the next page."""
        return resting(self._count)

    @property
    def is_hopeless(self) -> bool:
        """Tell whether that was too often."""
        return self._count > MAX_REPEATS

    @property
    def _count(self) -> int:
        return max(self._repeats, max(self._same.values(), default=0))


def resting(repeats: int) -> float:
    """Return how many seconds to wait after so many pages in a row that brought the reader no further."""
    if repeats <= FREE_REPEATS:
        return 0.0
    return min(LONGEST_REST, 0.1 * 2.0 ** (repeats - FREE_REPEATS - 1))
