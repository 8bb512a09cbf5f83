"""Another number of shards, with the bookmarks that there are."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrate.conftest import DAGS
from reshard import resharded
from shard_command import ShardError, shards
from tap_jira_oauth.shard import Shard

STATE_ID = "prod:tap-jira-oauth-to-target-s3-jsonl"
COUNTS = st.integers(1, 12)


def partition(project: str) -> dict[str, Any]:
    """Return a bookmark of a project as the tap writes it."""
    return {
        "context": {"project_id": project},
        "replication_key": "updated",
        "replication_key_value": f"2026-01-02T03:04:05.{int(project) % 1000:03d}Z",
        "project_key": f"P{project}",
        "seen": {"1": 1},
    }


def exported(projects: set[str], count: int, **more: Any) -> dict[str, Any]:
    """Return what `meltano state export` prints after a run of so many shards."""
    states = {}
    for shard in shards(count):
        mine = [
            partition(project)
            for project in sorted(projects)
            if Shard(shard.number, count).has(project)
        ]
        bookmarks = {"issues": {"partitions": mine}, **more} if mine else {}
        singer = {"singer_state": {"bookmarks": bookmarks}}
        states[f"{STATE_ID}:{shard.suffix}"] = {"completed": singer, "partial": {}}
    return states


@given(
    projects=st.sets(st.integers(10_000, 99_999).map(str), max_size=40),
    old=COUNTS,
    new=COUNTS,
)
def test_every_bookmark_is_where_its_project_will_be_read(
    projects: set[str], old: int, new: int
) -> None:
    """None is lost, none is there twice: as if the new shards had always been there."""
    before = exported(projects, old)
    if old == new:
        with pytest.raises(ShardError, match="taken"):
            resharded(before, STATE_ID, old, new)
        return
    made, left_out = resharded(before, STATE_ID, old, new)
    after = exported(projects, new)
    assert not left_out
    assert set(made) == set(after)
    for name, document in made.items():
        assert places(document) == places(after[name])


def places(document: dict[str, Any]) -> dict[str, Any]:
    """Return the bookmarks of a state by project."""
    bookmarks = document["completed"]["singer_state"]["bookmarks"]
    return {
        each["context"]["project_id"]: each
        for each in bookmarks.get("issues", {}).get("partitions", [])
    }


def test_the_state_of_a_run_that_did_not_end_counts() -> None:
    """It is further than the one before."""
    before = exported({"10000"}, 1)
    newer = partition("10000") | {"replication_key_value": "2026-02-01T00:00:00.000Z"}
    (document,) = before.values()
    document["partial"] = {
        "singer_state": {"bookmarks": {"issues": {"partitions": [newer]}}},
    }
    made, _ = resharded(before, STATE_ID, 1, 2)
    found = [places(each) for each in made.values()]
    assert {"10000": newer} in found


def test_what_the_state_of_a_run_that_did_not_end_does_not_hold_is_kept() -> None:
    """`meltano state merge`, or a full refresh of some streams, leaves a part: the next run gets both."""
    census = partition("10000") | {"taken_at": "2026-01-02T03:04:05.000Z"}
    before = exported({"10000"}, 1, deleted_issues={"partitions": [census]})
    newer = partition("10000") | {"replication_key_value": "2026-02-01T00:00:00.000Z"}
    (document,) = before.values()
    document["partial"] = {"singer_state": {"bookmarks": {"issues": {"partitions": [newer]}}}}
    made, _ = resharded(before, STATE_ID, 1, 2)
    (home,) = (each for each in made.values() if places(each))
    assert home["completed"]["singer_state"]["bookmarks"] == {
        "issues": {"partitions": [newer]},
        "deleted_issues": {"partitions": [census]},
    }


def test_every_shard_goes_on_in_the_logs_of_the_server_where_the_slowest_one_was() -> None:
    """Worklogs that changed without their issue would be missing, were one to begin with what changes from now on."""
    log = {"replication_key_value": "2026-01-02T00:00:00.000Z", "seen": {"5": 1}}
    later = {"replication_key_value": "2026-01-03T00:00:00.000Z", "seen": {}}
    before = exported({"10000", "10001"}, 2)
    for document, bookmark in zip(before.values(), (later, log), strict=True):
        document["completed"]["singer_state"]["bookmarks"]["issue_worklogs"] = bookmark
    made, left_out = resharded(before, STATE_ID, 2, 3)
    assert not left_out
    for document in made.values():
        assert document["completed"]["singer_state"]["bookmarks"]["issue_worklogs"] == log


@pytest.mark.parametrize("owner", [1, 2])
def test_the_shard_that_reads_a_project_knows_its_bookmark(owner: int) -> None:
    """All may have begun with a copy of one state; the others' copies of it are old, and a state must not hold two."""
    project = next(each for each in ("10000", "10001", "10002") if Shard(owner, 2).has(each))
    before = exported({project}, 2)
    copied = partition(project) | {"replication_key_value": "2025-01-01T00:00:00.000Z"}
    other = before[f"{STATE_ID}:{3 - owner}-of-2"]
    other["completed"]["singer_state"]["bookmarks"] = {"issues": {"partitions": [copied]}}
    made, _ = resharded(before, STATE_ID, 2, 1)
    (document,) = made.values()
    assert document["completed"]["singer_state"]["bookmarks"] == {
        "issues": {"partitions": [partition(project)]}
    }


def test_what_no_project_owns_and_has_no_time_is_named() -> None:
    """It is read from its beginning."""
    board = {"context": {"board_id": 7}, "replication_key_value": "2026"}
    before = exported({"10000"}, 1, boards={"rows": 7}, sprints={"partitions": [board]})
    made, left_out = resharded(before, STATE_ID, 1, 2)
    assert left_out == {"boards", "sprints"}
    for document in made.values():
        assert document["completed"]["singer_state"]["bookmarks"].keys() <= {"issues"}


def test_a_shard_that_has_not_run_is_no_shard_without_projects() -> None:
    """Else its projects would be read again in silence."""
    before = exported({"10000"}, 3)
    del before[f"{STATE_ID}:2-of-3"]
    with pytest.raises(ShardError, match=r"no state: .*:2-of-3"):
        resharded(before, STATE_ID, 3, 4)


def test_the_command_is_a_filter() -> None:
    """Of what Meltano exports and imports."""
    command = [sys.executable, str(DAGS / "reshard.py"), "2", "3", "--state-id", STATE_ID]
    text = json.dumps(exported({"10000", "10001"}, 2))
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=True)
    assert set(json.loads(done.stdout)) == {f"{STATE_ID}:{n}-of-3" for n in (1, 2, 3)}
    refused = subprocess.run(command, input="{}", capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert "Every old shard has to have run" in refused.stderr
    empty = subprocess.run(command, input="", capture_output=True, text=True, check=False)
    assert empty.returncode == 1
    assert empty.stderr.startswith("The input is not what `meltano state export` prints")
