"""Pages over HTTP, several under way, while issues are edited, moved, deleted and changed in bulk."""

from __future__ import annotations

import functools
import itertools
import re
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox import Corpus, Sandbox
from sandbox.clock import Clock
from sandbox.faults import Fault
from sandbox.script import Order, Step
from sandbox.users import User
from tap.command import run
from tap.reading import FIELDS, Journey, Lake
from tap_jira_oauth.jql import epoch_literal, zone_literal
from tap_jira_oauth.offset_search import SEARCH
from tap_jira_oauth.page_size import PageSize
from tap_jira_oauth.window import Reader

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from conftest import Configure
    from sandbox.journal import LogEntry
    from tap_jira_oauth.span import Row

pytestmark = pytest.mark.any_version

ZONES = ("UTC", "America/New_York", "Asia/Tokyo", "Asia/Kolkata")
MOMENTS = {
    "an ordinary day": 1_785_000_000,
    "New York sets its clocks forward": 1_772_953_200 - 120,
    "New York sets its clocks back": 1_793_512_800 - 120,
}
"""When a life begins, in seconds since 1970."""


class Ticking:
    """A clock that goes on by some seconds whenever somebody looks at it."""

    def __init__(self, start: float, step: float) -> None:
        """Set it."""
        self._start = start
        self._looks = itertools.count()
        self._step = step

    def __call__(self) -> float:
        """Return the time."""
        return self._start + next(self._looks) * self._step


def sandbox(  # noqa: PLR0913 - what may differ
    seed: int, issues: int, zone: str = "UTC", *, start: float, step: float = 0.5, lag: float = 0.1
) -> Sandbox:
    """Make a Jira of two projects and two nodes, one of which lags; its user lives in `zone`."""
    user = User("sandbox", "Sandbox", time_zone=zone, personal_token="sandbox-token")
    return Sandbox(
        corpus=Corpus.generate(seed=seed, issues=issues, projects=2),
        users=(user,),
        clock=Clock(source=Ticking(start, step)),
        nodes={"a": (0, 0.1), "b": (0, lag)},
        seed=seed,
    )


@pytest.mark.no_cover  # the same lines thousands of times, which counting them makes four times as slow
@settings(max_examples=200)
@given(
    seed=st.integers(0, 10_000),
    issues=st.integers(0, 150),
    size=st.sampled_from([2, 7, 25, 200]),
    width=st.integers(1, 8),
    rate=st.sampled_from([0, 0.3, 1.0]),
    bulk=st.sampled_from([0, 0, 40]),
    lag=st.sampled_from([0.1, 30, 240]),
    kills=st.lists(st.integers(1, 12), max_size=2),
    zone=st.sampled_from(ZONES),
    moment=st.sampled_from(sorted(MOMENTS)),
    epoch=st.booleans(),
)
def test_a_life_over_http_loses_nothing(  # noqa: PLR0913, PLR0917 - what hypothesis varies
    seed: int,
    issues: int,
    size: int,
    width: int,
    rate: float,
    bulk: int,
    lag: float,
    kills: list[int],
    zone: str,
    moment: str,
    epoch: bool,  # noqa: FBT001 - given by its name
) -> None:
    """Killed runs, a live one and a quiet one; then every issue is there, and one more brings none."""
    with sandbox(seed, issues, zone, start=MOMENTS[moment], lag=lag) as jira:
        literal = epoch_literal if epoch else zone_literal(ZoneInfo(zone))
        journey = Journey(jira, size, width, literal)
        lake = Lake()
        steps = (Step("bulk", before_request=9, count=bulk),) if bulk and issues > 30 else ()
        rate = rate if issues > 30 else 0  # a life needs issues, and deletes some
        order = Order(steps, rate, mix={"edit": 1.0, "move": 0.1, "delete": 0.1}, seed=seed)
        jira.play(order)
        for pages in kills:
            journey.run(lake, pages)
        journey.run(lake)
        jira.play(Order())
        jira.clock.offset += 600  # the index of every node has caught up
        journey.run(lake)
        assert lake.missing(jira) == {}
        assert journey.run(lake) == []


class ByOffset(Reader):
    """Pages as other taps do: the next offset, whatever moved meanwhile."""

    rest = 0.0

    def take(self, rows: Sequence[Row], total: int, covered: int = 0) -> list[int]:
        """Take every page as it comes."""
        self._last = None
        self._start_at += 1
        return super().take(rows, total, covered)

    @property
    def _window_rows(self) -> int:
        return 1_000_000

    @_window_rows.setter
    def _window_rows(self, value: int) -> None:
        """Keep one window."""


def test_plain_offsets_lose_issues_in_such_a_life() -> None:
    """The life is hard enough: without the overlap and the windows issues are missing for good."""
    with sandbox(7, 150, start=MOMENTS["an ordinary day"]) as jira:
        journey = Journey(jira, 7, 1, epoch_literal, ByOffset)
        lake = Lake()
        jira.play(Order(per_request=1.0, seed=7))
        journey.run(lake)
        jira.play(Order())
        jira.clock.offset += 600
        journey.run(lake)
        assert lake.missing(jira)


@pytest.mark.parametrize("count", [700, 12_000])
@pytest.mark.parametrize("lags", [False, True])
def test_a_bulk_change_of_more_issues_than_jira_gives_out_is_read_whole(
    count: int, *, lags: bool
) -> None:
    """All of them share a minute, and 10,000 rows are the most that one search reaches.

    While one node has the change in its index and the other has not, a row may be asked for at its
    new place from the one and at its old place from the other, and be at neither: the next run looks
    at that time again.
    """
    with sandbox(3, 12_300, start=MOMENTS["an ordinary day"], step=0.0001) as jira:
        jira.world.life.bulk(count)
        if not lags:
            jira.clock.offset += 1
        journey = Journey(jira, 1000, 4, epoch_literal)
        lake = Lake()
        journey.run(lake)
        left = lake.missing(jira)
        assert lags or left == {}
        jira.clock.offset += 1000
        assert {row.id for row in journey.run(lake)} == left.keys()
        assert lake.missing(jira) == {}
        assert {entry.status for entry in jira.requests} == {200}


@pytest.mark.parametrize("moves", [False, True])
def test_a_window_by_key_survives_the_issue_that_it_begins_with(*, moves: bool) -> None:
    """Its key is refused when it is deleted, and leads into another project when it is moved: none behind it is lost."""
    began: list[str] = []

    def vanish(entry: LogEntry) -> None:
        found = re.search(r'key >= "([^"]+)"', entry.jql or "")
        if found and len(began) < 3 and found[1] not in began:
            began.append(found[1])
            if moves:
                jira.move(found[1], "OPS" if found[1].startswith("ALPHA") else "ALPHA")
            else:
                jira.delete(found[1])

    with Sandbox(corpus=Corpus.generate(seed=3, issues=400, projects=2)) as jira:
        jira.world.life.bulk(390)
        jira.before_request.append(vanish)
        small = functools.partial(Reader, window_rows=50)
        journey = Journey(jira, 20, 1, epoch_literal, small)
        lake = Lake()
        journey.run(lake)
        assert len(began) == 3
        snapshot = jira.corpus.snapshot()
        moved = {snapshot.by_key[key].id for key in began if key in snapshot.by_key}
        assert lake.missing(jira).keys() <= moved
        jira.clock.offset += 1000
        journey.run(lake)
        assert lake.missing(jira) == {}


def test_a_crowded_minute_in_the_hour_that_comes_twice_is_read_whole() -> None:
    """Of a Jira that reads times in the user's zone alone: a bulk change while New York sets its clocks back."""
    zone = "America/New_York"
    with sandbox(3, 400, zone, start=MOMENTS["New York sets its clocks back"] + 600) as jira:
        jira.world.life.bulk(390)
        jira.clock.offset += 1000
        small = functools.partial(Reader, window_rows=50)
        lake = Lake()
        Journey(jira, 20, 4, zone_literal(ZoneInfo(zone)), small).run(lake)
        assert lake.missing(jira) == {}


def test_an_edit_in_the_second_in_which_its_issue_was_read_is_not_lost() -> None:
    """A database of whole seconds gives both versions one `updated`: the issue comes once more."""
    clock = Clock(source=Ticking(MOMENTS["an ordinary day"], 0.00001))
    corpus = Corpus.generate(seed=3, issues=20, projects=1)
    with Sandbox(corpus=corpus, clock=clock, whole_seconds=True) as jira:
        journey, lake = Journey(jira, 10, 1, epoch_literal), Lake()
        (key,) = jira.edit()
        read = {row.id: row.updated for row in journey.run(lake)}
        jira.edit(keys=[key])
        issue = jira.corpus.snapshot().by_key[key]
        assert read[issue.id] == issue.updated_ms
        jira.clock.offset += 600
        assert [row.id for row in journey.run(lake)] == [issue.id]
        assert journey.run(lake) == []


def test_more_issues_than_one_search_reaches_are_read_in_windows() -> None:
    """12,300 of many minutes, of which Jira gives out 10,000 at most by one search."""
    with sandbox(3, 12_300, start=MOMENTS["an ordinary day"], step=0.0001) as jira:
        lake = Lake()
        Journey(jira, 1000, 4, epoch_literal).run(lake)
        assert lake.missing(jira) == {}
        assert len(lake.versions) == 12_300
        assert {entry.status for entry in jira.requests} == {200}
        assert max(entry.start_at or 0 for entry in jira.requests) < 9_000


def test_more_projects_than_requests_in_flight_are_read_side_by_side() -> None:
    """While one small project is read, the next ones are under way; never more than allowed."""
    corpus = Corpus.generate(seed=2, issues=60, projects=12)
    with Sandbox(corpus=corpus) as jira:
        jira.world.faults.add(Fault("/rest/api/2/search", count=100, delay=0.02))
        lake = Lake()
        Journey(jira, 100, 5, epoch_literal).run(lake)
        assert lake.missing(jira) == {}
        most = max(entry.in_flight for entry in jira.requests)
        assert 2 <= most <= 5


def test_the_first_pages_of_later_projects_keep_back_no_page_of_the_one_that_is_read() -> None:
    """They wait to be taken until it is done, and count only as long as they are under way."""
    with Sandbox(corpus=Corpus.generate(seed=2, issues=600, projects=10)) as jira:
        jira.world.faults.add(Fault("/rest/api/2/search", count=200, delay=0.02))
        lake = Lake()
        Journey(jira, 10, 4, epoch_literal).run(lake)
        assert lake.missing(jira) == {}
        beside = [entry.in_flight for entry in jira.requests if '"ALPHA"' in (entry.jql or "")]
        assert len(beside) >= 20
        assert sum(beside) / len(beside) > 2
        assert max(entry.in_flight for entry in jira.requests) == 4


def test_one_request_at_a_time_is_strictly_serial() -> None:
    """`max_concurrent_requests: 1`."""
    with Sandbox(corpus=Corpus.generate(seed=2, issues=60, projects=3)) as jira:
        Journey(jira, 10, 1, epoch_literal).run(Lake())
        assert {entry.in_flight for entry in jira.requests} == {1}


def test_a_page_that_does_not_get_through_is_asked_for_in_halves(
    configure: Configure, tmp_path: Path
) -> None:
    """A body that breaks off and a proxy's 504; all issues arrive, and pages grow back."""
    config = configure(max_concurrent_requests=1, page_size=16)
    with Sandbox(corpus=Corpus.generate(seed=4, issues=300, projects=1)) as jira:
        jira.fault("/rest/api/2/search", cut=True, skip=1)
        jira.fault("/rest/api/2/search", status=504, skip=2)
        mine = {"api_url": jira.url, "auth_method": "personal_token"}
        result = run(tmp_path, config | mine | {"personal_token": "sandbox-token"})
        assert result.status == 0, result.log
        assert len(result.records) == 300
        starts = [entry.start_at or 0 for entry in jira.requests if entry.jql]
        steps = [after - before for before, after in itertools.pairwise(starts)]
        assert 3 in steps
        assert 15 in steps


def test_a_page_has_looked_no_further_than_it_was_asked_whatever_it_says() -> None:
    """It shows nothing new, and names the server's cap as its size: that is not yet the end of the result."""
    with Sandbox(corpus=Corpus.generate(seed=4, issues=60, projects=1)) as jira:
        order = {
            "jql": "ORDER BY updated ASC, key ASC",
            "startAt": 9,
            "maxResults": 1,
            "fields": FIELDS,
        }
        signed = {"Authorization": "Bearer sandbox-token"}
        page = requests.post(f"{jira.url}{SEARCH}", json=order, headers=signed, timeout=9).json()
        hides = {**page, "maxResults": 1000}
        assert (len(hides["issues"]), hides["total"]) == (1, 60)
        jira.world.faults.add(Fault(SEARCH, 200, body=hides, skip=1))
        lake = Lake()
        Journey(jira, 10, 1, epoch_literal).run(lake)
        assert lake.missing(jira) == {}


def test_a_page_size_shrinks_once_for_all_requests_under_way() -> None:
    """And never below two, since pages overlap by one row."""
    size = PageSize(100)
    for _ in range(4):
        size.shrink(100)
    assert size.current == 50
    for _ in range(8):
        size.worked()
    assert size.current == 100
    for _ in range(20):
        size.shrink(size.current)
    assert size.current == 2
    size.obey(30)
    for _ in range(100):
        size.worked()
    assert size.current == 30
