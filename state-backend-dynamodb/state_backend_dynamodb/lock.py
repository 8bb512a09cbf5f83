"""The lock of one state id: taken by a conditional write, kept by renewal, checked by every write.

All of it is in the state's own item, so a write of state can depend on the lock without a
transaction. `fence` counts how often the lock was taken and never goes back, also when the state is
cleared: the chunks of a holder that was taken over are told from its successor's by it.
"""

from __future__ import annotations

import logging
import threading
from datetime import datetime, timezone
from typing import TYPE_CHECKING, NamedTuple

from state_backend_dynamodb.errors import LostLockError, StateBackendError, StateHeldError
from state_backend_dynamodb.lease import BEATS_PER_LEASE, LockRecord, Step, Watch
from state_backend_dynamodb.table import STATES

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from state_backend_dynamodb.table import Item, Table

logger = logging.getLogger(__name__)

_TAKE = (
    "SET #lock_owner = :owner, #lock_beat = :zero, #lock_lease = :lease, #lock_holder = :holder, "
    "#lock_since = :since, #fence = if_not_exists(#fence, :zero) + :one"
)
_RELEASE = "REMOVE #lock_owner, #lock_beat, #lock_lease, #lock_holder, #lock_since"

OURS = "#lock_owner = :owner"
"""The condition of everything that only the holder may do."""


class Clock(NamedTuple):
    """What a lock knows of time."""

    now: Callable[[], datetime]
    """The date, for people."""
    monotonic: Callable[[], float]
    sleep: Callable[[float], None]


class Terms(NamedTuple):
    """How a lock is held and waited for, in seconds."""

    lease: float
    """After which a holder that is not heard of is no holder any more."""
    patience: float
    """How long to wait for a holder that is alive."""
    retry: float
    """Between two looks at somebody else's lock."""


class Lock:
    """One holding of a lock: taken once, released once."""

    def __init__(  # noqa: PLR0913 - what it is of, how, by whom, when
        self, table: Table, state_id: str, terms: Terms, *, owner: str, holder: str, clock: Clock
    ) -> None:
        """Nothing is asked yet. `owner` is unique to this holding, `holder` is for people."""
        self._table = table
        self._state_id = state_id
        self._terms = terms
        self.owner = owner
        self.holder = holder
        self.fence = 0
        """Greater than that of every earlier holder; 0 while not held."""
        self._clock = clock
        self._beat = 0

    def take(self) -> None:
        """Wait until nobody else holds it, and hold it.

        Raises:
            StateHeldError: somebody else holds it, and is alive.
        """
        watch = Watch(self._terms.patience, self._clock.monotonic())
        told: str | None = None
        while True:
            asked = self._clock.monotonic()
            record = self._record(self._table.get(STATES, self._state_id))
            step = watch.step(record, asked, self._clock.monotonic())
            if step in (Step.TAKE, Step.TAKE_OVER) and self._try(record):
                if record:
                    logger.warning(
                        "Took state '%s' over from %s, not heard of for %s seconds.",
                        *(self._state_id, record.holder, f"{record.lease_seconds:g}"),
                    )
                return
            if record and record.owner != told:
                logger.info("State '%s' is %s; waiting.", self._state_id, _held_by(record))
                told = record.owner
            if step is Step.GIVE_UP and record:
                raise StateHeldError(
                    f"State '{self._state_id}' is {_held_by(record)}, which is alive. Only one run "
                    "of a state id can go on at a time: wait for its end, or stop it."
                )
            if step is Step.WAIT:
                self._clock.sleep(watch.pause(self._terms.retry, self._clock.monotonic()))

    def renew(self) -> None:
        """Say that the holder lives.

        Raises:
            LostLockError: somebody else has it.
        """
        self._beat += 1
        values = {"owner": self.owner, "beat": self._beat}
        if not self._table.update(STATES, self._state_id, "SET #lock_beat = :beat", OURS, values):
            raise self.lost()

    def release(self) -> None:
        """Give it back; a lock that is somebody else's by now is left alone.

        What was done under the lock is done: that it cannot be given back is no failure of it.
        """
        try:
            self._table.update(STATES, self._state_id, _RELEASE, OURS, {"owner": self.owner})
        except StateBackendError as error:
            logger.warning(
                "The lock of state '%s' was not given back, so the next run waits %g seconds. %s",
                *(self._state_id, self._terms.lease, error.args[0]),
            )

    def lost(self) -> LostLockError:
        """Return the error to raise when the lock turns out to be another one's."""
        record = self._record(self._table.get(STATES, self._state_id))
        now = f"it is {_held_by(record)} by now" if record else "somebody has removed it"
        return LostLockError(
            f"The lock of state '{self._state_id}' is lost: {now}. Nothing was written. This process "
            f"was not heard of for {self._terms.lease:g} seconds; start the run again."
        )

    def _try(self, seen: LockRecord | None) -> bool:
        condition = "attribute_not_exists(#lock_owner)"
        values = {
            "owner": self.owner,
            "zero": 0,
            "one": 1,
            "lease": str(self._terms.lease),
            "holder": self.holder,
            "since": f"{self._clock.now().astimezone(timezone.utc):%Y-%m-%dT%H:%M:%SZ}",
        }
        if seen:
            condition = "#lock_owner = :seen AND #lock_beat = :beat"
            values |= {"seen": seen.owner, "beat": seen.beat}
        taken = self._table.update(STATES, self._state_id, _TAKE, condition, values)
        if taken is None:
            # Sent again after a lost answer, the condition fails by our own success.
            found = self._table.get(STATES, self._state_id)
            taken = found if found and found.get("lock_owner") == self.owner else None
        if taken:
            self.fence = int(taken["fence"])
        return taken is not None

    def _record(self, item: Item | None) -> LockRecord | None:
        if item is None or "lock_owner" not in item:
            return None
        return LockRecord(
            item["lock_owner"],
            int(item["lock_beat"]),
            float(item["lock_lease"]),
            item["lock_holder"],
            item["lock_since"],
        )


class Renewal:
    """Renews a lock in a thread of its own, for as long as the block lasts."""

    def __init__(self, lock: Lock, lease_seconds: float) -> None:
        """Nothing runs yet."""
        self._lock = lock
        self._pause = lease_seconds / BEATS_PER_LEASE
        self._over = threading.Event()
        # A daemon: a process that ends without releasing must end all the same.
        self._thread = threading.Thread(target=self._renew, name="lock-renewal", daemon=True)

    def __enter__(self) -> None:
        """Begin."""
        self._thread.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop, and wait for a renewal that is under way."""
        self._over.set()
        self._thread.join()

    def _renew(self) -> None:
        while not self._over.wait(self._pause) and self._renewed():
            pass

    def _renewed(self) -> bool:
        """Renew once; return whether it is worth going on."""
        try:
            self._lock.renew()
        except LostLockError as error:
            logger.error("%s", error.args[0])  # noqa: TRY400 - the sentence says all
            return False
        except StateBackendError as error:
            logger.warning("A lock was not renewed, and will be tried again. %s", error.args[0])
        return True


def _held_by(record: LockRecord) -> str:
    return f"held by {record.holder} since {record.since}"
