"""`expand` on searches and issues, and the lists that an issue embeds only in part."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from sandbox import Corpus, Sandbox, times
from sandbox.children import InventedChildren

TIMEOUT = 10
CORPUS = Corpus.generate(seed=7, issues=1600, projects=2)
STABLE = "ORDER BY key ASC"


def heaviest(kind: str) -> str:
    """The key of the issue with the most children of a kind."""
    children = CORPUS.children
    assert isinstance(children, InventedChildren)
    return max(CORPUS.snapshot().issues, key=lambda issue: children.count(kind, issue.id)).key


def on_data_center(path: str, **params: Any) -> Any:
    """The answer of a Data Center."""
    with Sandbox(corpus=CORPUS) as jira:
        url = f"{jira.url}/rest/api/2/{path}"
        answer = requests.get(url, params=params, auth=("sandbox", "sandbox"), timeout=TIMEOUT)
    assert answer.status_code == 200, answer.text
    return answer.json()


def on_cloud(**params: Any) -> Any:
    """The answer of a search on Cloud, in version 2."""
    with Sandbox(corpus=CORPUS, flavor="cloud") as jira:
        url = jira.url + "/rest/api/2/search/jql"
        answer = requests.get(url, params=params, auth=("sandbox", "sandbox"), timeout=TIMEOUT)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_names_and_schema_describe_the_fields_that_are_shown() -> None:
    """Both only when asked for, on searches and on single issues, for exactly the fields of the answer."""
    found = on_data_center("search", expand="names,schema", fields="summary,updated", maxResults=2)
    assert found["names"] == {"summary": "Summary", "updated": "Updated"}
    assert found["schema"]["updated"] == {"type": "datetime", "system": "updated"}
    one = on_data_center("issue/10000", expand="names", fields="summary")
    assert (one["names"], one.keys() & {"schema"}) == ({"summary": "Summary"}, set())
    assert not on_data_center("search", maxResults=2).keys() & {"names", "schema"}


def test_a_changelog_is_complete_and_ascending_on_data_center() -> None:
    """A thousand histories in one answer, the oldest first."""
    found = on_data_center(f"issue/{heaviest('history')}", expand="changelog", fields="updated")
    log = found["changelog"]
    assert log["total"] == log["maxResults"] == len(log["histories"]) >= 1000
    moments = [times.parse(history["created"]) for history in log["histories"]]
    assert moments == sorted(moments)


def test_a_changelog_is_the_newest_hundred_descending_on_cloud() -> None:
    """`total` tells that there are more."""
    key = heaviest("history")
    found = on_cloud(jql=f"key = {key}", expand="changelog", fields="updated")
    log = found["issues"][0]["changelog"]
    assert (log["maxResults"], len(log["histories"])) == (100, 100)
    assert log["total"] >= 1000
    moments = [times.parse(history["created"]) for history in log["histories"]]
    assert moments == sorted(moments, reverse=True)
    whole = on_data_center(f"issue/{key}", expand="changelog")["changelog"]["histories"]
    assert {h["id"] for h in log["histories"]} == {h["id"] for h in whole[-100:]}


@pytest.mark.parametrize(("kind", "shown"), [("comment", 350), ("worklog", 20)])
def test_children_are_embedded_whole_or_in_part(kind: str, shown: int) -> None:
    """Comments whole on Data Center and twenty on Cloud, worklogs twenty on both; `total` is the truth."""
    key, name = heaviest(kind), kind + "s"
    data_center = on_data_center("search", jql=f"key = {key}", fields="*all")["issues"][0]
    on_site = on_cloud(jql=f"key = {key}", fields="*all")["issues"][0]
    for issue, expected in ((data_center, shown), (on_site, 20)):
        embedded = issue["fields"][kind]
        assert len(embedded[name]) == embedded["maxResults"] == expected
        assert embedded["total"] > 20


def test_rendered_fields_are_for_people() -> None:
    """Long texts are HTML, dates are words in the viewer's zone, everything else is null."""
    found = on_data_center("issue/10000", expand="renderedFields,changelog")
    rendered, fields = found["renderedFields"], found["fields"]
    assert rendered.keys() == fields.keys()
    assert rendered["status"] is None
    assert (rendered["description"] or "<p>").startswith("<p>")
    assert not times.DATETIME.fullmatch(rendered["updated"])
    assert rendered["updated"].endswith(("AM", "PM"))


def test_transitions_lead_from_every_status_to_every_other() -> None:
    """A list in each issue of a search, of recorded keys; Cloud has keys of its own; none without `expand`."""
    found = on_data_center("search", expand="transitions", fields="updated", maxResults=3)
    on_site = on_cloud(jql="project = ALPHA", expand="transitions", fields="updated", maxResults=1)
    for issue in found["issues"]:
        names = [transition["name"] for transition in issue["transitions"]]
        assert len(names) == 3
        assert set(names) < {"Open", "In Progress", "Reopened", "Closed"}
        keys = {"id", "name", "description", "opsbarSequence", "to"}
        assert all(transition.keys() == keys for transition in issue["transitions"])
    to = found["issues"][0]["transitions"][0]["to"]
    assert to["statusCategory"]["key"] == "new"
    assert to["self"].startswith("http://127.0.0.1")
    assert {"hasScreen", "isGlobal", "to"} <= on_site["issues"][0]["transitions"][0].keys()
    assert not on_data_center("issue/10000", fields="updated").keys() & {"transitions"}


def test_what_happened_in_the_sandbox_is_in_the_changelog() -> None:
    """The newest history tells of the last edit."""
    corpus = Corpus.generate(seed=7, issues=3)
    with Sandbox(corpus=corpus) as jira:
        key = jira.edit(count=1)[0]
        answer = requests.get(
            f"{jira.url}/rest/api/2/search",
            params={
                "jql": f"key = {key}",
                "expand": "changelog",
                "fields": "summary,status,updated",
            },
            auth=("sandbox", "sandbox"),
            timeout=TIMEOUT,
        ).json()
    issue = answer["issues"][0]
    newest = issue["changelog"]["histories"][-1]
    assert newest["created"] == issue["fields"]["updated"]
    assert {item["field"]: item["toString"] for item in newest["items"]} == {
        "summary": issue["fields"]["summary"],
        "status": issue["fields"]["status"]["name"],
    }
