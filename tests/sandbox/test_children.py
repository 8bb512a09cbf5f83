"""What hangs below issues: comments, worklogs, changelogs, remote links, and the walks over all worklogs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import requests

from sandbox import Corpus, Sandbox, User, times
from sandbox.worklog_log import HELD_BACK_MS, PAGE, WorklogLog

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox.issue import Issue

TIMEOUT = 10
AUTH = ("sandbox", "sandbox")


def ask(jira: Sandbox, path: str, body: Any = None, version: str = "2", **query: Any) -> Any:
    """The answer of a resource as the default user; a body makes it a POST."""
    method = "GET" if body is None else "POST"
    return requests.request(
        method,
        f"{jira.url}/rest/api/{version}/{path}",
        params=query,
        json=body,
        auth=AUTH,
        timeout=TIMEOUT,
    )


def get(jira: Sandbox, path: str, body: Any = None, **query: Any) -> Any:
    """The JSON of a 200."""
    answer = ask(jira, path, body, **query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def corpus() -> Corpus:
    """Enough issues to have one with 350 comments, one with 60 worklogs and one with 1,000 histories."""
    return Corpus.generate(seed=7, issues=90, projects=2)


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    """A Data Center that nobody changes."""
    with Sandbox(corpus=corpus()) as jira:
        yield jira


@pytest.fixture(scope="module")
def cloud() -> Iterator[Sandbox]:
    """The same as Cloud."""
    with Sandbox(corpus=corpus(), flavor="cloud") as jira:
        yield jira


def heaviest(jira: Sandbox, kind: str) -> Issue:
    """The issue with the most comments, worklogs or histories."""
    held = jira.world.corpus
    read = {
        "comment": held.children.comments,
        "worklog": held.children.worklogs,
        "history": held.children.histories,
    }[kind]
    return max(held.snapshot().issues, key=lambda issue: len(read(issue)))


def test_comments_page_and_data_center_embeds_them_all(server: Sandbox) -> None:
    """350 comments come in pages of what is asked, together what the issue embeds; without a page all at once."""
    issue = heaviest(server, "comment")
    embedded = get(server, f"issue/{issue.key}", fields="comment")["fields"]["comment"]
    assert (embedded["total"], embedded["maxResults"]) == (350, 350)
    found: list[Any] = []
    while len(found) < embedded["total"]:
        page = get(server, f"issue/{issue.id}/comment", startAt=len(found), maxResults=100)
        assert (page["startAt"], page["maxResults"]) == (len(found), 100)
        found += page["comments"]
    assert found == embedded["comments"]
    assert [one["created"] for one in found] == sorted(one["created"] for one in found)
    whole = get(server, f"issue/{issue.key}/comment", orderBy="-created")
    assert (whole["maxResults"], whole["comments"]) == (1_048_576, found[::-1])
    assert get(server, f"issue/{issue.key}/comment/{found[7]['id']}") == found[7]
    assert ask(server, f"issue/{issue.key}/comment/1").status_code == 404
    assert ask(server, f"issue/{issue.key}/comment", startAt="x").status_code == 400
    assert ask(server, "issue/NOPE-1/comment").status_code == 404


def test_worklogs_come_whole_where_the_issue_embeds_twenty(server: Sandbox) -> None:
    """The resource gives all 60 and begins with the 20 that `worklog` embeds."""
    issue = heaviest(server, "worklog")
    embedded = get(server, f"issue/{issue.key}", fields="worklog")["fields"]["worklog"]
    assert (len(embedded["worklogs"]), embedded["maxResults"], embedded["total"]) == (20, 20, 60)
    page = get(server, f"issue/{issue.key}/worklog", startAt=5, maxResults=5)
    assert (page["startAt"], page["maxResults"], page["total"]) == (0, 60, 60)
    assert page["worklogs"][:20] == embedded["worklogs"]
    assert len({log["id"] for log in page["worklogs"]}) == 60
    one = page["worklogs"][50]
    assert get(server, f"issue/{issue.key}/worklog/{one['id']}") == one


def test_cloud_pages_worklogs(cloud: Sandbox) -> None:
    """`startAt` and `maxResults` are obeyed there."""
    issue = heaviest(cloud, "worklog")
    page = get(cloud, f"issue/{issue.key}/worklog", startAt=55, maxResults=20)
    assert (page["startAt"], page["total"], len(page["worklogs"])) == (55, 60, 5)
    assert "accountId" in page["worklogs"][0]["author"] or "displayName" in str(page)


def test_changelogs_page_on_cloud_and_are_no_resource_on_data_center(
    server: Sandbox, cloud: Sandbox
) -> None:
    """1,000 histories in pages of 100, oldest first, with `nextPage`; on Data Center a 404."""
    issue = heaviest(cloud, "history")
    assert ask(server, f"issue/{issue.key}/changelog").status_code == 404
    assert ask(server, "changelog/bulkfetch", {"issueIdsOrKeys": ["1"]}).status_code == 404
    found: list[Any] = []
    url: str | None = f"{cloud.url}/rest/api/2/issue/{issue.key}/changelog?maxResults=500"
    while url:
        page = requests.get(url, auth=AUTH, timeout=TIMEOUT).json()
        assert (page["maxResults"], page["total"]) == (100, 1000)
        found += page["values"]
        url = page.get("nextPage")
    moments = [times.parse(history["created"]) for history in found]
    assert (len(found), moments) == (1000, sorted(moments))


def test_bulkfetch_pages_over_the_histories_of_many_issues(cloud: Sandbox) -> None:
    """Its pages hold every history of every issue once, `created` in milliseconds; fields narrow; limits are a 400."""
    keys = [issue["key"] for issue in cloud.issues]
    order: dict[str, Any] = {"issueIdsOrKeys": keys, "maxResults": 300}
    found: list[tuple[str, str]] = []
    while True:
        page = get(cloud, "changelog/bulkfetch", order)
        for log in page["issueChangeLogs"]:
            assert all(isinstance(one["created"], int) for one in log["changeHistories"])
            found += [(log["issueId"], one["id"]) for one in log["changeHistories"]]
        if "nextPageToken" not in page:
            break
        order["nextPageToken"] = page["nextPageToken"]
    held = cloud.world.corpus
    truth = [
        (i.id, one["id"]) for i in held.snapshot().issues for one in held.children.histories(i)
    ]
    assert sorted(found) == sorted(truth)
    narrowed = get(cloud, "changelog/bulkfetch", {"issueIdsOrKeys": keys, "fieldIds": ["status"]})
    histories = [one for log in narrowed["issueChangeLogs"] for one in log["changeHistories"]]
    assert histories
    assert all("status" in {item["field"] for item in one["items"]} for one in histories)
    assert ask(cloud, "changelog/bulkfetch", {"issueIdsOrKeys": ["1"] * 1001}).status_code == 400
    assert ask(cloud, "changelog/bulkfetch", {"issueIdsOrKeys": []}).status_code == 400


def test_bulkfetch_of_issues_tells_those_that_it_does_not_find(
    server: Sandbox, cloud: Sandbox
) -> None:
    """Cloud only, up to 100, with the fields asked for; a deleted one is an error beside the others."""
    issue = cloud.world.corpus.snapshot().issues[0]
    order = {"issueIdsOrKeys": [issue.id, "999999"], "fields": ["project"]}
    page = get(cloud, "issue/bulkfetch", order)
    assert [one["key"] for one in page["issues"]] == [issue.key]
    assert page["issues"][0]["fields"].keys() == {"project"}
    assert [one["id"] for one in page["issueErrors"]] == ["999999"]
    assert ask(cloud, "issue/bulkfetch", {"issueIdsOrKeys": ["1"] * 101}).status_code == 400
    assert ask(server, "issue/bulkfetch", order).status_code == 404


def test_an_edit_becomes_a_history() -> None:
    """What happens in the sandbox is the last history, with the old and the new value; the older ones stay."""
    with Sandbox(corpus=corpus()) as jira:
        held = jira.world.corpus
        old = held.snapshot().issues[3]
        before = held.children.histories(old)
        jira.edit(keys=[old.key])
        new = held.snapshot().by_id[old.id]
        after = held.children.histories(new)
    assert after[:-1] == before
    items = {item["field"]: item for item in after[-1]["items"]}
    assert items["summary"]["fromString"] == old.fields["summary"]
    assert items["summary"]["toString"] == new.fields["summary"]
    assert times.parse(after[-1]["created"]) == new.updated_ms


def test_worklog_lists_walk_through_time_and_name_what_is_gone(server: Sandbox) -> None:
    """Every worklog is in `worklog/updated`, gone ones only in `worklog/deleted`; `worklog/list` gives the bodies."""
    held = server.world.corpus
    truth = {
        body["id"]: body
        for issue in held.snapshot().issues
        for body in held.children.worklogs(issue)
    }
    page = get(server, "worklog/updated")
    assert (page["lastPage"], page["since"]) == (True, 0)
    ids = [value["worklogId"] for value in page["values"]]
    assert sorted(map(str, ids)) == sorted(truth)
    assert page["until"] == page["values"][-1]["updatedTime"]
    again = get(server, "worklog/updated", since=page["until"])
    assert [value["worklogId"] for value in again["values"]] == ids[-1:], "since is inclusive"
    gone = [value["worklogId"] for value in get(server, "worklog/deleted")["values"]]
    assert gone
    assert not set(map(str, gone)) & set(truth)
    bodies = get(server, "worklog/list", {"ids": [*ids, *gone]})
    assert {body["id"] for body in bodies} == set(truth)
    assert ask(server, "worklog/list", {"ids": list(range(1001))}).status_code == 400
    anonymous = requests.get(f"{server.url}/rest/api/2/worklog/updated", timeout=TIMEOUT)
    assert anonymous.status_code == 401


def test_worklogs_of_invisible_projects_are_ids_without_bodies() -> None:
    """The walk names them, the list leaves them out, as Jira does."""
    users = (User("ops", "Ops", projects=frozenset({"OPS"}), password="sandbox"),)
    with Sandbox(corpus=corpus(), users=users) as jira:
        auth = ("ops", "sandbox")
        base = f"{jira.url}/rest/api/2/worklog/"
        page = requests.get(base + "updated", auth=auth, timeout=TIMEOUT).json()
        ids = [value["worklogId"] for value in page["values"]]
        bodies = requests.post(base + "list", json={"ids": ids}, auth=auth, timeout=TIMEOUT).json()
        seen = {issue["id"] for issue in jira.issues if issue["project"] == "OPS"}
    assert 0 < len(bodies) < len(ids)
    assert {body["issueId"] for body in bodies} <= seen


def test_a_page_of_worklogs_holds_a_thousand_and_not_the_last_minute() -> None:
    """2,500 worklogs are three pages from `until` to `until`; what changed within the last minute waits."""
    entries = [(1000 + 10 * i, str(i)) for i in range(2500)]
    now = entries[-1][0] + HELD_BACK_MS
    since, seen, pages = 0, set(), 0
    while True:
        page = WorklogLog.page("u", entries, since, now)
        assert len(page["values"]) <= PAGE
        seen |= {value["worklogId"] for value in page["values"]}
        since, pages = page["until"], pages + 1
        if page["lastPage"]:
            break
        assert page["nextPage"] == f"u?since={since}"
    assert (len(seen), pages) == (2500, 3)
    held_back = WorklogLog.page("u", entries, 0, now - 10)
    assert held_back["values"][0]["worklogId"] == 0
    assert WorklogLog.page("u", entries, entries[-1][0], now - 1)["values"] == []


def test_remote_links_are_a_bare_array(server: Sandbox) -> None:
    """Most issues have none, some several, and each names the thing it links to."""
    found = [get(server, f"issue/{issue['key']}/remotelink") for issue in server.issues[:60]]
    assert [] in found
    links = [link for several in found for link in several]
    assert links
    assert all(isinstance(link["id"], int) and link["object"]["url"] for link in links)


def test_children_show_datetimes_in_the_viewers_zone(server: Sandbox) -> None:
    """The same worklog has the offset of whoever asks."""
    issue = heaviest(server, "worklog")
    log = get(server, f"issue/{issue.key}/worklog")["worklogs"][0]
    stored = server.world.corpus.children.worklogs(issue)[0]
    assert stored["started"].endswith("+0000")
    assert log["started"][-5:] in {"+0100", "+0200"}
    assert times.parse(log["started"]) == times.parse(stored["started"])


def test_the_same_seed_has_the_same_children() -> None:
    """Neither the order nor the repetition of reading changes a byte."""
    one, other = corpus(), corpus()
    backwards = {issue.id: dump(other, issue) for issue in reversed(other.snapshot().issues)}
    for issue in one.snapshot().issues:
        assert dump(one, issue) == dump(one, issue) == backwards[issue.id]


def dump(held: Corpus, issue: Issue) -> str:
    """Fields and children as text."""
    below = held.children
    parts = [below.comments(issue), below.worklogs(issue), below.histories(issue)]
    return json.dumps([dict(issue.fields), parts, below.remote_links(issue)])


def keys_of(bodies: list[Any]) -> set[str]:
    """Every key that occurs in a list of objects."""
    return {key for body in bodies for key in body}


def test_children_have_recorded_shapes(recorded: Path) -> None:
    """Comments and histories have the keys and types of real ones, and a recorded issue keeps its own."""
    real = Corpus.from_folder(recorded / "devlake-server")
    issues = real.snapshot().issues
    comments = [one for issue in issues for one in real.children.comments(issue)]
    histories = [one for issue in issues for one in real.children.histories(issue)]
    assert histories
    made = corpus()
    own = made.snapshot().issues
    made_comments = [one for issue in own for one in made.children.comments(issue)]
    made_histories = [one for issue in own for one in made.children.histories(issue)]
    assert keys_of(made_comments) - {"visibility"} == keys_of(comments) - {"visibility"}
    assert keys_of(made_histories) == keys_of(histories)
    items = keys_of([item for one in histories for item in one["items"]])
    assert keys_of([item for one in made_histories for item in one["items"]]) == items
    texts = [v for one in made_histories for item in one["items"] for v in item.values()]
    assert {type(value) for value in texts} == {str, type(None)}


def test_a_data_center_may_cut_lists() -> None:
    """With `list_cap` comments, worklogs and histories are cut where they are embedded; the first two have pages."""
    with Sandbox(corpus=corpus(), list_cap=7) as jira:
        for kind, items in [("comment", "comments"), ("worklog", "worklogs")]:
            issue = heaviest(jira, kind)
            held = get(jira, f"issue/{issue.key}")["fields"][kind]
            page = get(jira, f"issue/{issue.key}/{kind}", startAt=7)
            assert held["total"] == page["total"] > len(held[items])
            assert (page["startAt"], len(page[items])) == (7, 7)
        issue = heaviest(jira, "history")
        log = get(jira, f"issue/{issue.key}", expand="changelog")["changelog"]
        assert (len(log["histories"]), log["total"]) == (7, 1000)
