"""Queries, quoting and datetimes."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_jira_oauth.errors import AnswerError
from tap_jira_oauth.jql import (
    format_datetime,
    has_order_by,
    parse_datetime,
    quote,
    window_jql,
    zone_literal,
)

pytestmark = pytest.mark.any_version


def test_a_window_is_one_query_without_an_upper_bound() -> None:
    """Project, lower bound, the user's own condition in parentheses, and a stable order."""
    assert window_jql("ABC", "type = Bug OR type = Task", since=1_767_225_600_000) == (
        'project = "ABC" AND updated >= 1767225600000 AND (type = Bug OR type = Task) '
        "ORDER BY updated ASC, key ASC"
    )
    assert window_jql("TO", since=None) == 'project = "TO" ORDER BY updated ASC, key ASC'


def test_a_crowded_minute_is_asked_for_by_key() -> None:
    """Between two times, from a key on, in the order of keys."""
    assert window_jql("ABC", since=60_000, before=120_000, after="ABC-7") == (
        'project = "ABC" AND updated >= 60000 AND updated < 120000 AND key >= "ABC-7" ORDER BY key ASC'
    )
    assert window_jql("ABC", since=None, after="") == 'project = "ABC" ORDER BY key ASC'


ZONES = ("UTC", "America/New_York", "Asia/Tokyo", "Asia/Kolkata", "Australia/Lord_Howe")


@given(st.integers(0, 2 * 10**12), st.sampled_from(ZONES))
def test_a_literal_in_the_users_zone_is_on_the_safe_side_of_its_moment(
    moment: int, zone: str
) -> None:
    """Whichever of two equal hours Jira takes: not later than a lower bound, not earlier than an upper one."""
    there = ZoneInfo(zone)
    most = 2 * 3_600_000 + 60_000
    for late in (False, True):
        text = zone_literal(there)(moment, late=late).strip('"')
        local = datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=there)
        for fold in (0, 1):
            read = local.replace(fold=fold).timestamp() * 1000
            assert moment <= read < moment + most if late else moment - most < read <= moment


def test_a_minute_of_the_hour_that_comes_twice_is_asked_for_with_all_of_that_hour() -> None:
    """Between the minute before both and the one after both, since nobody knows which of them Jira takes."""
    minute = 1_793_512_800_000  # 2026-11-01 06:00 UTC, the second 1:00 of New York
    literal = zone_literal(ZoneInfo("America/New_York"))
    jql = window_jql("ABC", since=minute, before=minute + 60_000, after="", literal=literal)
    assert jql == (
        'project = "ABC" AND updated >= "2026-11-01 00:59" AND updated < "2026-11-01 02:00" '
        "ORDER BY key ASC"
    )


def test_quotes_and_backslashes_are_escaped() -> None:
    """A text cannot end its own literal."""
    assert quote('a"b\\c') == '"a\\"b\\\\c"'


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("type = Bug ORDER BY created", True),
        ("type = Bug order\n by created", True),
        ("summary ~ 'order by phone'", False),
        ('summary ~ "he said \\" order by"', False),
        ("border = by", False),
    ],
)
def test_an_order_by_is_found_outside_of_quoted_text_only(condition: str, *, found: bool) -> None:
    """The reader needs its own order; a quoted "order by" is none."""
    assert has_order_by(condition) is found


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2024-01-02T03:04:05.678+0000", "2024-01-02T03:04:05.678Z"),
        ("2024-01-02T03:04:05.678-0500", "2024-01-02T08:04:05.678Z"),
        ("2024-07-02T03:04:05.000+0530", "2024-07-01T21:34:05.000Z"),
        ("2024-07-02T03:04:05Z", "2024-07-02T03:04:05.000Z"),
    ],
)
def test_datetimes_of_any_offset_become_utc(text: str, utc: str) -> None:
    """The offset is the viewer's, not part of the moment."""
    assert format_datetime(parse_datetime(text)) == utc


@given(st.datetimes(datetime(1970, 1, 1), datetime(9999, 1, 1)), st.integers(-14 * 60, 14 * 60))  # noqa: DTZ001 - hypothesis wants naive bounds
def test_a_moment_survives_jiras_spelling_in_any_zone(naive: datetime, offset: int) -> None:
    """Milliseconds are kept exactly, whatever the offset."""
    moment = naive.replace(microsecond=naive.microsecond // 1000 * 1000, tzinfo=timezone.utc)
    local = moment.astimezone(timezone(timedelta(minutes=offset)))
    sent = f"{local:%Y-%m-%dT%H:%M:%S}.{local.microsecond // 1000:03d}{local:%z}"
    ms = parse_datetime(sent)
    assert ms == (moment - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(milliseconds=1)
    assert parse_datetime(format_datetime(ms)) == ms


@pytest.mark.parametrize("text", ["", "Today 2:52 PM", "26/lip/10 1:29 PM", "2024-01-02"])
def test_a_text_that_is_no_moment_is_refused(text: str) -> None:
    """Rendered dates of a person's locale, and days, are never taken for moments."""
    with pytest.raises(AnswerError, match="where a date with a time is due"):
        parse_datetime(text)
