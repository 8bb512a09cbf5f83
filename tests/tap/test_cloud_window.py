"""The planner of token windows against a simulated Cloud: edits, a lagging index, tokens that break."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tap.test_window import LOOKBACK, START, Issue, Lake, Life, Server, history, lives
from tap_jira_oauth.cloud_window import CloudReader
from tap_jira_oauth.errors import AnswerError
from tap_jira_oauth.span import MINUTE, Row, Span, Window, lower_bound

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = pytest.mark.any_version


@dataclass
class Faults:
    """How often, per page, a token is refused, repeated, or missing too early, or a page is empty.

    `most` bounds how many faults there are in all.
    """

    refused: float = 0.0
    repeated: float = 0.0
    cut: float = 0.0
    empty: float = 0.0
    most: int = 15


@dataclass
class Cloud(Server):
    """The same index, paged by token: a position in the order, behind the last issue of a page."""

    faults: Faults = field(default_factory=Faults)

    def page(
        self, since: int | None, token: str | None, size: int
    ) -> tuple[list[Row], str | None] | None:
        """Answer one page, now and then a short one, and the next token; None: token refused."""
        if token and self._faulty(self.faults.refused):
            return None
        rows, _ = self.search(Window(since), 0, len(self.issues))
        where = [(issue.indexed, issue.number) for issue in self.found]
        after = tuple(map(int, token.split("/")[:2])) if token else (-1, -1)
        start = sum(place <= after for place in where)
        if self._faulty(self.faults.empty):
            return [], f"{after[0]}/{after[1]}/{self.requests}"
        end = start + self.dice.choice([size, size, max(1, size // 3)])
        if end >= len(rows) or self._faulty(self.faults.cut):
            return rows[start:end], None
        if token and self._faulty(self.faults.repeated):
            return rows[start:end], token
        return rows[start:end], f"{where[end - 1][0]}/{where[end - 1][1]}"

    def _faulty(self, chance: float) -> bool:
        faulty = self.faults.most > 0 and self.dice.random() < chance
        self.faults.most -= faulty
        return faulty


def run(
    server: Cloud, lake: Lake, size: int, *, pages: int | None = None, until: int | None = None
) -> list[Row]:
    """Read as the stream does, from the lake's state; `pages` kills the run after so many."""
    old = lake.bookmark
    since = None if old is None else lower_bound(old, LOOKBACK)
    reader = CloudReader(Span(since, until, server.now, LOOKBACK), lake.seen, window_rows=150)
    emitted: list[Row] = []
    counted = False
    while not reader.done and (pages is None or pages > 0):
        assert server.requests < 100_000, "the run never ends"
        ask = reader.ask
        answer = server.page(ask.since, ask.token, size)
        if answer is None:
            reader.lose()
            continue
        rows, token = answer
        new = [rows[index] for index in reader.take(rows, token, last=token is None)]
        if not counted:
            counted = True
            reader.expect(len(server.found))
        emitted += new
        lake.versions += new
        lake.newest.update({row.id: row.updated for row in new})
        known = [moment for moment in (reader.bookmark, old) if moment is not None]
        if known:
            lake.bookmark = max(known)
            lake.seen = reader.boundary(lake.bookmark)
        pages = None if pages is None else pages - 1
    return emitted


faults = st.builds(
    Faults,
    most=st.just(15),
    refused=st.sampled_from([0, 0.1]),
    repeated=st.sampled_from([0, 0.1]),
    empty=st.sampled_from([0, 0.1]),
)


@settings(max_examples=120)
@given(
    life=lives,
    faults=faults,
    count=st.integers(1, 300),
    ties=st.integers(0, 200),
    size=st.sampled_from([1, 3, 10, 50, 100]),
    kills=st.lists(st.integers(1, 30), max_size=3),
    until=st.none() | st.integers(START - 5000 * MINUTE, START),
)
def test_no_issue_is_lost_while_people_edit_and_tokens_break(  # noqa: PLR0913, PLR0917 - what hypothesis varies
    life: Life,
    faults: Faults,
    count: int,
    ties: int,
    size: int,
    kills: list[int],
    until: int | None,
) -> None:
    """After edits, deletions, index lag, lost tokens and kills, a quiet run leaves nothing missing."""
    server = Cloud(life, history(count, min(ties, count), life.seed), START, faults=faults)
    lake = Lake()
    for pages in kills:
        run(server, lake, size, pages=pages)
    run(server, lake, size, until=until)
    run(server, lake, size)
    server.life = Life(seed=life.seed)
    server.now += 10 * MINUTE
    run(server, lake, size)
    assert lake.missing(server) == []


@settings(max_examples=80)
@given(life=lives, faults=faults, count=st.integers(1, 300), size=st.sampled_from([2, 10, 50]))
def test_a_version_is_emitted_once_in_a_run_and_never_by_a_quiet_run(
    life: Life, faults: Faults, count: int, size: int
) -> None:
    """Windows that were opened again overlap, but what was emitted is not emitted again."""
    server = Cloud(life, history(count, 5 if count > 5 else 0, life.seed), START, faults=faults)
    lake = Lake()
    first = run(server, lake, size)
    assert len(first) == len(set(first))
    server.life = Life(seed=life.seed)
    server.now += 10 * MINUTE
    run(server, lake, size)
    assert run(server, lake, size) == []


def test_a_chain_that_ends_too_early_is_taken_up_again() -> None:
    """Jira counts more than came: windows are opened behind it until they bring nothing new."""
    server = Cloud(Life(seed=3), history(400, 0, 3), START, faults=Faults(cut=0.2))
    lake = Lake()
    run(server, lake, 10)
    assert lake.missing(server) == []


def test_a_quiet_project_is_read_without_an_extra_request() -> None:
    """As many requests as there are pages, new windows included, and one each for the overlap."""
    server = Cloud(Life(seed=3), history(400, 0, 3), START)
    reader = CloudReader(Span(None, None, START, LOOKBACK), window_rows=10_000)
    pages = 0
    while not reader.done:
        rows, token = server.page(reader.ask.since, reader.ask.token, 50) or ([], None)
        reader.take(rows, token, last=token is None)
        reader.expect(400)
        pages += 1
    assert pages == server.requests <= 400 / 50 * 2
    assert reader.moved == 0


def test_a_chain_does_not_grow_with_the_project() -> None:
    """After the rows of a window the next one begins without a token, where the last one ended."""
    issues = [Issue(number, START - (1000 - number) * MINUTE, 0) for number in range(1, 900)]
    server = Cloud(Life(seed=3), issues, START)
    reader = CloudReader(Span(None, None, START, LOOKBACK), window_rows=200)
    opened = []
    while not reader.done:
        if reader.ask.token is None:
            opened.append(reader.ask.since)
        rows, token = server.page(reader.ask.since, reader.ask.token, 50) or ([], None)
        reader.take(rows, token, last=token is None)
    assert len(opened) >= 4
    assert opened[0] is None
    assert opened[1:] == sorted(opened[1:])  # type: ignore[type-var]  # only the first has none


@pytest.mark.parametrize("fault", ["refused", "repeated", "empty"])
def test_tokens_that_never_lead_anywhere_are_an_error(fault: str) -> None:
    """The reader opens windows for a while, and then says so instead of asking for ever."""
    issues = history(100, 100, 1)  # one millisecond, so that no later window can be opened
    server = Cloud(Life(seed=1), issues, START, faults=Faults(**{fault: 1.0}, most=9999))
    with pytest.raises(AnswerError, match="led nowhere 20 times"):
        run(server, Lake(), 10)
    assert server.requests < 1000


def test_a_run_ends_although_edits_never_do() -> None:
    """Edits come quicker than pages: the run stops behind what was there when it began."""
    server = Cloud(Life(seed=5, edits=3, per_request=1000), history(300, 0, 5), START)
    run(server, Lake(), 2)
    assert server.requests < 3000


def test_neighbours_that_were_edited_together_do_not_end_a_run() -> None:
    """A page full of late rows may stand before others, as long as fewer came than Jira counts."""
    reader = CloudReader(Span(None, None, START, LOOKBACK))
    late = [Row(str(number), START + number) for number in range(1, 201)]
    reader.take(late[:100], "one", last=False)
    assert not reader.done
    reader.expect(250)
    reader.take(late[100:], "two", last=False)
    assert not reader.done
    reader.take([Row(str(number), START + number) for number in range(201, 301)], "3", last=False)
    assert reader.done


def test_the_bookmark_never_passes_the_servers_clock_at_the_start() -> None:
    """A row that was edited during the run does not hide the ones edited just before it."""
    reader = CloudReader(Span(None, None, START, LOOKBACK))
    take(reader, [Row("1", START - 1), Row("2", START + 5)])
    assert reader.bookmark == START


def test_rows_of_the_look_back_are_no_position_in_mid_run() -> None:
    """They may stand at their old place with their new time."""
    reader = CloudReader(Span(None, None, START, LOOKBACK))
    old = START - LOOKBACK - 1
    reader.take([Row("1", old), Row("2", START - 1)], "next", last=False)
    assert reader.bookmark == old


def test_rows_at_or_after_the_end_are_neither_emitted_nor_remembered() -> None:
    """A later run without `end_date` has to emit them."""
    reader = CloudReader(Span(None, START, START + 9, LOOKBACK))
    assert take(reader, [Row("1", START - 1), Row("2", START)]) == [0]
    assert reader.bookmark == START - 1
    assert reader.boundary(START - 1) == {"1": START - 1}


def take(reader: CloudReader, rows: Sequence[Row]) -> list[int]:
    """Take the only page of a project."""
    return reader.take(rows, None, last=True)


def test_tokens_that_lead_round_in_a_circle_are_an_error() -> None:
    """Always another token, and always the same rows."""
    rows = [Row(str(number), START - 1000 * MINUTE + number) for number in range(10)]
    reader = CloudReader(Span(None, None, START, LOOKBACK))

    def ask_for_ever() -> None:
        for turn in range(1000):
            reader.take(rows, f"token-{turn}", last=False)

    with pytest.raises(AnswerError, match="led nowhere"):
        ask_for_ever()
