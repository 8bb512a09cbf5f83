"""Whether a Jira reads an unquoted number in JQL as epoch milliseconds. Pure; the asking is a parameter.

Jira's documentation does not say so; a server that read seconds, or passed over the bound, would
make every incremental run too large or empty without any error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_DAY = 24 * 60 * 60_000

_LONG_AGO = 1_000_000_000_000
"""September 2001, before the first Jira. As seconds it is in the year 33658, as microseconds in 1970."""


def reads_epoch_ms(now: int, count: Callable[[str], int | None]) -> bool | None:
    """Tell whether the server reads `updated >= 1767322984678` as milliseconds; None: no issue tells.

    `now` is the server's clock in epoch ms. `count` returns how many issues a JQL finds, None for
    one that the server refuses. One question where it does: all issues lie between the two
    bounds. They lie before the first bound if numbers are seconds, behind the second one if they
    are microseconds; and a bound that is passed over holds for all, so that its NOT holds for none.
    """
    found = count(f"updated >= {_LONG_AGO} AND NOT updated >= {now + _DAY}")
    if found:
        return True
    return False if found is None or count("") else None
