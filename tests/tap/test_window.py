"""The planner of windows against a simulated Jira whose issues are edited between the pages."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tap_jira_oauth.errors import AnswerError
from tap_jira_oauth.span import MINUTE, Ask, Row, Span, Window, lower_bound
from tap_jira_oauth.standstill import FREE_REPEATS, LONGEST_REST, MAX_REPEATS, resting
from tap_jira_oauth.window import Reader

pytestmark = pytest.mark.any_version

START = 1_767_225_600_000
"""2026-01-01 in epoch milliseconds, where the simulated life begins."""

LOOKBACK = 5 * MINUTE


@dataclass
class Issue:
    """An issue as the database has it, and the `updated` under which the index sorts it."""

    number: int
    updated: int
    indexed: int
    index_due: int = 0

    @property
    def row(self) -> Row:
        """What a page shows of it."""
        return Row(str(self.number), self.updated, f"OPS-{self.number}")


@dataclass
class Life:
    """How lively the simulated server is: all rates per request, times in milliseconds."""

    seed: int
    edits: float = 0.0
    deletes: float = 0.0
    bulk: int = 0
    lag: int = 0
    per_request: int = 200


@dataclass
class Server:
    """A search index over issues, with a clock, edits, deletions and a lagging index."""

    life: Life
    issues: list[Issue]
    now: int
    requests: int = 0
    limit: int = 1_000_000
    found: list[Issue] = field(default_factory=list)
    dice: random.Random = field(init=False)

    def __post_init__(self) -> None:
        """Seed the dice."""
        self.dice = random.Random(self.life.seed)  # noqa: S311 - a seeded life, no secret

    def search(self, window: Window, start_at: int, size: int) -> tuple[list[Row], int]:
        """Answer one page; then life goes on."""
        self.requests += 1
        assert start_at + size <= self.limit, "past the rows that Jira gives out"
        for issue in self.issues:
            if issue.index_due <= self.now:
                issue.indexed = issue.updated
        since, before, after = window
        first = int(after.partition("-")[2]) if after else 0
        if after and first not in {issue.number for issue in self.issues}:
            # Jira refuses the key of a deleted issue, and reads that of a moved one elsewhere.
            self._live()
            return [], 0
        found = [
            issue
            for issue in self.issues
            if (since is None or issue.indexed >= since)
            and (before is None or issue.indexed < before)
            and issue.number >= first
        ]
        if window.by_key:
            found.sort(key=lambda issue: issue.number)
        else:
            found.sort(key=lambda issue: (issue.indexed, issue.number))
        self.found = found
        page = [issue.row for issue in found[start_at:][:size]]
        self._live()
        return page, len(found)

    def _live(self) -> None:
        self.now += self.life.per_request
        for _ in range(self._times(self.life.edits)):
            self.edit(self.dice.choice(self.issues))
        if self.life.bulk and self.dice.random() < 0.1:
            neighbours = sorted(self.issues, key=lambda issue: issue.indexed)
            first = self.dice.randrange(len(neighbours))
            for issue in neighbours[first:][: self.life.bulk]:
                self.edit(issue)
        for _ in range(self._times(self.life.deletes)):
            if len(self.issues) > 1:
                self.issues.remove(self.dice.choice(self.issues))

    def edit(self, issue: Issue) -> None:
        """Change an issue now; the index follows within its lag."""
        self.now += 1
        issue.updated = self.now
        issue.index_due = self.now + self.dice.randint(0, self.life.lag)

    def _times(self, rate: float) -> int:
        return int(rate) + (self.dice.random() < rate % 1)


@dataclass
class Lake:
    """What a target stored: every emitted version, the newest per issue, and the state."""

    versions: list[Row] = field(default_factory=list)
    newest: dict[str, int] = field(default_factory=dict)
    bookmark: int | None = None
    seen: dict[str, int] = field(default_factory=dict)

    def take(self, rows: list[Row]) -> None:
        """Store rows."""
        self.versions += rows
        self.newest.update({row.id: row.updated for row in rows})

    def missing(self, server: Server) -> list[int]:
        """Return the living issues whose newest version never arrived."""
        return [
            issue.number
            for issue in server.issues
            if self.newest.get(str(issue.number)) != issue.updated
        ]


def run(  # noqa: PLR0913 - what a run may vary in
    server: Server,
    lake: Lake,
    size: int,
    *,
    pages: int | None = None,
    until: int | None = None,
    width: int = 1,
) -> list[Row]:
    """Read as the stream does, from the lake's state; `pages` kills the run after so many.

    Up to `width` pages are asked for at a time, and answered in any order.
    """
    old = lake.bookmark
    since = None if old is None else lower_bound(old, LOOKBACK)
    reader = Reader(Span(since, until, server.now, LOOKBACK), lake.seen, window_rows=300)
    emitted: list[Row] = []
    pending: dict[Ask, tuple[list[Row], int]] = {}
    total: int | None = None
    while not reader.done and (pages is None or pages > 0):
        assert server.requests < 100_000, "the run never ends"
        if reader.ask not in pending:
            pending.clear()
        asks = [ask for ask in islice(reader.ahead(size, total), width) if ask not in pending]
        for ask in server.dice.sample(asks, len(asks)):
            pending[ask] = server.search(*ask, size)
        rows, total = pending.pop(reader.ask)
        new = [rows[index] for index in reader.take(rows, total)]
        emitted += new
        lake.take(new)
        known = [moment for moment in (reader.bookmark, old) if moment is not None]
        if known:
            lake.bookmark = max(known)
            lake.seen = reader.boundary(lake.bookmark)
        pages = None if pages is None else pages - 1
    return emitted


def history(count: int, ties: int, seed: int) -> list[Issue]:
    """Return issues of the last days, `ties` of them at one and the same millisecond."""
    dice = random.Random(seed)  # noqa: S311 - a seeded history, no secret
    times = [START - dice.randrange(MINUTE, 5000 * MINUTE) for _ in range(count - ties)]
    times += [START - 100 * MINUTE] * ties
    dice.shuffle(times)
    return [Issue(number, moment, moment) for number, moment in enumerate(times, 1)]


lives = st.builds(
    Life,
    seed=st.integers(0, 10_000),
    edits=st.sampled_from([0, 0.2, 1, 3]),
    deletes=st.sampled_from([0, 0.2]),
    bulk=st.sampled_from([0, 0, 80]),
    lag=st.sampled_from([0, 1000, 60_000]),
    per_request=st.sampled_from([1, 200, 20_000]),
)


@pytest.mark.no_cover  # the same lines thousands of times, which counting them makes four times as slow
@settings(max_examples=300)
@given(
    life=lives,
    count=st.integers(1, 400),
    ties=st.integers(0, 200),
    size=st.sampled_from([2, 3, 10, 50, 200]),
    kills=st.lists(st.integers(1, 30), max_size=3),
    until=st.none() | st.integers(START - 5000 * MINUTE, START),
    width=st.integers(1, 8),
)
def test_no_issue_is_lost_while_people_edit(  # noqa: PLR0913, PLR0917 - what hypothesis varies
    life: Life,
    count: int,
    ties: int,
    size: int,
    kills: list[int],
    until: int | None,
    width: int,
) -> None:
    """After edits, deletions, index lag, slices and kills, a quiet run leaves nothing missing."""
    server = Server(life, history(count, min(ties, count), life.seed), START)
    lake = Lake()
    for pages in kills:
        run(server, lake, size, pages=pages, width=width)
    run(server, lake, size, until=until, width=width)
    run(server, lake, size, width=width)
    server.life = Life(seed=life.seed)
    server.now += 10 * MINUTE
    run(server, lake, size)
    assert lake.missing(server) == []


@settings(max_examples=200)
@given(life=lives, count=st.integers(1, 300), size=st.sampled_from([2, 10, 50]))
def test_a_version_is_emitted_once_in_a_run_and_never_by_a_quiet_run(
    life: Life, count: int, size: int
) -> None:
    """Windows overlap and runs look back, but what was emitted is not emitted again."""
    server = Server(life, history(count, 5 if count > 5 else 0, life.seed), START)
    lake = Lake()
    first = run(server, lake, size)
    assert len(first) == len(set(first))
    server.life = Life(seed=life.seed)
    server.now += 10 * MINUTE
    run(server, lake, size)
    assert run(server, lake, size) == []


def test_plain_offset_paging_loses_rows_in_the_same_life() -> None:
    """The simulated life is hard enough: paging as other taps do it loses rows for good."""
    server = Server(Life(seed=7, edits=1), history(1000, 0, 7), START)
    lake = Lake()
    for _ in range(2):
        start_at, since = 0, lake.bookmark
        while True:
            rows, total = server.search(Window(since), start_at, 50)
            lake.take(rows)
            lake.bookmark = max([row.updated for row in rows] + [lake.bookmark or 0])
            start_at += len(rows)
            if not rows or start_at >= total:
                break
        server.life = Life(seed=7)
    assert lake.missing(server)


def test_a_quiet_project_is_read_with_hardly_more_requests_than_by_offsets() -> None:
    """The overlap costs one row a page, and the new windows a page each."""
    server = Server(Life(seed=1), history(5000, 0, 1), START)
    assert len(run(server, Lake(), 100)) == 5000
    assert server.requests <= 5000 / 99 + 5000 / 300 + 2


def test_an_offset_never_nears_jiras_limit() -> None:
    """A new window begins before the offset reaches twice the window's rows."""
    offsets: list[int] = []
    server = Server(Life(seed=1), history(3000, 0, 3), START)
    reader = Reader(Span(None, None, START, LOOKBACK), window_rows=300)
    while not reader.done:
        offsets.append(reader.ask.start_at)
        reader.take(*server.search(*reader.ask, 100))
    assert max(offsets) < 600


@pytest.mark.parametrize("grown", [1, 2])
def test_a_page_that_shows_few_rows_brings_no_offset_past_jiras_limit(grown: int) -> None:
    """Some of what the index counts is gone; the next page is asked for in full, or twice as large."""
    rows = [
        Row(str(number), START - 100 * MINUTE + number, f"OPS-{number}") for number in range(300)
    ]
    reader = Reader(Span(None, None, START, LOOKBACK), window_rows=50)
    while not reader.ask.window.by_key:
        start_at = reader.ask.start_at
        shown = rows[start_at : start_at + 10]
        reader.take(shown if start_at < 70 else shown[:3], 300, 10)
        assert reader.ask.start_at + 10 * grown <= 100


def test_a_lively_slice_in_tiny_pages_is_no_contradiction() -> None:
    """Rows move at every request, and the reader still gets on, if only past withheld rows."""
    server = Server(Life(seed=5726, edits=1, per_request=1), history(353, 0, 5726), START)
    run(server, Lake(), 2, until=1_767_221_751_941)
    assert server.requests < 2000


def test_an_empty_project_is_done_at_once() -> None:
    """No rows and a total of nought is an answer, and leaves no bookmark."""
    reader = Reader(Span(None, None, START, LOOKBACK))
    assert reader.take([], 0) == []
    assert reader.done
    assert reader.bookmark is None


def test_rows_at_or_after_the_end_are_neither_emitted_nor_remembered() -> None:
    """`until` is exclusive, and a later run without it reads what lies behind."""
    rows = [Row("1", START - 20 * MINUTE), Row("2", START - 10 * MINUTE)]
    reader = Reader(Span(None, START - 10 * MINUTE, START, LOOKBACK))
    assert reader.take(rows, 2) == [0]
    assert reader.bookmark == START - 20 * MINUTE
    assert reader.boundary(START - 20 * MINUTE) == {"1": START - 20 * MINUTE}


def test_an_edited_row_at_its_old_place_is_no_position() -> None:
    """A lagging index shows a new time far up in the order; bookmark and window wait for it."""
    old, fresh = START - 1000 * MINUTE, START - 1
    reader = Reader(Span(None, None, START, LOOKBACK))
    assert reader.take([Row("1", old), Row("2", fresh)], 10) == [0, 1]
    assert reader.bookmark == old


@pytest.mark.parametrize("until", [None, START - 2500 * MINUTE, START - MINUTE])
def test_a_run_ends_although_edits_never_do(until: int | None) -> None:
    """Two new edits for every row that is read cannot keep a run, or a slice, from ending."""
    server = Server(Life(seed=1, edits=2), history(375, 0, 1), START)
    run(server, Lake(), 2, until=until)
    assert server.requests < 2000


def test_a_server_that_contradicts_itself_is_an_error() -> None:
    """Two nodes that answer in turn, each in its own order, end the run with a plain sentence."""
    nodes = [[Row(str(n), START - n * MINUTE) for n in range(k, k + 9)] for k in (100, 200)]
    reader = Reader(Span(None, None, START, LOOKBACK))

    def ask_for_ever() -> None:
        for turn in range(1000):
            reader.take(nodes[turn % 2], 100)

    with pytest.raises(AnswerError, match="contradict"):
        ask_for_ever()


def test_the_bookmark_never_passes_the_servers_clock_at_the_start() -> None:
    """An issue edited during the run is emitted, but what the index still hides is older."""
    reader = Reader(Span(None, None, START, LOOKBACK))
    assert reader.take([Row("1", START + 5000)], 1) == [0]
    assert reader.bookmark == START


def test_a_run_that_ends_among_late_rows_keeps_its_settled_bookmark() -> None:
    """Rows that are younger than the run may hide unread ones behind them."""
    settled = START - 1000 * MINUTE
    late = [Row(str(number), START + number) for number in range(1, 60)]
    reader = Reader(Span(None, None, START, LOOKBACK))
    reader.take([Row("0", settled), *late], 61)
    more = [Row(f"x{row.id}", row.updated) for row in late]
    reader.take([late[-1], *more], 500)
    assert reader.done
    assert reader.bookmark == settled


def test_neighbours_that_were_edited_together_do_not_end_a_run() -> None:
    """A lagging index shows a bulk edit at its old place, with everything else still behind it."""
    issues = history(1000, 0, 5)
    server = Server(Life(seed=5), sorted(issues, key=lambda issue: issue.updated), START)
    for issue in server.issues[:100]:
        issue.updated, issue.index_due = START + 1000, START + 10 * MINUTE
    lake = Lake()
    run(server, lake, 50)
    assert lake.missing(server) == []


def test_the_rest_of_a_slice_is_read_by_a_later_run() -> None:
    """`until` in the middle of a page: the bookmark stays before it, whatever else the page held."""
    issues = [
        Issue(day, START - day * 1440 * MINUTE, START - day * 1440 * MINUTE)
        for day in range(1, 301)
    ]
    server = Server(Life(seed=1), issues, START)
    middle = START - 150 * 1440 * MINUTE
    reader = Reader(Span(None, middle, START, LOOKBACK))
    lake = Lake()
    while not reader.done:
        rows, total = server.search(*reader.ask, 100)
        lake.take([rows[index] for index in reader.take(rows, total)])
    lake.bookmark = reader.bookmark
    assert lake.bookmark is not None
    lake.seen = reader.boundary(lake.bookmark)
    assert server.requests == 2
    run(server, lake, 100)
    assert lake.missing(server) == []


def test_a_slice_without_any_issue_keeps_its_bookmark_before_the_end() -> None:
    """Nothing was emitted, so nothing may be passed."""
    reader = Reader(Span(None, START - 20 * MINUTE, START, LOOKBACK))
    assert reader.take([Row("1", START - 10 * MINUTE)], 1) == []
    assert reader.bookmark == START - 20 * MINUTE - 1


def test_what_is_remembered_does_not_grow_with_the_project() -> None:
    """A window forgets what no later one can bring again."""
    server = Server(Life(seed=1), history(3000, 0, 3), START)
    reader = Reader(Span(None, None, START, LOOKBACK), window_rows=300)
    while not reader.done:
        reader.take(*server.search(*reader.ask, 100))
    assert len(reader.boundary(0)) < 600


@pytest.mark.no_cover  # the same lines thousands of times, which counting them makes four times as slow
@settings(max_examples=100)
@given(
    life=lives,
    crowd=st.integers(600, 1500),
    edited_now=st.booleans(),
    size=st.sampled_from([20, 50, 90]),
    width=st.integers(1, 8),
    kill=st.integers(1, 60),
)
def test_a_minute_with_more_rows_than_jira_gives_out_is_read_whole(  # noqa: PLR0913 - what hypothesis varies
    life: Life, crowd: int, *, edited_now: bool, size: int, width: int, kill: int
) -> None:
    """A bulk change of more issues than the limit, long ago or a moment ago; others around it."""
    moment = START - (MINUTE // 2 if edited_now else 100 * MINUTE)
    issues = history(crowd + 300, crowd, life.seed)
    for issue in issues:
        if issue.updated == START - 100 * MINUTE:
            issue.updated = issue.indexed = moment + issue.number
    server = Server(life, issues, START, limit=600)
    lake = Lake()
    run(server, lake, size, pages=kill, width=width)
    run(server, lake, size, width=width)
    server.life = Life(seed=life.seed)
    server.now += 10 * MINUTE
    run(server, lake, size, width=width)
    assert lake.missing(server) == []


def test_an_edited_row_that_moved_to_the_end_does_not_tie_two_pages_together() -> None:
    """The last row of a page goes to the end of the result, and so do rows before it."""
    old = START - 1000 * MINUTE
    rows = [Row(str(number), old + number * MINUTE) for number in range(10)]
    moved = Row("4", START - 1)
    reader = Reader(Span(None, None, START, LOOKBACK))
    assert reader.take([*rows[:4], moved], 10) == [0, 1, 2, 3, 4]
    others = [Row(number, START) for number in "012"]
    shown = [*rows[3:4], *rows[5:], moved, *others]
    assert reader.take(shown[4:], 10) == []
    assert not reader.done
    got = reader.take([*rows[3:4], *rows[5:], moved, *others], 10)
    assert got == [1, 2, 3, 4, 5, 7, 8, 9]


def test_pages_that_are_asked_for_ahead_are_those_that_come() -> None:
    """In a quiet project every page of a window but the first is known beforehand."""
    server = Server(Life(seed=1), history(250, 0, 3), START)
    reader = Reader(Span(None, None, START, LOOKBACK), window_rows=300)
    reader.take(*server.search(*reader.ask, 50))
    expected = list(reader.ahead(50, 250))
    asked = []
    while not reader.done:
        asked.append(reader.ask)
        reader.take(*server.search(*reader.ask, 50))
    assert asked == expected


def test_a_page_that_never_ties_in_among_young_rows_is_an_error() -> None:
    """An issue that the index counts and no page shows: the window is not opened for ever."""
    young = [Row(str(number), START - MINUTE + number) for number in range(30)]
    reader = Reader(Span(START - 10 * MINUTE, None, START, LOOKBACK))

    def ask_for_ever() -> None:
        for _ in range(1000):
            places = range(reader.ask.start_at, min(reader.ask.start_at + 10, 30))
            reader.take([young[place] for place in places if place != 5], 30)

    with pytest.raises(AnswerError, match="contradict"):
        ask_for_ever()


@pytest.mark.parametrize("age", [0, 1000])
def test_what_the_index_counts_and_does_not_show_is_no_reason_to_wait_at_the_end(age: int) -> None:
    """A deleted issue at the end of the result, still counted: Jira has looked there, and shows nothing."""
    rows = [Row(str(number), START - age * MINUTE - 100 + number) for number in range(4)]
    reader = Reader(Span(None, None, START, LOOKBACK))
    assert reader.take(rows, 5, 20) == [0, 1, 2, 3]
    assert reader.ask.start_at == 3
    assert reader.take(rows[reader.ask.start_at :], 5, 20) == []
    assert reader.done
    assert reader.bookmark == rows[-1].updated


def test_an_index_gets_minutes_to_catch_up() -> None:
    """At first the reader tries at once, then it rests longer and longer."""
    rests = [resting(number) for number in range(MAX_REPEATS + 1)]
    assert rests == sorted(rests)
    assert rests[FREE_REPEATS] == 0
    assert rests[FREE_REPEATS + 1] == 0.1
    assert rests[-1] == LONGEST_REST
    assert 4 * 60 < sum(rests) < 6 * 60


def test_the_reader_rests_while_pages_do_not_fit_and_no_longer() -> None:
    """The index of the node still has a deleted issue among young rows; then it has caught up."""
    young = [Row(str(number), START - MINUTE + number) for number in range(30)]
    reader = Reader(Span(START - 10 * MINUTE, None, START, LOOKBACK))
    rested = 0.0
    while not reader.done:
        shown = [row for row in young if rested > 3 or row.id != "5"]
        places = range(reader.ask.start_at, min(reader.ask.start_at + 10, 30))
        reader.take([young[place] for place in places if young[place] in shown], 30, 10)
        rested += reader.rest
    assert 3 < rested < 10
    assert reader.rest == 0
    assert len(reader.boundary(0)) == 30


def test_an_issue_that_the_last_run_saw_counts_once() -> None:
    """Late rows do not end a run before as many issues have passed as there were."""
    known = {str(number): START - 200 * MINUTE for number in range(60)}
    late = [Row(id_, START + 1000) for id_ in known]
    reader = Reader(Span(START - 300 * MINUTE, None, START, LOOKBACK), known)
    assert len(reader.take(late, 110)) == 60
    assert reader.take([Row("moved", START)], 110) == []
    assert reader.take(late, 110) == []
    assert not reader.done


def test_a_node_that_lags_does_not_bring_an_old_version_back() -> None:
    """Two nodes answer in turn; the newer version was emitted, the older one is none."""
    reader = Reader(Span(None, None, START, LOOKBACK))
    moment = START - 1000 * MINUTE
    assert reader.take([Row("1", moment), Row("2", moment + 2)], 4) == [0, 1]
    assert reader.take([Row("2", moment + 2), Row("1", moment - 9), Row("3", moment + 3)], 4) == [2]


def test_rows_before_the_beginning_are_passed_and_not_emitted() -> None:
    """A search by minutes in a zone whose clocks were set back shows an hour that was read before."""
    since = START - 1000 * MINUTE
    reader = Reader(Span(since, None, START, LOOKBACK))
    rows = [Row("1", since - 30 * MINUTE), Row("2", since - 1), Row("3", since)]
    assert reader.take(rows, 3) == [2]
    assert reader.done


@pytest.mark.parametrize("times", [1, 3])
def test_an_issue_that_a_window_begins_with_may_vanish(times: int) -> None:
    """By key, after so many windows: the key of a deleted or moved issue leads nowhere, and hides none behind it."""
    server = Server(Life(seed=1), history(1500, 1500, 1), START)
    reader = Reader(Span(None, None, START, LOOKBACK), window_rows=300)
    emitted: list[Row] = []
    begun: list[str] = []
    while not reader.done:
        assert server.requests < 1000
        after = reader.ask.window.after
        if after and after not in begun and len(begun) < times:
            begun.append(after)
            server.issues = [issue for issue in server.issues if issue.row.key != after]
        rows, total = server.search(*reader.ask, 100)
        emitted += [rows[index] for index in reader.take(rows, total)]
    assert len(begun) == times
    assert {issue.row for issue in server.issues} <= set(emitted)
    assert len(emitted) == len(set(emitted))
