"""What is whole and what to ask next, without any network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap.answered import decoded
from tap_jira_oauth import child_lists
from tap_jira_oauth.child_lists import (
    ATTACHMENTS,
    CHANGELOGS,
    COMMENTS,
    LINKS,
    READINGS,
    WORKLOGS,
    PagedList,
    Parent,
    Part,
    embedded,
    part,
    record,
    to_ask,
)
from tap_jira_oauth.errors import AnswerError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tap_jira_oauth.answered_issue import Issue, Values

pytestmark = pytest.mark.any_version

UNKNOWN = Part((), None)


def raw(value: Any) -> msgspec.Raw:
    """Return a value as JSON text."""
    return msgspec.Raw(msgspec.json.encode(value))


def item(number: int) -> dict[str, msgspec.Raw]:
    """Return a child."""
    return {"id": raw(str(number))}


def issue(changelog: Any = None, **fields: Any) -> Issue[Values]:
    """Return an issue of a search's answer."""
    more = {"changelog": changelog} if changelog else {}
    return decoded(
        msgspec.json.encode({"id": "1", "key": "A-1", "self": "", "fields": fields, **more})
    )


def read(
    rows: Callable[[int], Sequence[int]], cap: int, *, total: bool = True
) -> tuple[PagedList, int]:
    """Read a list to its end from a server that gives `cap` rows; `rows` says what it holds at the n-th request."""
    reading, requests = PagedList(), 0
    while not reading.done:
        held = rows(requests)
        page = held[reading.start : reading.start + cap]
        reading.take(Part(list(map(item, page)), len(held) if total else None))
        requests += 1
    return reading, requests


def ids(reading: PagedList) -> list[int]:
    """Return what was read."""
    return [int(child_lists.identity(each)) for each in reading.items]


@given(length=st.integers(0, 60), cap=st.integers(2, 20), total=st.booleans())
def test_a_quiet_list_is_read_whole_by_pages_of_any_length(
    length: int, cap: int, *, total: bool
) -> None:
    """Each row once and in order, whether the server tells the total or not."""
    reading, requests = read(lambda _: range(length), cap, total=total)
    assert ids(reading) == list(range(length))
    assert not reading.cut
    assert requests <= length // (cap - 1) + 2


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 40)), max_size=READINGS - 1),
    st.integers(10, 40),
    st.integers(2, 12),
)
def test_a_list_that_moves_is_read_again(
    changes: list[tuple[bool, int]], length: int, cap: int
) -> None:
    """Rows that are added at the end or removed anywhere between pages: what was read is what is there at the end.

    The latest changes may come after the last page; those bring the issue again.
    """
    held = list(range(length))
    states = [tuple(held)]
    for add, place in changes:
        if add:
            held.append(max(held, default=0) + 100)
        elif held:
            held.pop(place % len(held))
        states.append(tuple(held))

    reading, requests = read(lambda n: states[min(n, len(states) - 1)], cap)
    assert not reading.cut
    assert ids(reading) == list(states[min(requests - 1, len(states) - 1)])


def test_a_row_that_is_removed_while_another_is_added_is_noticed() -> None:
    """The total stays and no id comes twice; only the row at which the pages join tells."""
    states = [[1, 2, 3, 4, 5, 6], [1, 3, 4, 5, 6, 7]]
    reading, requests = read(lambda n: states[min(n, 1)], 3)
    assert ids(reading) == states[1]
    assert requests > 3


def test_a_list_that_never_rests_counts_as_cut() -> None:
    """After a few readings; the run goes on."""
    reading, requests = read(lambda n: range(n, n + 50), 10)
    assert reading.cut
    assert requests == 2 * READINGS


def test_a_server_that_gives_less_than_it_says_does_not_hold_the_run() -> None:
    """Ten rows of a total of twelve, again and again: that is all there is to have."""
    reading = PagedList()
    while not reading.done:
        page = list(map(item, range(10)))[reading.start :]
        reading.take(Part(page, 12))
    assert reading.cut
    assert ids(reading) == list(range(10))


@pytest.mark.parametrize(
    ("value", "whole"),
    [
        ({"comments": [{"id": "1"}], "total": 1}, True),
        ({"comments": [{"id": "1"}], "total": 2}, False),
        ({"comments": [], "total": 0}, True),
        ({"comments": [{"id": "1"}]}, False),
        ({"total": 0}, False),
        ([], False),
        (None, False),
    ],
)
def test_only_a_total_shows_that_an_embedded_list_is_whole(value: Any, *, whole: bool) -> None:
    """What is cut, has no total or another shape is asked for."""
    assert embedded(COMMENTS, issue(comment=value)).whole is whole


def test_absent_lists_are_asked_for_and_absent_arrays_are_empty() -> None:
    """Jira leaves out what is switched off; arrays have no other place where more of them could be."""
    assert embedded(COMMENTS, issue()) == UNKNOWN
    assert embedded(WORKLOGS, issue()) == UNKNOWN
    assert embedded(CHANGELOGS, issue()) == UNKNOWN
    assert embedded(LINKS, issue()).whole
    assert embedded(ATTACHMENTS, issue(attachment=None)).whole
    assert len(embedded(ATTACHMENTS, issue(attachment=[{"id": 1}, {"id": "2"}])).items) == 2
    held = {"histories": [{"id": "5"}], "total": 1}
    assert embedded(CHANGELOGS, issue(held)).whole


def test_an_answer_of_another_shape_is_an_error_and_no_empty_list() -> None:
    """Only what is embedded may be doubtful; a page that was asked for may not."""
    with pytest.raises(AnswerError, match="no list of worklogs"):
        part("worklogs", raw({"total": 0}))
    with pytest.raises(AnswerError, match="without an id"):
        record(Parent("1", "A-1", "2", ""), {}, ())


@pytest.mark.parametrize(
    ("own", "asked", "strange"),
    [
        (["*all"], ["*all"], set()),
        (["*all", "-comment"], ["*all", "comment"], {"comment"}),
        (["*navigable"], ["*navigable", "comment"], {"comment"}),
        (["summary"], ["summary", "comment", "issuelinks"], {"comment", "issuelinks"}),
        (["comment"], ["comment", "issuelinks"], {"issuelinks"}),
    ],
)
def test_fields_that_come_for_the_children_alone_are_known(
    own: list[str], asked: list[str], strange: set[str]
) -> None:
    """So that they can be kept out of the record of the issue."""
    assert to_ask(own, [COMMENTS, CHANGELOGS, LINKS]) == (asked, frozenset(strange))


def test_times_become_utc_whether_text_or_milliseconds() -> None:
    """`bulkfetch` sends numbers; null stays, and so does what is no time."""
    child = {
        "id": raw(7),
        "a": raw("2026-01-02T03:04:05.678+0100"),
        "b": raw(1767319445678),
        "c": raw(None),
        "d": raw("soon"),
    }
    made = record(Parent("1", "A-1", "2", "2026"), child, ("a", "b", "c", "d", "e"))
    assert msgspec.json.decode(msgspec.json.encode(made)) == {
        "id": "7",
        "issue_id": "1",
        "issue_key": "A-1",
        "project_id": "2",
        "issue_updated": "2026",
        "a": "2026-01-02T02:04:05.678Z",
        "b": "2026-01-02T02:04:05.678Z",
        "c": None,
        "d": "soon",
    }
