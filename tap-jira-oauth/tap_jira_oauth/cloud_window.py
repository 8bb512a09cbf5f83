"""Which page of a Jira Cloud search to ask for next, and what of it is new. Pure.

Cloud pages by token: a token is a position in the order `updated ASC, key ASC` and no row number,
so an edited issue hides no other. What is left to guard against is the token itself. It lives for
seven days (Cloud's OpenAPI, `nextPageToken`), may come back unchanged, may come with empty pages
for ever, and now and then a long chain of tokens ends before the result does. So

- a **window** is one query `updated >= since` and its chain of tokens. Where the chain breaks, a
  new window opens at the minute of the last row whose place is certain;
- after 20,000 rows a new window is opened anyway;
- the end of a chain is the end of the project only if as many rows came as Jira counts, or if one
  more window brings nothing new;
- rows that are seen again are known by (id, updated) and not emitted twice.

**The index lags**, as on Data Center and by more: times younger than `stop - lookback` are emitted,
but never trusted as a position (see `window`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tap_jira_oauth.errors import AnswerError
from tap_jira_oauth.span import floor_to_minute, lower_bound
from tap_jira_oauth.window import LATE_ROWS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tap_jira_oauth.span import Row, Span

CHAIN_ROWS = 20_000
"""Rows after which a window is left for a new one: 200 full pages, minutes of a token's seven days."""

MAX_BREAKS = 20
"""How often a chain of tokens may break without a new row before that is an error."""

EMPTY_PAGES = 20
"""So many empty pages in a row, each with a token, are no way to get on."""


class CloudAsk(NamedTuple):
    """One page to ask for: the window's lower bound (epoch ms) and the token, None for its start.

    `uncounted` tells that nobody knows yet how many rows there are.
    """

    since: int | None
    token: str | None
    uncounted: bool = False


class Chain(NamedTuple):
    """What an answer says of its chain of tokens.

    `token` leads to the next page and is None at the end, `last` is what Jira says about that end,
    `counted` how many rows it counts in the window, if it was asked, and `refused` that it did not
    take the token in hand.
    """

    token: str | None = None
    last: bool = True
    counted: int | None = None
    refused: bool = False


class CloudReader:
    """Reads one project page by page: `ask` says what to fetch, `take` what of the answer is new."""

    def __init__(
        self, span: Span, seen: Mapping[str, int] | None = None, window_rows: int = CHAIN_ROWS
    ) -> None:
        """Open the first window; `seen` are the rows (id: updated) that an earlier run emitted."""
        self.done = False
        self.moved = 0
        self.total: int | None = None
        self._span = span
        self._since = span.since
        self._window_rows = window_rows
        self._seen = dict(seen or {})
        self._inherited = set(self._seen)
        self._withheld: set[Row] = set()
        self._newest: int | None = None
        self._settled: int | None = None
        self._caught_up = False
        self._expected: int | None = None
        self._passed = 0
        self._late = 0
        self._breaks = 0
        self._token: str | None = None
        self._tokens: set[str] = set()
        self._rows = self._fresh = self._empty = self._known = 0

    @property
    def ask(self) -> CloudAsk:
        """The page to ask for next."""
        return CloudAsk(self._since, self._token, self._token is None and self._expected is None)

    def ahead(self, size: int, total: int | None) -> Iterator[CloudAsk]:  # noqa: ARG002 - as `Reader.ahead`
        """Return the next page alone: only its answer has the token of the one behind it."""
        yield self.ask

    @property
    def missing(self) -> int:
        """How many rows Jira counted and had not shown when its result ended."""
        return self._short if self._caught_up else 0

    @property
    def _short(self) -> int:
        return max(0, (self._expected or 0) - self._passed)

    @property
    def bookmark(self) -> int | None:
        """How far the project was read, in epoch ms: every row up to here was handed out by `take`.

        In mid-run only settled rows count; at the end of the result all do, up to `stop`. None as
        long as nothing was read.
        """
        reached = self._settled
        if self._caught_up and self._newest is not None:
            reached = min(self._newest, self._span.stop)
        if reached is None or self._span.until is None:
            return reached
        return min(reached, self._span.until - 1)

    def boundary(self, bookmark: int) -> dict[str, int]:
        """Return the rows (id: updated) that a run from `bookmark` on may be shown again."""
        lower = lower_bound(bookmark, self._span.lookback)
        return {id_: updated for id_, updated in self._seen.items() if updated >= lower}

    def follow(self, rows: Sequence[Row], chain: Chain) -> list[int]:
        """Take an answer with all it says of its chain; return the indexes of the rows to emit.

        Raises:
            AnswerError: chains keep breaking and the reader gets no further.
        """
        if chain.refused:
            self.lose()
            return []
        if chain.counted is not None:
            self.expect(chain.counted)
        return self.take(rows, chain.token, last=chain.last)

    def expect(self, count: int) -> None:
        """Take how many rows Jira counts in the first window; its count is approximate."""
        self._expected = self.total = count

    def take(self, rows: Sequence[Row], token: str | None, *, last: bool) -> list[int]:
        """Take the answer to `ask`; return the indexes of the rows to emit, in order.

        `token` leads to the next page and is None at the end of the chain, `last` is what Jira
        says about that end.

        Raises:
            AnswerError: chains keep breaking and the reader gets no further.
        """
        passed = self._passed
        new = self._note(rows)
        if self._passed > passed:
            self._breaks = 0
        self._fresh += self._passed - passed
        self._rows += len(rows)
        self._empty = 0 if rows else self._empty + 1
        self._known = 0 if self._passed > passed else self._known + len(rows)
        self._late = self._late + len(rows) if self._all_late(rows) else 0
        self._settle(rows)
        if token is None:
            self._end_of_chain(last=last)
        elif self._only_late_rows_left() or self._past_until():
            self.done = True
        elif token in self._tokens or self._empty > EMPTY_PAGES or self._goes_round():
            self.lose()
        elif self._rows >= self._window_rows and self._can_leave():
            self._open()
        else:
            self._tokens.add(token)
            self._token = token
        return new

    def lose(self) -> None:
        """Give up the token in hand, which Jira refuses or repeats, and open a window instead.

        Raises:
            AnswerError: this happens again and again, and the reader gets no further.
        """
        self.moved += 1
        self._breaks += 1
        if self._breaks > MAX_BREAKS:
            raise AnswerError(
                f"Jira's page tokens for one search (updated >= {self._since}) led nowhere "
                f"{MAX_BREAKS} times in a row. Run again; if it stays so, report it."
            )
        self._open()

    def _note(self, rows: Sequence[Row]) -> list[int]:
        """Count and remember the rows that were not passed before; return those to emit."""
        until = self._span.until
        new = []
        for index, row in enumerate(rows):
            if self._seen.get(row.id, -1) >= row.updated:  # an older one: another node lags
                if row.id in self._inherited:
                    self._inherited.remove(row.id)
                    self._passed += 1
            elif until is None or row.updated < until:
                new.append(index)
                self._seen[row.id] = row.updated
                self._inherited.discard(row.id)
                self._newest = max(row.updated, self._newest or 0)
                self._passed += 1
            elif row not in self._withheld:
                # Not remembered as seen: a later run without `until` has to emit it.
                self._withheld.add(row)
                self._passed += 1
        return new

    def _settle(self, rows: Sequence[Row]) -> None:
        """Note the last row whose time is old enough to be its place in the index, too."""
        trusted = self._span.stop - self._span.lookback
        settled = max((row.updated for row in rows if row.updated <= trusted), default=None)
        if settled is not None:
            self._settled = max(settled, self._settled or settled)

    def _all_late(self, rows: Sequence[Row]) -> bool:
        return all(row.updated > self._span.stop for row in rows)

    def _end_of_chain(self, *, last: bool) -> None:
        """Believe the end, or look once more behind the last certain row."""
        if (last and not self._short) or not self._fresh:
            self.done = self._caught_up = True
        else:
            self.moved += 1
            self._open()

    def _only_late_rows_left(self) -> bool:
        """Tell whether nothing follows but rows that were edited since the run began.

        Until as many rows have passed as there were, late rows may be neighbours that were edited
        together, at their old place in a lagging index, with others behind them.
        """
        return self._late >= LATE_ROWS and self._expected is not None and not self._short

    def _goes_round(self) -> bool:
        """Tell whether more known rows came in a row than there are: some of them came twice."""
        return self._known > len(self._seen) + len(self._withheld)

    def _past_until(self) -> bool:
        until = self._span.until
        return until is not None and self._settled is not None and self._settled >= until

    def _can_leave(self) -> bool:
        """Tell whether a window at the last settled row would begin later than this one."""
        return self._settled is not None and (
            self._since is None or floor_to_minute(self._settled) > self._since
        )

    def _open(self) -> None:
        """Open a window at the minute of the last settled row, or read this one again."""
        if self._settled is not None and self._can_leave():
            self._since = floor_to_minute(self._settled)
            self._seen = self.boundary(self._settled)
        self._token = None
        self._tokens = set()
        self._rows = self._fresh = self._empty = self._known = 0
