"""Which page to ask for next, so that no issue is lost while people edit. Pure.

Jira pages by offset over a result that changes while it is read: an edited issue leaves its place
and every later row moves up by one, past the reader. So a result is read in **windows**, one query
`updated >= since ORDER BY updated ASC, key ASC` each, and

- every page overlaps the page before it by one row. A page that does not begin with the row that
  ended the last one proves that rows moved; the reader steps back until it finds that row, and
  where it is gone, opens a new window at the minute of the last row that was read in order;
- after 5,000 rows a new window is opened anyway, so that the offset stays far from Jira's limit of
  10,000 rows (Atlassian KB "Handling JQL REST API searching exceeding max_result_window");
- where that limit comes near within one minute, which a bulk change of many issues does, the minute
  is read in the order of keys, in windows `updated >= M AND updated < M + 1 min AND key >= LAST`,
  and if the minute is too young to be trusted, everything from it on. Each of them has to begin with
  LAST: Jira refuses the key of a deleted issue, and reads that of a moved one as its place in the
  other project, where nothing is found. Then the minute is read from its first key again;
- rows that are seen again are known by (id, updated) and not emitted twice.

**The index lags.** Jira sorts by the `updated` of its search index, but shows the one of its
database. A row edited a moment ago may so stand at its old place with its new time. Times younger
than `stop - lookback` are therefore emitted, but never trusted as a position: neither a window nor
a bookmark in mid-run is set by them, and as the row that ties two pages together they count only
where they stand as expected.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_jira_oauth.errors import AnswerError
from tap_jira_oauth.span import MINUTE, Ask, Row, Span, Window, floor_to_minute, lower_bound
from tap_jira_oauth.standstill import MAX_REPEATS, Standstill

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

WINDOW_ROWS = 5_000
"""Rows after which a window is left for a new one, half of Jira's limit."""

LATE_ROWS = 50
"""So many rows in a row, all younger than the run, may end it: it would chase edits for ever."""

SECOND = 1000
"""Milliseconds."""


class Reader:
    """Reads one project page by page: `ask` says what to fetch, `take` what of the answer is new."""

    def __init__(
        self, span: Span, seen: Mapping[str, int] | None = None, window_rows: int = WINDOW_ROWS
    ) -> None:
        """Open the first window; `seen` are the rows (id: updated) that an earlier run emitted."""
        self.done = False
        self.moved = 0
        self._span = span
        self._window = Window(span.since)
        self._seen = dict(seen or {})
        self._edge = dict(self._seen)
        # Not every database keeps more; one row with a fraction proves that this one does.
        self._finer_than_seconds = any(updated % SECOND for updated in self._seen.values())
        self._window_rows = window_rows
        self._newest: int | None = None
        self._settled: int | None = None
        self._caught_up = False
        self._inherited = set(self._seen)
        self._expected: int | None = None
        self._passed = 0
        self._withheld: set[Row] = set()
        self._late = 0
        self._standstill = Standstill()
        self._start_at = 0
        self._reached = 0
        self._back = 0
        self._page_rows = 0
        self._last: Row | None = None

    @property
    def ask(self) -> Ask:
        """The page to ask for next."""
        return Ask(self._window, self._start_at)

    def ahead(self, size: int, total: int | None) -> Iterator[Ask]:
        """Return the pages that will be asked for if nothing moves, the next one first.

        `size` is the number of rows in a page, `total` how many rows the window has, if known.
        """
        start_at = self._start_at
        yield self.ask
        while total is not None and start_at + size < min(total, self._window_rows):
            start_at += size - 1
            yield Ask(self._window, start_at)

    @property
    def bookmark(self) -> int | None:
        """How far the project was read: every row up to here was handed out by `take`.

        In mid-run only settled rows count, since a younger one may stand too early; at the end of
        the result all do, up to `stop`. None as long as nothing was read.
        """
        reached = self._settled
        if self._caught_up and self._newest is not None:
            reached = min(self._newest, self._span.stop)
        if reached is None or self._span.until is None:
            return reached
        return min(reached, self._span.until - 1)

    @property
    def rest(self) -> float:
        """How many seconds to wait before the next page is asked for: an index may have to catch up."""
        return self._standstill.rest

    def boundary(self, bookmark: int) -> dict[str, int]:
        """Return the rows (id: updated) that a run from `bookmark` on may be shown again.

        Asked for after each page with a bookmark that never goes back, so what is behind it is
        forgotten: to look through all that a window has seen would take longer than to read the page.
        """
        lower = lower_bound(bookmark, self._span.lookback)
        self._edge = _from(lower, self._edge)
        if not self._finer_than_seconds:
            # The second in which a row was read may not have been over, and a later edit in it has the
            # same time: such a row is taken again. `stop` is the last millisecond of a second.
            over = self._span.stop - 2 * SECOND
            return {id_: updated for id_, updated in self._edge.items() if updated <= over}
        return dict(self._edge)

    def take(self, rows: Sequence[Row], total: int, covered: int = 0) -> list[int]:
        """Take the answer to `ask`; return the indexes of the rows to emit, in order.

        `total` is the number of rows that this answer counts in the window, `covered` how many it
        says to have looked at; it shows fewer where the index still has what is deleted. A page from
        which rows moved away since the last one gives nothing; the next `ask` goes back for them.

        Raises:
            AnswerError: rows keep moving and the reader gets no further.
        """
        if self._expected is None:
            self._expected = total
        self._page_rows = max(len(rows), covered)
        overlap = self._overlap(rows)
        if overlap is None:
            self._step_back(rows)
            return []
        passed = self._passed
        new = self._note(rows)
        if self._passed > passed:
            self._standstill.over()
        if not self._window.by_key:
            self._settle(rows)
        fresh = rows[overlap:]
        hidden = not fresh and self._start_at + covered >= total
        self._advance(rows, fresh, 0 if hidden else total)
        return new

    def _overlap(self, rows: Sequence[Row]) -> int | None:
        """Return how many rows at the top are known from the page before, None if rows moved.

        A row that was edited a moment ago proves nothing by being in the page: it may have moved to
        the end of the result in the meantime, with everything behind it.
        """
        last = self._last
        if last is None:
            return 0
        if self._window.by_key or last.updated <= self._trusted:
            return rows.index(last) + 1 if last in rows else None
        return 1 if rows and rows[0] == last else None

    @property
    def _trusted(self) -> int:
        """The youngest time that is a row's place in the index, too."""
        return self._span.stop - self._span.lookback

    def _note(self, rows: Sequence[Row]) -> list[int]:
        """Count and remember the rows that were not passed before; return those to emit."""
        new = []
        self._finer_than_seconds |= any(row.updated % SECOND for row in rows)
        for index, row in enumerate(rows):
            if self._seen.get(row.id, -1) >= row.updated:  # an older one: another node lags
                if row.id in self._inherited:
                    self._inherited.remove(row.id)
                    self._passed += 1
            elif self._wanted(row):
                new.append(index)
                self._seen[row.id] = self._edge[row.id] = row.updated
                self._inherited.discard(row.id)
                self._newest = max(row.updated, self._newest or 0)
                self._passed += 1
            elif row not in self._withheld:
                # Not remembered as seen: a later run with other bounds has to emit it.
                self._withheld.add(row)
                self._passed += 1
        return new

    def _wanted(self, row: Row) -> bool:
        """Tell whether a row is within the bounds.

        Jira shows older rows than it was asked for where times are written in minutes of a zone;
        all before the window's beginning were read before.
        """
        since, until = self._window.since, self._span.until
        return (since is None or row.updated >= since) and (until is None or row.updated < until)

    def _settle(self, rows: Sequence[Row]) -> None:
        """Note the last row whose time is old enough to be its place in the index, too."""
        settled = max((row.updated for row in rows if row.updated <= self._trusted), default=None)
        if settled is not None:
            self._settled = max(settled, self._settled or settled)

    def _advance(self, rows: Sequence[Row], fresh: Sequence[Row], total: int) -> None:
        """Decide what comes after a page that was read in order; `fresh` follows the overlap."""
        end = self._start_at + len(rows)
        late = [row.updated > self._span.stop for row in fresh]
        self._late = self._late + len(late) if all(late) else 0
        if end >= total:
            self._finish_window()
        elif not self._window.by_key and (self._only_late_rows_left() or self._past_until()):
            self.done = True
        else:
            if end > self._reached:
                self._standstill.further()
            self._reached = max(end, self._reached)
            self._go_on(rows, end)

    def _finish_window(self) -> None:
        """All rows of the window were read: the run is at its end, or behind a minute."""
        if self._window.before is not None:
            self._start(Window(self._window.before))
        else:
            self.done = self._caught_up = True

    def _go_on(self, rows: Sequence[Row], end: int) -> None:
        if end >= self._window_rows and self._can_leave():
            self._open()
        elif end + 2 * self._page_rows > 2 * self._window_rows and not self._window.by_key:
            # The next page may be twice as large: one that was asked for in halves grows back.
            self._open_by_key()
        elif len(rows) > 1:
            self._start_at, self._last, self._back = end - 1, rows[-1], 0
        else:
            self._step_back(rows)

    def _only_late_rows_left(self) -> bool:
        """Tell whether nothing follows but rows that were edited since the run began.

        Rows move to the end only, so whatever was there at the first answer has been passed after
        as many rows. Until then late rows are neighbours that were edited together, at their old
        place in a lagging index, and others wait behind them.
        """
        return self._late >= LATE_ROWS and self._passed >= (self._expected or 0)

    def _past_until(self) -> bool:
        until = self._span.until
        return until is not None and self._settled is not None and self._settled >= until

    def _step_back(self, rows: Sequence[Row]) -> None:
        """Rows moved: look for the last good one further up, twice as far each time."""
        self.moved += 1
        self._standstill.refused(hash((self.ask, *rows)))
        if self._standstill.is_hopeless:
            raise AnswerError(
                f"Jira's answers to the same search (updated >= {self._window.since}) contradict "
                f"each other {MAX_REPEATS} times in a row, for minutes. Run again; if it stays so, ask "
                "an administrator of Jira to check its search index (System > Indexing)."
            )
        late = self._last is not None and self._last.updated > self._trusted
        if self._start_at == 0 or (late and not self._window.by_key):
            self._open()
            return
        self._back = max(2, 2 * self._back)
        self._start_at = max(0, self._start_at - self._back)

    def _can_leave(self) -> bool:
        """Tell whether a window at the last good row would begin later than this one."""
        if self._window.by_key:
            return self._last is not None and self._last.key != self._window.after
        since = self._window.since
        return self._settled is not None and (
            since is None or floor_to_minute(self._settled) > since
        )

    def _open(self) -> None:
        """Open a window at the last good row, or read this one again."""
        window = self._window
        if window.by_key:
            last = self._last if self._can_leave() else None
            self._start(window._replace(after=last.key if last else ""))
            self._last = last
            return
        if self._can_leave() and self._settled is not None:
            window = Window(floor_to_minute(self._settled))
            lower = lower_bound(self._settled, self._span.lookback)
            self._seen, self._edge = _from(lower, self._seen), _from(lower, self._edge)
        self._start(window)

    def _open_by_key(self) -> None:
        """More rows than Jira gives out follow, and no time among them to begin a window at.

        They share the minute that the window begins with; or all of them were edited a moment ago,
        and then there is nothing behind them.
        """
        since = self._window.since
        if self._settled is None or (since is not None and self._settled < since):
            self._start(Window(since, after=""))
        else:
            minute = floor_to_minute(self._settled)
            self._start(Window(since, before=minute + MINUTE, after=""))

    def _start(self, window: Window) -> None:
        self._window = window
        self._start_at = self._reached = self._back = 0
        self._last = None


def _from(lower: int, rows: Mapping[str, int]) -> dict[str, int]:
    return {id_: updated for id_, updated in rows.items() if updated >= lower}
