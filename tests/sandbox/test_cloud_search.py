"""Cloud by a flag: search by token, counts, what is gone, documents and account ids, shorter lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests

from sandbox import Clock, Corpus, Sandbox, cloud
from sandbox.cloud_search import Token
from sandbox.test_life import START, Hand

if TYPE_CHECKING:
    from collections.abc import Iterator

TIMEOUT = 10
BOUNDED = "project in (ALPHA, OPS, WEB2)"
STABLE = f"{BOUNDED} ORDER BY updated ASC, key ASC"
JQL = "/rest/api/3/search/jql"


class Site:
    """A Cloud site and somebody who is signed in to it."""

    def __init__(self, jira: Sandbox, hand: Hand) -> None:
        """The clock stands at `START` and moves with `hand`."""
        self.jira, self.hand = jira, hand
        self.session = requests.Session()
        self.session.auth = ("sandbox", "sandbox")

    def get(self, path: str, **params: Any) -> requests.Response:
        """A GET below the base URL."""
        return self.session.get(self.jira.url + path, params=params, timeout=TIMEOUT)

    def post(self, path: str, **body: Any) -> requests.Response:
        """A POST of JSON below the base URL."""
        return self.session.post(self.jira.url + path, json=body, timeout=TIMEOUT)

    def pages(self, **params: Any) -> Iterator[dict[str, Any]]:
        """Every page of a search, by token."""
        token: dict[str, str] = {}
        for _ in range(1000):
            answer = self.get(JQL, **params, **token)
            assert answer.status_code == 200, answer.text
            yield answer.json()
            if "nextPageToken" not in answer.json():
                return
            token = {"nextPageToken": answer.json()["nextPageToken"]}
        raise AssertionError("the pages never end")


@pytest.fixture
def site() -> Iterator[Site]:
    """Cloud with 90 issues, whose index lags by a minute."""
    hand = Hand()
    corpus = Corpus.generate(seed=7, issues=90, projects=3)
    clock = Clock(source=hand)
    with Sandbox(corpus=corpus, flavor="cloud", clock=clock, nodes={"one": (60, 60)}) as jira:
        found = Site(jira, hand)
        with found.session:
            yield found


@pytest.mark.parametrize("order", ["updated ASC, key ASC", "project DESC", "assignee, created"])
def test_pages_by_token_are_the_whole_result_in_order(site: Site, order: str) -> None:
    """Item 18: every issue once and in order, also with ties; some pages short, the last without a token."""
    pages = list(site.pages(jql=f"{BOUNDED} ORDER BY {order}", maxResults=7, fields="updated"))
    read = [issue["id"] for page in pages for issue in page["issues"]]
    whole = site.get(JQL, jql=f"{BOUNDED} ORDER BY {order}", maxResults=5000).json()["issues"]
    assert sorted(read) == sorted(issue["id"] for issue in site.jira.issues)
    assert len(read) == len(set(read))
    if len(whole) == 90:
        assert read == [issue["id"] for issue in whole]
    sizes = [len(page["issues"]) for page in pages[:-1]]
    assert max(sizes) == 7
    assert min(sizes) < 7, "fewer than asked for now and then"
    assert [page["isLast"] for page in pages] == [False] * len(sizes) + [True]
    assert all(page.keys() == {"issues", "nextPageToken", "isLast"} for page in pages[:-1])
    assert pages[-1].keys() == {"issues", "isLast"}


def test_a_token_survives_edits_between_pages(site: Site) -> None:
    """Item 18: a position in the order, not a row number: what was read and moves away hides nothing."""
    first = site.get(JQL, jql=STABLE, maxResults=30, fields="id").json()
    read = {issue["id"] for issue in first["issues"]}
    keys = [issue["key"] for issue in site.jira.issues if issue["id"] in read]
    site.jira.edit(keys=keys[:20])
    site.hand.seconds += 60
    token = first["nextPageToken"]
    rest: list[str] = []
    for _ in range(1000):
        if not token:
            break
        page = site.get(JQL, jql=STABLE, maxResults=30, fields="id", nextPageToken=token).json()
        rest += [issue["id"] for issue in page["issues"]]
        token = page.get("nextPageToken")
    assert read | set(rest) == {issue["id"] for issue in site.jira.issues}


def test_a_token_is_bound_to_its_question_and_expires(site: Site) -> None:
    """Item 18: another JQL, other fields, seven days later, or an invented token: 400; the same page again: the same."""
    asked = {"jql": STABLE, "maxResults": 10, "fields": "updated"}
    token = site.get(JQL, **asked).json()["nextPageToken"]
    second = site.get(JQL, **asked, nextPageToken=token)
    assert site.get(JQL, **asked, nextPageToken=token).json() == second.json()
    for changed in ({"jql": BOUNDED}, {"fields": "summary"}, {"nextPageToken": "rubbish"}):
        refused = site.get(JQL, **{**asked, "nextPageToken": token, **changed})
        assert (refused.status_code, refused.json()["warningMessages"]) == (400, [])
    site.hand.seconds += 7 * 86_400
    assert site.get(JQL, **asked, nextPageToken=token).status_code == 200
    site.hand.seconds += 1
    assert site.get(JQL, **asked, nextPageToken=token).status_code == 400
    assert Token.decoded(token).issued_ms == START * 1000


def test_only_ids_come_unless_fields_are_asked_for(site: Site) -> None:
    """Item 18: the default is the id alone, in pages of 50; ids come by the thousand, issues by the hundred at most."""
    default = site.get(JQL, jql=STABLE).json()["issues"]
    assert all(issue.keys() == {"id"} for issue in default)
    assert len(default) <= 50
    key = site.get(JQL, jql=STABLE, fields="key", maxResults=1).json()["issues"][0]
    assert key.keys() == {"expand", "id", "self", "key"}
    some = site.get(JQL, jql=STABLE, fields="summary,updated", maxResults=1).json()["issues"][0]
    assert some["fields"].keys() == {"summary", "updated"}
    many = site.post(JQL, jql=STABLE, fields=["*all"], maxResults=2).json()["issues"][0]
    assert {"comment", "worklog", "description"} <= many["fields"].keys()
    assert not {"archiveddate", "archivedby"} & many["fields"].keys()


@pytest.mark.parametrize(
    ("jql", "message"),
    [
        ("", "Unbounded JQL queries are not allowed here."),
        ("ORDER BY updated", "Unbounded JQL queries are not allowed here."),
        ("project = NOPE", "The value 'NOPE' does not exist"),
        ("id = 10000 ORDER BY " + ",".join(["key"] * 8), "ORDER BY fields is 7"),
    ],
)
def test_a_query_needs_a_restriction(site: Site, jql: str, message: str) -> None:
    """Item 18: unbounded JQL is a 400, on the search and on the count, GET and POST."""
    answers = [
        site.get(JQL, jql=jql),
        site.post(JQL, jql=jql),
        site.post("/rest/api/3/search/approximate-count", jql=jql),
    ]
    assert {answer.status_code for answer in answers} == {400}
    assert all(message in answer.json()["errorMessages"][0] for answer in answers)


def test_counts_and_what_is_gone(site: Site) -> None:
    """Item 18: `approximate-count` counts; the old search answers 410 and names its successor in every version."""
    count = site.post("/rest/api/3/search/approximate-count", jql="project = OPS").json()
    assert count == {"count": sum(issue["project"] == "OPS" for issue in site.jira.issues)}
    for version in ("2", "3", "latest"):
        gone = site.get(f"/rest/api/{version}/search", jql=STABLE)
        assert gone.status_code == 410
        assert "/rest/api/3/search/jql" in gone.json()["errorMessages"][0]
    assert site.post("/rest/api/2/search", jql=STABLE).status_code == 410


def test_start_at_is_ignored_or_refused(site: Site) -> None:
    """In a query string `startAt` changes nothing, in a body it is unknown; so are bodies that are no objects."""
    plain = site.get(JQL, jql=STABLE, maxResults=3).json()
    assert site.get(JQL, jql=STABLE, maxResults=3, startAt=50).json() == plain
    refused = site.post(JQL, jql=STABLE, startAt=50)
    assert (refused.status_code, refused.json()["warningMessages"]) == (400, [])
    assert site.post(JQL, jql=STABLE, fields="summary").status_code == 400


@pytest.mark.parametrize(
    "wrong",
    [
        {"nextPageToken": 5},
        {"expand": ["names"]},
        {"jql": ["project = ALPHA"]},
        {"maxResults": "5"},
        {"reconcileIssues": ["x"]},
    ],
)
def test_a_body_with_wrong_types_is_refused(site: Site, wrong: dict[str, Any]) -> None:
    """And with the body of a 400 that Cloud has: no `errors`."""
    refused = site.post(JQL, **{"jql": STABLE, **wrong})
    assert refused.status_code == 400
    message = "Invalid request payload. Refer to the REST API documentation and try again."
    assert refused.json() == {"errorMessages": [message], "warningMessages": []}


def test_reconciled_issues_are_read_after_they_were_written(site: Site) -> None:
    """The index lags, but not for the issues named in `reconcileIssues`, of which there may be 50."""
    issue = site.jira.issues[0]
    site.jira.edit(keys=[issue["key"]])
    edited = f"updated >= {int(START * 1000)}"
    assert site.get(JQL, jql=edited).json()["issues"] == []
    found = site.get(JQL, jql=edited, reconcileIssues=issue["id"]).json()["issues"]
    assert found == [{"id": issue["id"]}]
    posted = site.post(JQL, jql=edited, reconcileIssues=[int(issue["id"])]).json()["issues"]
    assert posted == found
    assert site.post(JQL, jql=edited, reconcileIssues=list(range(51))).status_code == 400


def test_texts_are_documents_in_version_3_and_wiki_text_in_version_2(site: Site) -> None:
    """Item 18: description, comments and text areas are documents in version 3 only."""
    asked = {"jql": f"{BOUNDED} AND description is EMPTY", "fields": "*all", "maxResults": 100}
    assert site.get(JQL, **asked).status_code == 400, "text fields are not searched by value"
    asked["jql"] = STABLE
    wiki, docs = (
        {issue["id"]: issue["fields"] for issue in site.get(path, **asked).json()["issues"]}
        for path in ("/rest/api/2/search/jql", JQL)
    )
    shared = wiki.keys() & docs.keys()
    texts = [(wiki[id_]["description"], docs[id_]["description"]) for id_ in shared]
    assert any(text is None for text, _ in texts)
    for text, document in texts:
        assert document == cloud.document(text)
    pairs = [
        (old, new)
        for id_ in shared
        for old, new in zip(
            wiki[id_]["comment"]["comments"], docs[id_]["comment"]["comments"], strict=True
        )
    ]
    assert pairs
    assert all(new["body"] == cloud.document(old["body"]) for old, new in pairs)


def test_people_go_by_account_id(site: Site) -> None:
    """No user name anywhere; `assignee` and `myself` have account ids, and JQL takes them and not names."""
    whole = site.get(JQL, jql=f"{BOUNDED} AND assignee is not EMPTY", fields="*all", maxResults=50)
    first = whole.json()["issues"][0]["fields"]["assignee"]
    assert {"accountId", "accountType", "active"} <= first.keys()
    assert not {"name", "key"} & first.keys()
    found = site.get(JQL, jql=f'assignee = "{first["accountId"]}"', fields="assignee").json()
    assert {i["fields"]["assignee"]["accountId"] for i in found["issues"]} == {first["accountId"]}
    names = {
        i.fields["assignee"]["name"]
        for i in site.jira.corpus.snapshot().issues
        if i.fields["assignee"]
    }
    assert site.get(JQL, jql=f'assignee = "{min(names)}"').status_code == 400
    me = site.get("/rest/api/3/myself").json()
    assert me["accountId"] == cloud.account_id("sandbox")
    assert not {"name", "key"} & me.keys()


def test_cloud_says_that_it_is_cloud(site: Site) -> None:
    """`serverInfo` names the deployment, and none of Data Center's headers come."""
    answer = site.get("/rest/api/3/serverInfo")
    assert answer.json()["deploymentType"] == "Cloud"
    headers = site.get("/rest/api/3/myself").headers
    assert headers["X-Seraph-LoginReason"] == "OK"
    assert not {"X-AUSERNAME", "X-ANODEID", "X-RateLimit-Limit", "Retry-After"} & headers.keys()


def test_data_center_has_neither_version_3_nor_tokens(jira: Sandbox) -> None:
    """What Cloud alone has is a 404 on Data Center."""
    session = requests.Session()
    session.headers["Authorization"] = "Bearer sandbox-token"
    with session:
        for path in ("3/myself", "3/search", "2/search/jql", "3/search/jql"):
            answer = session.get(f"{jira.url}/rest/api/{path}", timeout=TIMEOUT)
            assert answer.status_code == 404, path
