"""`search` over HTTP and its pure parts: paging, caps, the window, fields, envelope, time zones."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from sandbox import Clock, Corpus, Sandbox, User, times
from sandbox.conftest import CONSUMER, client
from sandbox.search import SearchRequest, page, selection

if TYPE_CHECKING:
    from requests_oauthlib import OAuth1Session

    from sandbox.conftest import Keys

TIMEOUT = 10
STABLE = "ORDER BY updated ASC, key ASC"


def search(session: OAuth1Session, jira: Sandbox, **params: Any) -> Any:
    """The answer to a GET search."""
    answer = session.get(jira.url + "/rest/api/2/search", params=params, timeout=TIMEOUT)
    assert answer.status_code == 200, answer.text
    return answer.json()


CORPUS = Corpus.generate(seed=5, issues=120, projects=2)


@given(st.integers(1, 70), st.integers(1, 70))
def test_pages_put_together_are_the_whole_result(size: int, cap: int) -> None:
    """Stepping by the number of issues received gives each issue once and in order, whatever the cap."""
    issues = CORPUS.snapshot().issues
    got: list[str] = []
    while len(got) < len(issues):
        asked = SearchRequest(start_at=len(got), max_results=size)
        envelope = page(asked, issues, cap).envelope(lambda issue: issue.id)
        assert envelope["maxResults"] == min(size, cap)
        assert envelope["total"] == len(issues)
        assert envelope["issues"]
        got += envelope["issues"]
    assert got == [issue.id for issue in issues]


def test_the_cap_is_silent_and_echoed(keys: Keys) -> None:
    """Item 8: more than the cap is never sent; `maxResults` says what was, `total` stays true; the default is 50."""
    with Sandbox(corpus=CORPUS, page_cap=80) as jira:
        jira.register_consumer(CONSUMER, keys.public_pem)
        with client(keys, resource_owner_key=jira.grant(CONSUMER).token) as session:
            capped = search(session, jira, maxResults=5000)
            default = search(session, jira)
            nothing = search(session, jira, maxResults=0)
    assert (capped["maxResults"], len(capped["issues"]), capped["total"]) == (80, 80, 120)
    assert (default["startAt"], default["maxResults"], len(default["issues"])) == (0, 50, 50)
    assert nothing == {"startAt": 0, "maxResults": 0, "total": 120, "issues": []}


def test_past_the_window_the_server_gives_up(keys: Keys) -> None:
    """`startAt + maxResults` beyond the window is a 500 that no repetition cures."""
    with Sandbox(corpus=CORPUS, window=100) as jira:
        jira.register_consumer(CONSUMER, keys.public_pem)
        with client(keys, resource_owner_key=jira.grant(CONSUMER).token) as session:
            assert len(search(session, jira, startAt=50, maxResults=50)["issues"]) == 50
            url = jira.url + "/rest/api/2/search"
            answer = session.get(url, params={"startAt": 51, "maxResults": 50}, timeout=TIMEOUT)
    assert answer.status_code == 500
    assert "Search limit exceeded" in answer.json()["errorMessages"][0]


def test_post_and_get_answer_alike(jira: Sandbox, signed: OAuth1Session) -> None:
    """Item 10: the same question in JSON, with an array of fields, has the same answer; `latest` is version 2."""
    query = f"project = ALPHA {STABLE}"
    body = {"jql": query, "startAt": 3, "maxResults": 4, "fields": ["summary", "updated"]}
    url = jira.url + "/rest/api/latest/search"
    posted = signed.post(url, json=body, timeout=TIMEOUT)
    got = search(signed, jira, jql=query, startAt=3, maxResults=4, fields="summary,updated")
    assert posted.json() == got
    assert (jira.requests[0].jql, jira.requests[0].start_at) == (query, 3)


def test_an_empty_result_has_no_expand(jira: Sandbox, signed: OAuth1Session) -> None:
    """Item 9: Jira leaves `expand` out when there is nothing to expand."""
    got = search(signed, jira, jql="created < 0")
    assert got == {"startAt": 0, "maxResults": 50, "total": 0, "issues": []}


@pytest.mark.parametrize(
    "params",
    [{"jql": "project = NOPE"}, {"jql": "nonsense"}, {"startAt": "-1"}, {"maxResults": "many"}],
)
def test_a_bad_question_is_a_400_in_jiras_shape(
    jira: Sandbox, signed: OAuth1Session, params: dict[str, str]
) -> None:
    """Never an empty success: one message in `errorMessages`, an empty `errors`."""
    answer = signed.get(jira.url + "/rest/api/2/search", params=params, timeout=TIMEOUT)
    assert answer.status_code == 400
    assert answer.json().keys() == {"errorMessages", "errors"}
    assert len(answer.json()["errorMessages"]) == 1


@pytest.mark.parametrize("body", ["[]", "{", '{"fields": "summary"}', '{"startAt": true}'])
def test_a_bad_post_body_is_a_400(jira: Sandbox, signed: OAuth1Session, body: str) -> None:
    """A body that is not the object Jira wants is refused."""
    headers = {"Content-Type": "application/json"}
    url = jira.url + "/rest/api/2/search"
    answer = signed.post(url, data=body, headers=headers, timeout=TIMEOUT)
    assert (answer.status_code, answer.json()["errors"]) == (400, {})


def test_fields_choose_what_an_issue_shows(jira: Sandbox, signed: OAuth1Session) -> None:
    """Items 9 and 10: `*navigable` by default, `*all`, names, minus names, repeated; `issuekey` alone leaves no `fields`."""

    def shown(fields: Any) -> set[str] | None:
        issue = search(signed, jira, maxResults=1, fields=fields)["issues"][0]
        return set(issue["fields"]) if "fields" in issue else None

    everything, navigable = shown("*all"), shown(None)
    assert everything is not None
    assert navigable is not None
    hidden = {"comment", "worklog", "attachment", "timetracking", "archiveddate", "archivedby"}
    assert everything - navigable == hidden
    assert shown("*navigable") == navigable
    assert shown(["summary", "updated,comment"]) == {"summary", "updated", "comment"}
    assert shown("*all,-comment") == everything - {"comment"}
    assert shown("-summary") == navigable - {"summary"}
    assert shown("issuekey") is None


def test_one_issue_shows_every_field_by_default(jira: Sandbox, signed: OAuth1Session) -> None:
    """`issue/KEY` and `issue/ID` answer the same, with comments; an unknown one is 404."""
    truth = jira.issues[0]
    by_id = signed.get(jira.url + "/rest/api/2/issue/" + truth["id"], timeout=TIMEOUT).json()
    by_key = signed.get(jira.url + "/rest/api/2/issue/" + truth["key"], timeout=TIMEOUT).json()
    assert by_id["fields"].keys() == by_key["fields"].keys() >= {"comment", "worklog"}
    missing = signed.get(jira.url + "/rest/api/2/issue/ALPHA-9999", timeout=TIMEOUT)
    assert missing.status_code == 404
    assert missing.json() == {"errorMessages": ["Issue Does Not Exist"], "errors": {}}


def test_datetimes_follow_the_viewer(keys: Keys) -> None:
    """Item 12: every datetime has the viewer's own offset, summer and winter in one page, and means the same moment."""
    users = (User("kolkata", "K", time_zone="Asia/Kolkata"), User("berlin", "B"))
    with Sandbox(corpus=CORPUS, users=users) as jira:
        jira.register_consumer(CONSUMER, keys.public_pem)
        pages = []
        for user in users:
            token = jira.grant(CONSUMER, user.name).token
            with client(keys, resource_owner_key=token) as session:
                pages.append(search(session, jira, jql=STABLE, fields="*all", maxResults=120))
        truth = {issue["id"]: issue["updated_ms"] for issue in jira.issues}
    east, berlin = ([issue["fields"]["updated"] for issue in p["issues"]] for p in pages)
    assert {text[-5:] for text in east} == {"+0530"}
    assert {text[-5:] for text in berlin} == {"+0100", "+0200"}
    shown = [times.parse(text) for text in berlin]
    assert shown == [times.parse(text) for text in east]
    assert shown == [truth[issue["id"]] for issue in pages[0]["issues"]] == sorted(shown)


@pytest.mark.parametrize(
    ("zone", "literal", "before", "after"),
    [
        ("Europe/Berlin", "2026-10-25 02:30", "2026-10-25T00:29:59", "2026-10-25T00:30:00"),
        ("Europe/Berlin", "2026-03-29 02:30", "2026-03-29T01:29:59", "2026-03-29T01:30:00"),
        ("America/New_York", "2026-11-01 01:30", "2026-11-01T05:29:59", "2026-11-01T05:30:00"),
        ("America/New_York", "2026-03-08 02:30", "2026-03-08T07:29:59", "2026-03-08T07:30:00"),
        ("Pacific/Auckland", "2026-04-05 02:30", "2026-04-04T13:29:59", "2026-04-04T13:30:00"),
    ],
)
def test_a_literal_in_the_hour_in_which_clocks_change(
    zone: str, literal: str, before: str, after: str
) -> None:
    """Items 11 and 12: the search finds from the first of two such minutes on, and what is shown agrees with it."""
    now = [0.0]
    users = [User("ada", "Ada", time_zone=zone, password="p")]
    corpus = Corpus.generate(seed=5, issues=2)
    with Sandbox(corpus=corpus, clock=Clock(source=lambda: now[0]), users=users) as jira:
        for issue, moment in zip(jira.issues, (before, after), strict=True):
            now[0] = times.parse(f"{moment}.000+0000") / 1000
            jira.edit(keys=[issue["key"]])
        second = jira.issues[1]
        found = requests.get(
            f"{jira.url}/rest/api/2/search",
            params={"jql": f'updated >= "{literal}"', "fields": "updated"},
            auth=("ada", "p"),
            timeout=TIMEOUT,
        ).json()["issues"]
    assert [issue["id"] for issue in found] == [second["id"]]
    assert times.parse(found[0]["fields"]["updated"]) == second["updated_ms"]


@given(st.integers(0, 4_000_000_000_000))
def test_a_rendered_datetime_parses_back(ms: int) -> None:
    """Milliseconds survive, in any zone."""
    text = times.render(ms, User("x", "X", time_zone="America/New_York").zone)
    assert times.parse(text) == ms
    assert re.fullmatch(r".*\.\d{3}-0[45]00", text)


def test_identity_hashes_change_on_every_read(jira: Sandbox, signed: OAuth1Session) -> None:
    """Java `toString()` values differ between two reads of one unchanged issue; nothing else does."""
    reads = [search(signed, jira, jql=STABLE, fields="*all", maxResults=60) for _ in range(2)]
    first, second = (
        {(i["id"], name): value for i in read["issues"] for name, value in i["fields"].items()}
        for read in reads
    )
    differing = [key for key in first if first[key] != second[key]]
    assert differing
    for key in differing:
        assert "com.atlassian" in str(first[key])
        same = [re.sub(r"@[0-9a-f]+\[", "@[", str(value)) for value in (first[key], second[key])]
        assert same[0] == same[1]


def test_offset_paging_loses_rows_when_somebody_edits(jira: Sandbox, signed: OAuth1Session) -> None:
    """Item 13: an issue edited after it was read leaves its place, every later row moves up, and one is never seen."""

    def edit_a_row_already_read(entry: Any) -> None:
        if entry.start_at:
            jira.edit(keys=[read[0]["key"]])

    jira.before_request.append(edit_a_row_already_read)
    read: list[dict[str, Any]] = []
    while True:
        got = search(signed, jira, jql=STABLE, startAt=len(read), maxResults=10, fields="updated")
        if not got["issues"]:
            break
        read += got["issues"]
    missing = {issue["id"] for issue in jira.issues} - {issue["id"] for issue in read}
    assert missing, "the sandbox's edits did not move any row"


def test_selection_of_an_unknown_field_shows_nothing() -> None:
    """A name that no issue has keeps no field."""
    keep = selection(["nope"], "*all")
    assert not keep("summary")


def test_request_parameters_are_read_from_the_query() -> None:
    """Comma lists and repeated `fields` join; blanks around names go."""
    args = MultiDict([("fields", "a, b"), ("fields", "-c"), ("startAt", "7")])
    asked = SearchRequest.from_query(args)
    assert (asked.fields, asked.start_at, asked.max_results) == (("a", "b", "-c"), 7, 50)


def test_results_are_kept_until_something_changes() -> None:
    """A second page costs a slice, and an edit shows at once."""
    corpus = Corpus.generate(seed=5, issues=30)
    with Sandbox(corpus=corpus) as jira:
        before = corpus.snapshot()
        assert corpus.snapshot() is before
        key = jira.issues[0]["key"]
        jira.clock.offset = timedelta(days=1).total_seconds()
        assert jira.edit(keys=[key]) == [key]
        after = corpus.snapshot()
    assert after.version > before.version
    assert after.by_key[key].updated_ms > before.by_key[key].updated_ms
