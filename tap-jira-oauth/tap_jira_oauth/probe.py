"""Whether a Jira reads an unquoted number in JQL as epoch milliseconds. Pure; the asking is a parameter.

Jira's documentation does not say so; a server that read seconds, or ignored the bound, would make
every incremental run too large or empty without any error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_MINUTE = 60_000
_DAY = 24 * 60 * _MINUTE


def reads_epoch_ms(newest: int, now: int, count: Callable[[str], int | None]) -> bool:
    """Tell whether the server reads `updated >= 1767322984678` as milliseconds.

    `newest` is the `updated` of any issue that the user sees, best the newest, `now` the server's
    clock, both in epoch ms. `count` returns how many issues a JQL finds, None for one that the
    server refuses. A bound a minute before that issue must find it; a bound a day after now must
    find nothing.
    """
    before = count(f"updated >= {newest - newest % _MINUTE - _MINUTE}")
    if not before:
        return False
    return count(f"updated >= {max(newest, now) + _DAY}") == 0
