"""A project in parts of about the same size, by when its issues were created, which never changes. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from tap_jira_oauth.span import MINUTE, floor_to_minute

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_jira_oauth.jql import Literal

FIRST_JIRA = 1_009_843_200_000
"""2002-01-01. Issues that were imported may be older; they are in the first part."""

TOLERANCE = 0.05
"""By how much of its size a part may be larger or smaller: each halving is a question to Jira."""


@dataclass(frozen=True)
class Part:
    """Issues created from `since` on and before `before` (epoch ms; None: no bound), and how many."""

    since: int | None
    before: int | None
    issues: int

    def jql(self, literal: Literal, condition: str | None = None) -> str:
        """Return what selects them, within a condition."""
        clauses = [f"({condition})"] if condition else []
        if self.since is not None:
            clauses.append(f"created >= {literal(self.since)}")
        if self.before is not None:
            clauses.append(f"created < {literal(self.before)}")
        return " AND ".join(clauses)


def divided(count: Callable[[int], int], total: int, now: int, parts: int) -> list[Part]:
    """Divide `total` issues; `count` tells how many were created before a moment (epoch ms).

    There are fewer parts where many issues were created in one minute.
    """
    lower = (FIRST_JIRA, 0)
    bounds = [lower]
    for number in range(1, parts):
        lower = _boundary(count, total * number / parts, total / parts, (lower, (now, total)))
        bounds.append(lower)
    inner = [
        each for one, each in pairwise(bounds) if each[0] > one[0] and one[1] < each[1] < total
    ]
    ends = [(None, 0), *inner, (None, total)]
    return [Part(one[0], other[0], other[1] - one[1]) for one, other in pairwise(ends)]


def _boundary(
    count: Callable[[int], int],
    target: float,
    size: float,
    between: tuple[tuple[int, int], tuple[int, int]],
) -> tuple[int, int]:
    """Return a minute before which about `target` issues were created, and how many they are."""
    (low, before_low), (high, before_high) = between
    while high - low > MINUTE:
        middle = floor_to_minute((low + high) // 2)
        found = count(middle)
        if abs(found - target) <= TOLERANCE * size:
            return middle, found
        if found < target:
            low, before_low = middle, found
        else:
            high, before_high = middle, found
    nearer_low = target - before_low <= before_high - target
    return (low, before_low) if nearer_low else (high, before_high)
