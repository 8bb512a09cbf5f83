"""`jira-oauth split`: one huge project in parts by `created`, and the runs that come after them."""

from __future__ import annotations

import json
from bisect import bisect_left
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox import Corpus, Sandbox
from sandbox.rng import seeded
from sandbox.script import Order
from tap.below import run_with, select
from tap.command import Run, messages, run, started
from tap.sign_in import run as jira_oauth
from tap_jira_oauth.created_parts import FIRST_JIRA, TOLERANCE, Part, divided
from tap_jira_oauth.jql import epoch_literal
from tap_jira_oauth.span import MINUTE

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.any_version

NOW = 1_767_225_600_000
"""2026-01-01 in epoch milliseconds."""

LARGEST = 12
"""The most parts that are asked for here."""


@given(
    created=st.lists(st.integers(FIRST_JIRA - 10**12, NOW - 1), max_size=300).map(sorted),
    parts=st.integers(2, LARGEST),
)
def test_each_issue_is_in_exactly_one_part(created: list[int], parts: int) -> None:
    """Whenever it was created; parts follow each other without a gap, and none is empty."""
    found = divided(lambda before: bisect_left(created, before), len(created), NOW, parts)
    assert found[0].since is None
    assert found[-1].before is None
    assert all(one.before == other.since for one, other in pairwise(found))
    assert sum(part.issues for part in found) == len(created)
    assert len(found) <= parts
    assert all(part.issues for part in found) or not created


@given(st.integers(2, LARGEST), st.integers(0, 10**6))
def test_parts_of_a_project_that_grew_for_years_are_of_about_one_size(
    parts: int, seed: int
) -> None:
    """Whatever its rate; each bound costs fewer questions than there are bits in a date."""
    chance = seeded(seed)
    created = sorted(FIRST_JIRA + int(chance.betavariate(4, 2) * 7e11) for _ in range(3000))
    asked = []

    def count(before: int) -> int:
        asked.append(before)
        return bisect_left(created, before)

    found = divided(count, 3000, NOW, parts)
    assert len(found) == parts
    size = 3000 / parts
    assert all(abs(part.issues - size) <= 2 * TOLERANCE * size + 1 for part in found)
    assert all(moment % MINUTE == 0 for moment in asked)
    assert len(asked) < 24 * parts


def test_a_part_keeps_within_the_condition_of_the_settings() -> None:
    """And an unbounded one of no condition selects everything."""
    part = Part(60_000, 120_000, 5)
    assert part.jql(epoch_literal, "type = Bug OR x = 1") == (
        "(type = Bug OR x = 1) AND created >= 60000 AND created < 120000"
    )
    assert not Part(None, None, 5).jql(epoch_literal)


def split(folder: Path, config: dict[str, Any], *options: str) -> tuple[int, str, str]:
    """Run the command; return its status, what it printed, and what it said."""
    (folder / "split.json").write_text(json.dumps(config))
    done = jira_oauth(folder, "split", "--config", "split.json", *options)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("flavor", ["data_center", "cloud"])
def test_parts_that_run_beside_each_other_and_the_runs_after_them_lose_nothing(
    tmp_path: Path, flavor: Literal["data_center", "cloud"]
) -> None:
    """While people edit, create and move all the time; each issue that nobody touched comes once."""
    corpus = Corpus.generate(seed=11, issues=400, projects=2)
    with Sandbox(corpus=corpus, flavor=flavor, page_cap=20) as jira:
        user = {"auth_method": "basic", "username": "sandbox", "password": "sandbox"}
        config = {"api_url": jira.url, **user, "fields": ["summary"], "project_keys": ["ALPHA"]}
        began = jira.clock.now_ms()
        jira.play(Order(per_request=0.5, mix={"edit": 6.0, "create": 1.0, "move": 1.0}, seed=3))
        code, printed, said = split(tmp_path, config, "--project", "ALPHA", "--parts", "4")
        assert code == 0, said
        plan = json.loads(printed)
        assert len(plan["parts"]) == 4
        assert sum(part["issues"] for part in plan["parts"]) == plan["issues"] > 200
        runs = _beside_each_other(tmp_path, config, [part["jql"] for part in plan["parts"]])
        first = [record["id"] for each in runs for record in each.records]
        runs.append(run(tmp_path, config, plan["state"]))
        jira.play(Order())
        jira.clock.offset += 120
        runs.append(run(tmp_path, config, runs[-1].states[-1]))
        assert [each.status for each in runs] == [0] * 6
        newest: dict[str, str] = {}
        for record in (record for each in runs for record in each.records):
            newest[record["id"]] = max(record["updated"], newest.get(record["id"], ""))
        truth = {
            issue["id"]: issue["updated"].replace("+0000", "Z")
            for issue in jira.issues
            if issue["project"] == "ALPHA"
        }
        assert {id_: newest.get(id_) for id_ in truth} == truth
        quiet = {
            each["id"]
            for each in jira.issues
            if each["project"] == "ALPHA" and each["updated_ms"] < began
        }
        assert quiet
        assert all(first.count(id_) == 1 for id_ in quiet)
        assert not quiet & {record["id"] for each in runs[4:] for record in each.records}


def test_a_worklog_that_changes_without_its_issue_while_parts_are_read_comes_after_them(
    tmp_path: Path,
) -> None:
    """The log of changed worklogs is read from the moment before the parts were counted."""
    with Sandbox(corpus=Corpus.generate(seed=7, issues=12, projects=1)) as jira:
        user = {"auth_method": "basic", "username": "sandbox", "password": "sandbox"}
        config = {"api_url": jira.url, **user}
        code, printed, said = split(tmp_path, config, "--project", "ALPHA", "--parts", "2")
        assert code == 0, said
        children = jira.world.corpus.children
        issues = jira.corpus.snapshot().issues
        key = next(each.key for each in issues if len(children.worklogs(each)) < 10)
        silent = jira.log_work(key, silent=True)
        jira.clock.offset += 120
        catalog = select(tmp_path, ("issues", "issue_worklogs"))
        after = run_with(tmp_path, config, catalog, json.loads(printed)["state"])
    assert [record["id"] for record in after.of("issue_worklogs")] == [silent], after.log


def _beside_each_other(folder: Path, config: dict[str, Any], conditions: list[str]) -> list[Run]:
    """Run the tap once for each condition, all at a time, each in a folder of its own."""
    found: list[Run] = []
    if not conditions:
        return found
    place = folder / f"part-{len(conditions)}"
    place.mkdir()
    with started(place, {**config, "jql": conditions[0]}) as process:
        found = _beside_each_other(folder, config, conditions[1:])
        output, _ = process.communicate(timeout=60)
        log = (place / "log").read_text()
        return [Run(process.returncode, messages(output), log), *found]


def test_a_project_that_nobody_sees_is_named(tmp_path: Path) -> None:
    """One line, and status 1."""
    with Sandbox(corpus=Corpus.generate(seed=1, issues=5, projects=1)) as jira:
        user = {"auth_method": "basic", "username": "sandbox", "password": "sandbox"}
        code, printed, said = split(
            tmp_path, {"api_url": jira.url, **user}, "--project", "NOPE", "--parts", "2"
        )
    assert code == 1
    assert not printed
    assert "cannot see project NOPE" in said.splitlines()[-1]


def test_what_was_changed_behind_the_end_date_is_left_to_the_runs_after_it(tmp_path: Path) -> None:
    """The bookmark is no later than the bound that the parts are read with."""
    with Sandbox(corpus=Corpus.generate(seed=1, issues=5, projects=1)) as jira:
        user = {"auth_method": "basic", "username": "sandbox", "password": "sandbox"}
        config = {"api_url": jira.url, **user, "end_date": "2003-01-01T00:00:00Z"}
        code, printed, said = split(tmp_path, config, "--project", "ALPHA", "--parts", "2")
    assert code == 0, said
    (partition,) = json.loads(printed)["state"]["bookmarks"]["issues"]["partitions"]
    assert partition["replication_key_value"] < "2003-01-01"
