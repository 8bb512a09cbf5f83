"""A list that Jira gives newest first, by offsets, read from its end: the oldest first. Pure.

So a bookmark may follow page by page. The first page is asked for first, since it tells how long the
list is; it is kept until its turn comes. Each page has to end with the row that began the one before,
and the list to be as long as it was: else rows have come in front and moved all others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from tap_jira_oauth.errors import AnswerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Row = dict[str, Any]


class Part(msgspec.Struct):
    """Some rows, from an offset on, and how many there are in all."""

    records: list[Row]
    total: int


def oldest_first(ask: Callable[[int], Part]) -> Iterator[list[Row] | None]:
    """Yield the rows page by page, each page sorted by age, too; None, and no more, where they moved.

    `ask` is given an offset, and returns as many rows from there on as Jira gives at once.

    Raises:
        AnswerError: that is too few.
    """
    newest = ask(0)
    size = len(newest.records)
    end, tie = newest.total, None
    if size < min(end, 2):
        raise AnswerError(f"Jira says that there are {end} entries, and lists {size} at a time.")
    while end > size:
        begin = max(end - size, size - 1)
        part = ask(begin)
        rows = part.records[: end - begin]
        moved = part.total != newest.total or len(rows) < end - begin
        if moved or (tie is not None and rows[-1] != tie):
            yield None
            return
        yield rows[::-1] if tie is None else rows[-2::-1]
        end, tie = begin + 1, rows[0]
    if tie is not None and newest.records[-1] != tie:
        yield None
        return
    yield newest.records[::-1] if tie is None else newest.records[-2::-1]
