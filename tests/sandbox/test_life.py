"""Issues that change while somebody reads: scripts, rates, bulk changes, the lag of search indexes, several nodes."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from sandbox import Clock, Corpus, Order, Sandbox, Step, times

if TYPE_CHECKING:
    from collections.abc import Mapping

TIMEOUT = 10
START = 1_770_000_000.0
STABLE = "ORDER BY updated ASC, key ASC"
SEARCH = "/rest/api/2/search"


class Hand:
    """A clock that moves when told to."""

    def __init__(self) -> None:
        """At `START`."""
        self.seconds = START

    def __call__(self) -> float:
        """Seconds since 1970."""
        return self.seconds


def sandbox(hand: Hand, **options: Any) -> Sandbox:
    """A sandbox of 60 issues under a clock that stands still."""
    corpus = Corpus.generate(seed=7, issues=60, projects=3)
    return Sandbox(corpus=corpus, clock=Clock(source=hand), **options)


def search(jira: Sandbox, cookies: Mapping[str, str] | None = None, **params: Any) -> Any:
    """The answer to a search by personal token, of few fields."""
    answer = requests.get(
        jira.url + SEARCH,
        params={"fields": "updated,summary", "jql": STABLE, **params},
        headers={"Authorization": "Bearer sandbox-token"},
        cookies=dict(cookies or {}),
        timeout=TIMEOUT,
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


def ids(answer: Any) -> list[str]:
    """The ids of an answer, in its order."""
    return [issue["id"] for issue in answer["issues"]]


def test_steps_happen_before_the_requests_that_they_name() -> None:
    """Item 13: an issue edited between two pages moves to the end, the others move up, and one is never seen."""
    with sandbox(Hand()) as jira:
        first = search(jira, maxResults=10)
        jira.play(Order(steps=(Step("edit", before_request=1, keys=(first["issues"][0]["key"],)),)))
        second = search(jira, maxResults=10, startAt=10)
        whole = search(jira, maxResults=100)
        deeds = jira.deeds
    skipped = set(ids(whole)) - set(ids(first)) - set(ids(second)) - set(ids(whole)[20:])
    assert ids(whole)[-1] == first["issues"][0]["id"]
    assert skipped == {ids(whole)[9]}
    assert [(deed.request, deed.action, deed.keys) for deed in deeds] == [
        (2, "edit", (first["issues"][0]["key"],))
    ]


def test_every_kind_of_step_does_what_it_says() -> None:
    """Creations, moves, deletions, bulk changes, by request and by the clock, each once and logged."""
    hand = Hand()
    steps = (
        Step("create", before_request=1, project="OPS"),
        Step("move", before_request=2, project="WEB2"),
        Step("delete", before_request=2, count=2),
        Step("bulk", after_seconds=30, count=40),
    )
    with sandbox(hand) as jira:
        jira.play(Order(steps=steps, seed=5))
        totals = []
        for _ in range(4):
            totals.append(search(jira, maxResults=1)["total"])
            hand.seconds += 12
        deeds = jira.deeds
        truth = jira.issues
    assert totals == [61, 59, 59, 59]
    assert [(deed.request, deed.action) for deed in deeds] == [
        (1, "create"),
        (2, "move"),
        (2, "delete"),
        (4, "bulk"),
    ]
    tied = [issue for issue in truth if issue["updated_ms"] == int((START + 36) * 1000)]
    assert len(tied) == len(deeds[3].keys) == 40
    created = next(issue for issue in truth if issue["key"] == deeds[0].keys[0])
    assert (created["project"], int(created["id"])) == ("OPS", max(int(i["id"]) for i in truth))


@pytest.mark.parametrize("count", [700, 12_000])
def test_a_bulk_change_puts_its_issues_into_one_minute(count: int) -> None:
    """700 or 12,000 issues share one `updated`, and keys settle their order."""
    corpus = Corpus.generate(seed=7, issues=12_000, projects=2)
    with Sandbox(corpus=corpus, clock=Clock(source=Hand())) as jira:
        keys = jira.bulk(count)
        minute = f"updated >= {int(START * 1000)} AND updated < {int(START * 1000) + 60_000}"
        total = search(jira, jql=minute, maxResults=0)["total"]
    assert len(set(keys)) == total == count


def _a_life(seed: int) -> tuple[Any, Any, Any, Any]:
    """Twelve pages under edits, moves, deletions and creations; the deeds, the truth, what was read, and the log."""
    hand = Hand()
    order = Order(
        steps=(Step("bulk", before_request=5, count=20), Step("delete", after_seconds=3)),
        per_request=0.8,
        per_second=2,
        mix={"edit": 6, "move": 1, "delete": 1, "create": 2},
        seed=seed,
    )
    with sandbox(hand, nodes={"a": (0, 0), "b": (1, 4)}, seed=3) as jira:
        jira.play(order)
        read = []
        for page in range(12):
            read.append(ids(search(jira, maxResults=5, startAt=5 * page, jql="ORDER BY updated")))
            hand.seconds += 0.7
        log = [(entry.number, entry.node, entry.query, entry.status) for entry in jira.requests]
        return [deed.body() for deed in jira.deeds], jira.issues, read, log


def test_the_same_seed_and_requests_make_the_same_log() -> None:
    """Item 13: deeds, issues and answers are equal for equal seeds, ties and index lag included, and differ for others."""
    first, again, other = _a_life(1), _a_life(1), _a_life(2)
    assert first == again
    assert first[0] != other[0]
    assert {deed["action"] for deed in first[0]} == {"edit", "bulk", "move", "delete", "create"}
    between = [deed["at_ms"] for deed in first[0] if (deed["at_ms"] - START * 1000) % 500 == 0]
    assert len(between) >= 12, "changes by the second carry their own moments"


_LIFE_ALONE = """
import hashlib, json
from sandbox.test_life import _a_life
print(hashlib.sha256(json.dumps(_a_life(1)).encode()).hexdigest())
"""


def test_another_process_makes_the_same_log() -> None:
    """Item 13: nothing hangs on the order of a set, which differs from process to process."""
    logs = {
        subprocess.run(
            [sys.executable, "-c", _LIFE_ALONE],
            cwd=Path(__file__).parents[1],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(logs) == 1


def test_a_new_script_ends_the_one_before(jira: Sandbox) -> None:
    """An empty order stops what goes on; other hooks stay."""
    seen: list[Any] = []
    jira.before_request.append(seen.append)
    jira.play(Order(per_request=1))
    jira.play(Order())
    for _ in range(3):
        search(jira)
    assert (jira.deeds, len(seen)) == ([], 3)


def test_a_script_can_be_ordered_over_http(jira: Sandbox) -> None:
    """`POST /_sandbox/life` plays, `GET /_sandbox/life` tells; orders that mean nothing are refused with a reason."""
    control = jira.url + "/_sandbox/life"
    steps = [{"action": "delete", "before_request": 1}]
    assert requests.post(control, json={"steps": steps}, timeout=TIMEOUT).status_code == 200
    assert search(jira)["total"] == 59
    assert [deed["action"] for deed in requests.get(control, timeout=TIMEOUT).json()] == ["delete"]
    refused: list[dict[str, Any]] = [
        {"steps": [{"action": "edit"}]},
        {"per_second": -1},
        {"mix": {}},
        {"mix": 1},
    ]
    for wrong in refused:
        assert requests.post(control, json=wrong, timeout=TIMEOUT).status_code == 400
    for name, order in (("bulk", {"count": 3}), ("create", {"project": "OPS"})):
        done = requests.post(f"{jira.url}/_sandbox/{name}", json=order, timeout=TIMEOUT)
        assert done.status_code == 200, done.text


def test_the_index_lags_behind_the_issues() -> None:
    """Item 13: until the index has followed, an edited issue keeps its old place and already shows its new `updated`."""
    hand = Hand()
    with sandbox(hand, nodes={"slow": (2, 2)}) as jira:
        before = search(jira, maxResults=100)
        key = before["issues"][0]["key"]
        jira.edit(keys=[key])
        during = search(jira, maxResults=100)
        hidden = search(jira, jql=f"key = {key} AND updated >= {int(START * 1000)}")
        hand.seconds += 2
        after = search(jira, maxResults=100)
    assert ids(during) == ids(before)
    assert times.parse(during["issues"][0]["fields"]["updated"]) == int(START * 1000)
    assert hidden["total"] == 0
    assert ids(after) == [*ids(before)[1:], ids(before)[0]]


def test_what_is_deleted_or_new_follows_with_the_index() -> None:
    """A deleted issue is still counted but no longer shown, a new one is not found yet."""
    hand = Hand()
    with sandbox(hand, nodes={"slow": (5, 5)}) as jira:
        gone = jira.issues[3]
        jira.delete(gone["key"])
        made = jira.create("OPS")
        early = search(jira, maxResults=100)
        hand.seconds += 5
        late = search(jira, maxResults=100)
    assert (early["total"], len(early["issues"])) == (60, 59)
    assert gone["id"] not in ids(early)
    assert (late["total"], len(late["issues"])) == (60, 60)
    assert made in {issue["key"] for issue in late["issues"]}


def test_edits_may_reach_the_index_in_another_order() -> None:
    """With a lag that varies, a slow older edit never undoes a quick newer one."""
    hand = Hand()
    with sandbox(hand, nodes={"slow": (0.1, 5)}) as jira:
        key = jira.issues[0]["key"]
        for _ in range(20):
            jira.edit(keys=[key])
            hand.seconds += 0.05
        places = []
        for _ in range(60):
            hand.seconds += 0.1
            moment = max(issue["updated_ms"] for issue in jira.issues)
            places.append(search(jira, jql=f"key = {key} AND updated >= {moment}")["total"])
    assert places == sorted(places)
    assert places[-1] == 1


def test_two_nodes_lag_differently_and_a_session_stays_on_one() -> None:
    """Item 13: without a cookie the nodes take turns and disagree; a cookie keeps a client on its node."""
    hand = Hand()
    with sandbox(hand, nodes={"quick": (0, 0), "slow": (60, 60)}) as jira:
        key = jira.issues[0]["key"]
        jira.edit(keys=[key])
        moment = f"key = {key} AND updated >= {int(START * 1000)}"
        turns = [search(jira, jql=moment)["total"] for _ in range(4)]
        slow = [search(jira, {"X-ANODEID": "slow"}, jql=moment)["total"] for _ in range(3)]
        with requests.Session() as session:
            session.headers["Authorization"] = "Bearer sandbox-token"
            url = jira.url + SEARCH
            answers = [session.get(url, timeout=TIMEOUT) for _ in range(5)]
        nodes = {answer.headers["X-ANODEID"] for answer in answers}
        logged = [entry.node for entry in jira.requests]
    assert turns == [1, 0, 1, 0]
    assert slow == [0, 0, 0]
    assert len(nodes) == 1
    assert set(logged[-5:]) == nodes
    assert len({answer.cookies.get("JSESSIONID") for answer in answers}) == 2, "set once, then kept"


def test_a_negative_lag_is_refused() -> None:
    """A node needs a lag of zero or more, the shortest first."""
    for nodes in ({}, {"a": (-1, 0)}, {"a": (2, 1)}):
        with pytest.raises(ValueError, match="lag"):
            Sandbox(nodes=nodes)


def test_a_database_may_keep_no_milliseconds() -> None:
    """Item 12: every `updated` ends in .000, before and after an edit, and search agrees with what is shown."""
    hand = Hand()
    hand.seconds += 0.789
    with sandbox(hand, whole_seconds=True) as jira:
        key = jira.edit(count=1)[0]
        shown = search(jira, maxResults=100)
        found = search(jira, jql=f"key = {key} AND updated = {int(START * 1000)}")
    texts = [issue["fields"]["updated"] for issue in shown["issues"]]
    assert {text[19:23] for text in texts} == {".000"}
    moments = list(map(times.parse, texts))
    assert all(a <= b for a, b in itertools.pairwise(moments))
    assert found["total"] == 1
