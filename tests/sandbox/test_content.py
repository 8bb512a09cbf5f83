"""Issues that are made when they are read: the same bytes for everybody, the shapes of real servers, and 50,000 of them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest
import requests

from sandbox import Corpus, Sandbox
from sandbox.content import Content
from sandbox.render import Renderer
from sandbox.rng import seeded

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sandbox.issue import Issue

TIMEOUT = 10
AUTH = ("sandbox", "sandbox")
HASH = re.compile(r"@[0-9a-f]{1,8}\[")


def pages(jira: Sandbox, version: str = "2", **query: Any) -> list[dict[str, Any]]:
    """The issues of one search, every field."""
    search = "search/jql" if jira.flavor == "cloud" else "search"
    params = {"fields": "*all", "jql": "created > 0 ORDER BY key", "maxResults": 100, **query}
    answer = requests.get(
        f"{jira.url}/rest/api/{version}/{search}", params=params, auth=AUTH, timeout=TIMEOUT
    )
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["issues"]
    return found


def test_item_19_issue_bodies_have_the_shapes_of_real_ones() -> None:
    """Item 19: numbers as text, hashes that change per read, Long.MAX as text, `{}`, absent and null, hard texts."""
    with Sandbox(corpus=Corpus.generate(seed=3, issues=400, projects=3)) as jira:
        first = pages(jira, maxResults=400)
        second = pages(jira, maxResults=400)
    text = json.dumps(first, ensure_ascii=False)
    assert '"9223372036854775807"' in text
    assert '"0.0"' in text
    assert ": 3.0" in text
    assert '"timetracking": {}' in text
    for hard in ("\U0001f680", "\\r\\n", "\u00a0", "\u200b", "\u6d4b", "\\u0001", "\u2028"):
        assert hard in text
    assert max(len(issue["fields"]["description"] or "") for issue in first) == 32_767
    widths = {len(issue["fields"]) for issue in first}
    assert len(widths) > 1, "what one project shows as null another does not have"
    assert any(value is None for value in first[0]["fields"].values())
    for one, other in zip(first, second, strict=True):
        before, after = json.dumps(one), json.dumps(other)
        assert before != after, "the identity hashes are of the moment"
        assert HASH.sub("@[", before) == HASH.sub("@[", after), "and nothing else changes"


def test_item_19_long_texts_are_documents_in_version_3_of_cloud() -> None:
    """Item 19: a description is wiki text in version 2 and a document in version 3."""
    with Sandbox(corpus=Corpus.generate(seed=3, issues=40), flavor="cloud") as jira:
        wiki = [issue["fields"]["description"] for issue in pages(jira)]
        documents = [issue["fields"]["description"] for issue in pages(jira, version="3")]
    assert any(isinstance(text, str) for text in wiki)
    assert {type(text) for text in documents} == {dict, type(None)}


def test_values_at_hand_do_not_make_the_rest() -> None:
    """Reading what queries look at makes nothing; one other value makes the issue; replacing does neither."""
    made: list[int] = []

    def make() -> dict[str, Any]:
        made.append(1)
        return {"late": 2}

    content = Content(("late", "near"), {"near": 1}, make)
    assert content["near"] == 1
    assert list(content) == ["late", "near"]
    assert "late" in content
    assert "nowhere" not in content
    newer = content.replaced({"near": 5, "new": 6})
    assert (newer["near"], newer["new"], list(newer)) == (5, 6, ["late", "near", "new"])
    assert content["near"] == 1
    assert made == []
    assert newer["late"] == 2
    assert made == [1]
    with pytest.raises(KeyError):
        content["nowhere"]


def test_small_answers_make_no_issue() -> None:
    """A search for `updated` over a whole corpus never makes the large part of an issue."""

    def forbidden() -> dict[str, Any]:
        raise AssertionError("this answer needs no more than what is at hand")

    made = Corpus.generate(seed=3, issues=30)
    at_hand = ("updated", "summary", "status", "project")
    issues = [
        replace(
            issue,
            fields=Content(
                tuple(issue.fields), {name: issue.fields[name] for name in at_hand}, forbidden
            ),
        )
        for issue in made.snapshot().issues
    ]
    corpus = Corpus(issues, made.snapshot().projects, made.reference, made.children, "a test")
    with Sandbox(corpus=corpus) as jira:
        found = pages(jira, fields="updated,summary,status")
    assert len(found) == 30
    assert all(len(issue["fields"]) == 3 for issue in found)


@pytest.mark.parametrize("flavor", ["data_center", "cloud"])
def test_warm_pages_are_ready_before_the_first_request(
    flavor: Literal["data_center", "cloud"],
) -> None:
    """With `warm` every issue is made once at the start, and again only when it has changed."""
    made: list[str] = []
    plain = Corpus.generate(seed=3, issues=30)

    def watched(issue: Issue) -> Issue:
        def make() -> Mapping[str, Any]:
            made.append(issue.id)
            return issue.fields

        names = tuple(issue.fields)
        return replace(issue, fields=Content(names, {"updated": issue.fields["updated"]}, make))

    issues = map(watched, plain.snapshot().issues)
    corpus = Corpus(issues, plain.snapshot().projects, plain.reference, plain.children, "a test")
    with Sandbox(corpus=corpus, flavor=flavor, warm=["*all"]) as jira:
        assert set(made) == set(corpus.snapshot().by_id)
        made.clear()
        before = pages(jira, version="3" if jira.flavor == "cloud" else "2")
        assert made == [], "a page of what is warm makes nothing"
        key = jira.edit(keys=[before[0]["key"]])[0]
        after = pages(jira, version="3" if jira.flavor == "cloud" else "2")
    old, new = ({issue["key"]: issue for issue in found} for found in (before, after))
    assert old[key]["fields"]["updated"] != new[key]["fields"]["updated"]


def renderer(kept_bytes: int = 10**9) -> tuple[Renderer, Callable[[Any], dict[str, Any]]]:
    """A renderer, and what an issue reads as in it."""
    made = Renderer(seeded("test"), kept_bytes)
    zone = Sandbox().users[0].zone

    def read(issue: Any) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(
            bytes(made.raw(issue, zone, "http://x", str.isprintable))
        )
        return found

    return made, read


def test_a_kept_issue_is_forgotten_when_it_changes() -> None:
    """The next version is rendered anew, whatever was kept of the one before it."""
    corpus = Corpus.generate(seed=3, issues=5)
    old = corpus.snapshot().issues[0]
    _, read = renderer()
    assert read(old)["fields"]["summary"] == old.fields["summary"]
    new = old.changed(old.updated_ms + 1, summary="changed")
    assert read(new)["fields"]["summary"] == "changed"
    assert read(old)["fields"]["summary"] == old.fields["summary"]


def test_what_is_kept_stays_within_its_bounds() -> None:
    """Past the bound the oldest goes, and every answer is still right."""
    corpus = Corpus.generate(seed=3, issues=40)
    made, read = renderer(kept_bytes=100_000)
    for issue in corpus.snapshot().issues:
        assert read(issue)["id"] == issue.id
        assert made.held_bytes <= 100_000 or made.held_issues == 1
    assert 0 < made.held_issues < 40


# Not by getrusage: a process begins with the peak of who started it there.
_LARGE = """
import pathlib, time
from sandbox import Corpus
started = time.process_time()
corpus = Corpus.generate(seed=1, issues=50_000, projects=3)
seconds = time.process_time() - started
sizes = [len(str(dict(issue.fields))) for issue in corpus.snapshot().issues[::500]]
status = pathlib.Path("/proc/self/status").read_text()
kilobytes = int(status.partition("VmHWM:")[2].split()[0])
print(seconds, kilobytes / 1024, sorted(sizes)[50])
"""


def test_50_000_issues_are_ready_at_once_and_fit_in_memory() -> None:
    """They are made within 20 s of a processor, within 600 MB before anybody reads them, each of about 10 KB."""
    tests = Path(__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", _LARGE],
        cwd=tests,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    seconds, megabytes, size = map(float, done.stdout.split())
    assert seconds < 20
    assert megabytes < 600
    assert 7_000 < size < 16_000
