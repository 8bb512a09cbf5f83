"""Pages of a project, in order and verified, several under way. The only module that knows threads.

The reader of a project decides page by page what comes next. Meanwhile the pages that it will ask
for if nothing moves are asked for already, and when those are all under way, the first ones of the
next projects. What was asked for in vain is dropped.
"""

from __future__ import annotations

import itertools
import logging
import threading
from collections import deque
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from tap_jira_oauth.cloud_window import Chain, CloudReader
from tap_jira_oauth.errors import TapError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tap_jira_oauth.cloud_window import CloudAsk
    from tap_jira_oauth.page_size import PageSize
    from tap_jira_oauth.span import Ask, Row
    from tap_jira_oauth.window import Reader

logger = logging.getLogger("tap-jira-oauth")

T = TypeVar("T")


@dataclass(frozen=True)
class Found(Generic[T]):
    """One answer: what was made of its issues, with the place of each in the order of the window.

    `covered` is how many of the window's rows Jira says to have looked at for it. `chain` is what leads to the next page on Cloud; `requests` counts what was asked for all this.
    """

    issues: list[T]
    rows: list[Row]
    total: int
    covered: int = 0
    chain: Chain | None = None
    requests: int = 1


@dataclass
class Arrived(Generic[T]):
    """An answer that nobody has looked at yet.

    It is decoded by the thread that prints it, one page after the other: while a page is decoded
    Python does nothing else anyway, and what one core has just decoded another would have to fetch.
    """

    read: Callable[[], Found[T]]

    @cached_property
    def found(self) -> Found[T]:
        """Decode it, once.

        Raises:
            TapError: Jira answered something else.
        """
        found = self.read()
        del self.read  # and with it the answer's bytes
        return found


@dataclass(frozen=True)
class Page(Generic[T]):
    """What was made of those issues of one answer that are new, and the rows that its window counts in all.

    `requests` counts those that were sent since the page before, also ahead and in vain.
    """

    issues: list[T]
    total: int
    requests: int


class Search(Protocol[T]):
    """Asks for one page."""

    @property
    def size(self) -> PageSize:
        """The size of the pages to come."""

    def find(self, project_key: str, ask: Any) -> Arrived[T]:
        """Return the answer to `ask`, which is what the reader of its flavour says."""


@dataclass
class Reading:
    """One project that is read, and the pages of it that are under way or wait to be taken."""

    key: str
    reader: Reader | CloudReader
    total: int | None = None
    pending: dict[Ask | CloudAsk, Future[Arrived[Any]]] = field(default_factory=dict)
    sent: int = 0

    def take(self, found: Found[Any]) -> list[int]:
        """Give the reader the answer that it asked for; return the indexes of the new issues."""
        if isinstance(self.reader, CloudReader):
            return self.reader.follow(found.rows, found.chain or Chain())
        return self.reader.take(found.rows, found.total, found.covered)

    @property
    def rest(self) -> float:
        """How many seconds to wait before the next page. On Cloud a token stands for one state of the index."""
        return 0.0 if isinstance(self.reader, CloudReader) else self.reader.rest

    def asks(self, size: PageSize) -> Iterator[Ask | CloudAsk]:
        """Return what the reader will ask for, as far as it can be told."""
        first = self.pending.get(self.reader.ask)
        total = self.total
        if first is not None and first.done():
            with suppress(TapError):  # raised again when it is this page's turn
                total = first.result().found.total
        return self.reader.ahead(size.current, total)


class Fetcher(Generic[T]):
    """Reads one project after the other, with up to `width` pages under way, and some more waiting."""

    def __init__(self, search: Search[T], width: int, close: Callable[[float], None]) -> None:
        """Prepare; nothing is asked for yet. `close` lets no request be sent for so many seconds."""
        self._search = search
        self._width = width
        self._close = close
        self._readings: list[Reading] = []
        self._dropped: list[Future[Arrived[Any]]] = []

    def pages(
        self, reading: Reading, upcoming: Callable[[], Iterable[Reading]]
    ) -> Iterator[Page[T]]:
        """Read one project until its reader is done; look ahead into the `upcoming` ones.

        Raises:
            TapError: Jira refused, did not answer, or answered something else.
            StopRequestedError: the run was asked to stop while it waited.
        """
        reader = reading.reader
        try:
            while not reader.done:
                self._look_ahead(reading, upcoming)
                found = self._found(reading)
                new = reading.take(found)
                self._rest(reading)
                reading.total = found.total
                if reader.ask not in reading.pending or reader.done:
                    self._drop(reading)
                self._look_ahead(reading, upcoming)
                requests, reading.sent = reading.sent + found.requests - 1, 0
                yield Page([found.issues[index] for index in new], found.total, requests)
        finally:
            self._drop(reading)
            if reading in self._readings:
                self._readings.remove(reading)

    def _found(self, reading: Reading) -> Found[T]:
        """Return the answer to what the reader asks; one that turns out to be cut is asked for once more."""
        ask = reading.reader.ask
        arrived = reading.pending.pop(ask).result()
        try:
            return arrived.found
        except UnavailableError as error:
            logger.warning("%s: %s It is asked for once more.", reading.key, error)
            self._send(reading, ask)
            return reading.pending.pop(ask).result().found

    def _rest(self, reading: Reading) -> None:
        if reading.rest:
            logger.info(
                "%s: pages do not fit together, as while Jira's index lags; waiting %.1f s",
                reading.key,
                reading.rest,
            )
            self._close(reading.rest)

    def _look_ahead(self, reading: Reading, upcoming: Callable[[], Iterable[Reading]]) -> None:
        """Ask for what is needed now, and for as much of what comes next as is allowed."""
        self._dropped = [future for future in self._dropped if not future.done()]
        if not reading.reader.done and reading.reader.ask not in reading.pending:
            self._send(reading, reading.reader.ask)
        for each in itertools.chain([reading], upcoming()):
            if each.reader.done:
                continue
            for ask in each.asks(self._search.size):
                if ask in each.pending:
                    continue
                if not self._has_room(reading, each):
                    if each is reading:
                        break
                    return
                self._send(each, ask)

    def _has_room(self, reading: Reading, each: Reading) -> bool:
        """Tell whether one more page of `each` may be asked for ahead, while `reading` is read.

        What waits to be taken takes memory, but no request: the pages of later projects must not
        keep back those of the project that is read, nor the other way round.
        """
        waiting = [future for other in self._readings for future in other.pending.values()]
        if sum(not future.done() for future in [*waiting, *self._dropped]) >= self._width:
            return False
        if each is reading:
            return len(reading.pending) < self._width
        return len(waiting) < 2 * self._width

    def _send(self, reading: Reading, ask: Ask | CloudAsk) -> None:
        reading.sent += 1
        if reading not in self._readings:
            self._readings.append(reading)
        reading.pending[ask] = in_background(lambda: self._search.find(reading.key, ask))

    def _drop(self, reading: Reading) -> None:
        self._dropped += reading.pending.values()
        reading.pending.clear()


def overlapped(works: Iterable[Callable[[], T]], width: int) -> Iterator[T]:
    """Do things in the background, up to `width` at a time; yield what they return, in order."""
    under_way: deque[Future[T]] = deque()
    for work in works:
        if len(under_way) >= width:
            yield under_way.popleft().result()
        under_way.append(in_background(work))
    while under_way:
        yield under_way.popleft().result()


def in_background(work: Callable[[], T]) -> Future[T]:
    """Do something in a thread of its own, which does not keep the program from ending."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - whoever takes the result gets it
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future
