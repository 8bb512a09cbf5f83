"""Which STATE may be printed: only one whose every earlier record is durable. Pure.

Each object gets a ticket, a number that grows in the order of opening, and holds it until it is
durable. A STATE has to wait for all tickets held when it arrived. Tickets only grow, so that set is
"all held tickets up to the newest one", and one number describes it. Two STATEs that wait for the
same tickets are covered at the same moment, and only the newer one is ever printed: the older is
dropped. So the ledger never keeps more STATEs than there are open objects.
"""

from __future__ import annotations

import bisect


class Ledger:
    """Tickets held by objects that are not durable yet, and the STATEs that wait for them.

    STATE values are the bytes as received. `state` and `release` return the value to print now, or
    None.
    """

    def __init__(self) -> None:
        """Start with nothing held, nothing waiting, nothing printed."""
        self._held: list[int] = []
        self._waiting: dict[int, bytes] = {}
        self._printed: bytes | None = None

    def hold(self, ticket: int) -> None:
        """Note that an object was opened. Tickets come in growing order."""
        if self._held and ticket <= self._held[-1]:
            raise ValueError(f"Ticket {ticket} is not newer than {self._held[-1]}.")
        self._held.append(ticket)

    def state(self, value: bytes) -> bytes | None:
        """Take a STATE; it is returned at once if nothing is held, else it waits."""
        if not self._held:
            return self._print(value)
        self._waiting[self._held[-1]] = value
        return None

    def release(self, ticket: int) -> bytes | None:
        """Note that an object is durable; return the newest STATE that this covers."""
        place = bisect.bisect_left(self._held, ticket)
        if self._held[place : place + 1] != [ticket]:
            raise ValueError(f"Ticket {ticket} is not held.")
        del self._held[place]
        value = self._waiting.pop(ticket, None)
        if value is None:
            return None
        if place == 0:
            return self._print(value)
        self._waiting[self._held[place - 1]] = value
        return None

    def _print(self, value: bytes) -> bytes | None:
        """Return the value unless it repeats the one printed last."""
        if value == self._printed:
            return None
        self._printed = value
        return value
