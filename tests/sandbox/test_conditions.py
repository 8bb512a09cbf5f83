"""JQL that people and taps send: relative dates, functions of the calendar, versions, categories, warnings, sorting."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from sandbox import Clock, Corpus, User, moments, query, times
from sandbox.index import Index
from sandbox.jql import JqlError
from sandbox.life import Life

if TYPE_CHECKING:
    from collections.abc import Callable

    from requests_oauthlib import OAuth1Session

    from sandbox import Sandbox
    from sandbox.issue import Issue

TIMEOUT = 10
BERLIN = ZoneInfo("Europe/Berlin")
USER = User("berlin", "Berlin")
SNAPSHOT = Corpus.generate(seed=3, issues=80, projects=3).snapshot()
NOW = times.to_ms(datetime(2026, 3, 31, 10, 20, 30, 400_000, tzinfo=BERLIN))


def found(text: str, *, validate: bool = True) -> query.Result:
    """What a query finds at `NOW`."""
    return query.run(query.Question.at(text, USER, NOW, validate=validate), SNAPSHOT)


@pytest.mark.parametrize(
    ("name", "argument", "local"),
    [
        ("now", None, "2026-03-31T10:20:30.400+0200"),
        ("startOfDay", None, "2026-03-31T00:00:00.000+0200"),
        ("STARTOFDAY", "-1d", "2026-03-30T00:00:00.000+0200"),
        ("startOfDay", "-2", "2026-03-29T00:00:00.000+0100"),
        ("startOfDay", "+8h", "2026-03-31T08:00:00.000+0200"),
        ("endOfDay", None, "2026-03-31T23:59:59.999+0200"),
        ("startOfWeek", None, "2026-03-29T00:00:00.000+0100"),
        ("endOfWeek", "1w", "2026-04-11T23:59:59.999+0200"),
        ("startOfMonth", "+14d", "2026-03-15T00:00:00.000+0100"),
        ("startOfMonth", "-1M", "2026-02-01T00:00:00.000+0100"),
        ("endOfMonth", "-1", "2026-02-28T23:59:59.999+0100"),
        ("endOfMonth", "+15d", "2026-04-15T23:59:59.999+0200"),
        ("startOfYear", "-1y", "2025-01-01T00:00:00.000+0100"),
        ("endOfYear", None, "2026-12-31T23:59:59.999+0100"),
    ],
)
def test_a_function_names_a_moment_in_the_users_calendar(
    name: str, argument: str | None, local: str
) -> None:
    """Days, weeks from Sunday, months and years are the asking user's, also across a change of the clocks."""
    arguments = (argument,) if argument else ()
    assert times.render(moments.call(name, arguments, BERLIN, NOW), BERLIN) == local


def test_today_is_the_users_day() -> None:
    """Half past midnight in Berlin is another day than in UTC."""
    now = times.to_ms(datetime(2026, 4, 1, 0, 30, tzinfo=BERLIN))
    start = moments.call("startOfDay", (), BERLIN, now)
    assert times.render(start, BERLIN) == "2026-04-01T00:00:00.000+0200"


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("-5m", -5), ("-2w", -20_160), ("4w 2d", 43_200), ("1h", 60), ("-1d 3h", -1620)],
)
def test_a_period_counts_from_now(text: str, minutes: int) -> None:
    """Weeks, days, hours and minutes, backwards with a minus, forwards without."""
    assert moments.is_period(text)
    assert moments.period(text, NOW) == NOW + minutes * 60_000


@pytest.mark.parametrize("text", ["5", "-5", "5y", "1M", "2d1h", "2026-01-01", "--1d"])
def test_what_is_no_period_is_left_to_the_dates(text: str) -> None:
    """Months and years have no fixed length, and a number alone is epoch milliseconds."""
    assert not moments.is_period(text)


def test_relative_dates_select_what_lies_before_or_after() -> None:
    """`-20w`, quoted or not, and `startOfDay("-140d")` divide the issues at the moment that they name."""
    bound = NOW - 140 * 86_400_000
    expected = {issue.id for issue in SNAPSHOT.issues if issue.updated_ms >= bound}
    assert 0 < len(expected) < len(SNAPSHOT.issues)
    for text in ("updated >= -20w", 'updated >= "-20w"', 'NOT updated < "-18w 14d"'):
        assert {issue.id for issue in found(text).issues} == expected
    start = moments.call("startOfDay", ("-140d",), BERLIN, NOW)
    after = {issue.id for issue in SNAPSHOT.issues if issue.updated_ms >= start}
    assert {i.id for i in found("updated >= startOfDay(-140d)").issues} == after


def test_only_relative_queries_depend_on_the_clock() -> None:
    """A question without `now` is the same question a moment later, so that its answer can be kept."""
    for text, relative in (
        ("updated > 5 OR NOT id = 10003", False),
        ("updated > 5 OR NOT created < -5m", True),
        ("updated in (5, now())", True),
    ):
        asked = query.Question.at(text, USER, NOW)
        assert (asked.now_ms is not None) == relative


def _named(field: str, name: str) -> Callable[[Issue], bool]:
    return lambda issue: (issue.fields[field] or {"name": None})["name"] == name


def _listed(field: str) -> Callable[[Issue], set[str]]:
    return lambda issue: {version["name"] for version in issue.fields[field]}


FIX, COMPONENTS = _listed("fixVersions"), _listed("components")
VERSION = min(set().union(*map(FIX, SNAPSHOT.issues)))
COMPONENT = min(set().union(*map(COMPONENTS, SNAPSHOT.issues)))
REPORTER = next(i.fields["reporter"]["name"] for i in SNAPSHOT.issues if i.fields["reporter"])


@pytest.mark.parametrize(
    ("text", "test"),
    [
        ("priority = Major", _named("priority", "Major")),
        ("priority != major", lambda i: not _named("priority", "Major")(i)),
        ("resolution = Unresolved", lambda i: i.fields["resolution"] is None),
        ("resolution is EMPTY", lambda i: i.fields["resolution"] is None),
        ("resolution != Unresolved", lambda i: i.fields["resolution"] is not None),
        ("resolved is not EMPTY", lambda i: i.fields["resolutiondate"] is not None),
        ("resolutiondate is EMPTY", lambda i: i.fields["resolutiondate"] is None),
        (
            "resolved >= -26w",
            lambda i: (
                bool(i.fields["resolutiondate"])
                and times.parse(i.fields["resolutiondate"]) >= NOW - 182 * 86_400_000
            ),
        ),
        (f'reporter = "{REPORTER}"', _named("reporter", REPORTER)),
        (f'fixVersion = "{VERSION}"', lambda i: VERSION in FIX(i)),
        (f'fixVersion != "{VERSION}"', lambda i: bool(FIX(i)) and VERSION not in FIX(i)),
        ("fixVersion is EMPTY", lambda i: not FIX(i)),
        (
            f'component in ("{COMPONENT}", EMPTY)',
            lambda i: COMPONENTS(i) in ({COMPONENT}, set()) or COMPONENT in COMPONENTS(i),
        ),
        ("statusCategory = Done", _named("status", "Closed")),
        ('statusCategory in (new, "In Progress")', lambda i: not _named("status", "Closed")(i)),
        ("statusCategory != 3", lambda i: not _named("status", "Closed")(i)),
    ],
)
def test_a_clause_finds_what_it_says(text: str, test: Callable[[Issue], bool]) -> None:
    """Versions, components, people, priorities, resolutions and categories, equal, different, and empty."""
    expected = {issue.id for issue in SNAPSHOT.issues if test(issue)}
    assert 0 < len(expected) < len(SNAPSHOT.issues)
    assert {issue.id for issue in found(text).issues} == expected


def test_the_greatest_priority_and_the_newest_date_come_first() -> None:
    """`ORDER BY priority` and `ORDER BY created` descend unless told otherwise; an empty value is last upwards."""
    ranks = [int(i.fields["priority"]["id"]) for i in found("order by priority, key").issues]
    assert ranks == sorted(ranks)
    upwards = [int(i.fields["priority"]["id"]) for i in found("order by priority asc").issues]
    assert upwards == sorted(ranks, reverse=True)
    created = [issue.created_ms for issue in found("order by created").issues]
    assert created == sorted(created, reverse=True)
    for field in ("resolved asc", "assignee", "status", "summary", "issuetype", "resolution"):
        assert len(found(f"order by {field}").issues) == len(SNAPSHOT.issues)
    empty = [i.fields["resolutiondate"] is None for i in found("order by resolved asc").issues]
    assert empty == sorted(empty)


def test_an_unvalidated_query_warns_and_matches_nothing_there() -> None:
    """`validateQuery=false`: a clause about what does not exist is empty, but broken JQL is refused all the same."""
    text = "project = NOPE OR id = 10003"
    with pytest.raises(JqlError, match="NOPE"):
        found(text)
    lenient = found(text, validate=False)
    assert [issue.id for issue in lenient.issues] == ["10003"]
    assert lenient.warnings == ("The value 'NOPE' does not exist for the field 'project'.",)
    with pytest.raises(JqlError, match="Expecting"):
        found("project NOPE", validate=False)


def test_a_list_that_is_not_validated_keeps_what_exists() -> None:
    """`id in (...)` with ids of deleted issues among them finds the others, and warns of each that is gone."""
    ids = [issue.id for issue in SNAPSHOT.issues[:2]]
    text = f"id in ({', '.join([*ids, '999998', '999999'])}) ORDER BY key"
    with pytest.raises(JqlError, match="'999998' does not exist"):
        found(text)
    lenient = found(text, validate=False)
    assert {issue.id for issue in lenient.issues} == set(ids)
    assert len(lenient.warnings) == 2


def test_a_key_that_is_compared_is_looked_up() -> None:
    """That of a deleted issue is refused, that of a moved one means its place in the new project."""
    corpus = Corpus.generate(seed=7, issues=60, projects=3)
    life = Life(corpus, Clock(), Index(Clock(), {"a": (0, 0)}, 0))
    moved, gone = (i for i in corpus.snapshot().issues[:2])
    new_key = life.move(moved.key, "OPS")
    life.delete(gone.key)

    def keys(text: str) -> list[str]:
        asked = query.Question.at(text, USER, NOW)
        return [issue.key for issue in query.run(asked, corpus.snapshot()).issues]

    home = moved.project.key
    assert keys(f"project = {home} AND key >= {moved.key} ORDER BY key") == []
    assert keys(f"key >= {moved.key} ORDER BY key") == [new_key]
    with pytest.raises(JqlError, match=f"'{gone.key}' does not exist"):
        keys(f"key >= {gone.key}")


@pytest.mark.parametrize(
    ("value", "status"),
    [("false", 200), ("False", 200), ("strict", 200), ("true", 400), ("True", 400)],
)
def test_validate_query_over_http(
    jira: Sandbox, signed: OAuth1Session, value: str, status: int
) -> None:
    """Java reads every word but "true" as false, Cloud's "strict" too; the warning comes with the answer, by POST alike."""
    url = jira.url + "/rest/api/2/search"
    query_: dict[str, Any] = {"jql": "project = NOPE", "validateQuery": value}
    answer = signed.get(url, params=query_, timeout=TIMEOUT)
    assert answer.status_code == status
    if status == 200:
        expected = ["The value 'NOPE' does not exist for the field 'project'."]
        assert answer.json()["warningMessages"] == expected
        posted = signed.post(url, json={**query_, "validateQuery": False}, timeout=TIMEOUT)
        assert posted.json() == answer.json()


def test_a_body_wants_a_boolean_for_validate_query(jira: Sandbox, signed: OAuth1Session) -> None:
    """Cloud's "strict" is a 400 on Data Center, in the words that a real server was seen to use; "true" in quotes is not."""
    url = jira.url + "/rest/api/2/search"
    refused = signed.post(url, json={"validateQuery": "strict"}, timeout=TIMEOUT)
    assert refused.status_code == 400
    assert refused.json()["errorMessages"][0].startswith(
        "Can not construct instance of java.lang.Boolean from String value 'strict': "
        'only "true" or "false" recognized'
    )
    assert signed.post(url, json={"validateQuery": "true"}, timeout=TIMEOUT).status_code == 200


def test_an_unknown_person_is_a_warning_on_data_center(
    jira: Sandbox, signed: OAuth1Session
) -> None:
    """Also in a query that is validated: 200, nothing found, and one sentence that says why."""
    asked = {"jql": 'creator = "nobody@example.com"'}
    answer = signed.get(jira.url + "/rest/api/2/search", params=asked, timeout=TIMEOUT)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["total"], answer.json()["warningMessages"]) == (
        0,
        ["The value 'nobody@example.com' does not exist for the field 'creator'."],
    )
