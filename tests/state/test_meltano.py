"""Meltano's own commands with this backend."""

from __future__ import annotations

import json
import os
import signal
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

import pytest

from state.dynamodb import LocalDynamoDB, edit, states
from state.project import SECONDS, STATE_ID, Project
from state_backend_dynamodb.settings import SETTINGS
from state_backend_dynamodb.table import STATES, Table, projects_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.workspace

OWN = {"MELTANO_DATABASE_URI": "sqlite:///other.db", "MELTANO_SYS_DIR_ROOT": "other"}
"""What two runs on two machines do not share: Meltano's own guard knows its system database only."""


@pytest.fixture
def table(moto: LocalDynamoDB) -> Table:
    """A table of its own."""
    return moto.table()


@pytest.fixture
def project(moto: LocalDynamoDB, table: Table, tmp_path: Path) -> Project:
    """A project whose state is in that table."""
    return Project(tmp_path, f"dynamodb://{table.name}", moto.url)


def singer(**dates: str) -> dict[str, Any]:
    """Return a Singer state with a bookmark for each project."""
    partitions = [
        {
            "context": {"project_id": key.lower()},
            "replication_key": "updated",
            "replication_key_value": date,
            "project_key": key,
            "seen": {"1": 1},
        }
        for key, date in dates.items()
    ]
    return {"bookmarks": {"issues": {"partitions": partitions}}}


MARCH = singer(ABC="2026-03-01T00:00:00.000Z")


def stored(table: Table, state_id: str) -> Any:
    """Return the completed part of a state."""
    found = states(table).read(state_id)
    return found and found["completed"].get("singer_state")


def until(happened: Callable[[], bool]) -> None:
    """Wait until something has happened."""
    deadline = time.monotonic() + SECONDS
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)


class TestCommands:
    """`meltano state` does what it does with every backend."""

    def test_set_get_list_copy_merge_move_and_clear(self, project: Project, table: Table) -> None:
        """One state through all of its life."""
        said = json.dumps({"singer_state": MARCH})
        assert project.run("state", "set", "--force", "one", said).status == 0
        assert json.loads(project.run("state", "get", "one").printed) == {"singer_state": MARCH}
        assert project.run("state", "copy", "--force", "one", "two").status == 0
        more = json.dumps({"singer_state": {"bookmarks": {"users": {"x": 1}}}})
        assert project.run("state", "merge", "two", more).status == 0
        two = states(table).read("two")
        assert two is not None
        assert two["completed"] == {"singer_state": MARCH}
        assert two["partial"] == json.loads(more)
        assert project.run("state", "move", "--force", "two", "three").status == 0
        assert project.run("state", "list", "--pattern", "th*").printed.split() == ["three"]
        three = states(table).read("three")
        merged = {"bookmarks": MARCH["bookmarks"] | {"users": {"x": 1}}}
        assert three == {"completed": {"singer_state": merged}, "partial": {}}
        assert project.run("state", "clear", "--force", "one").status == 0
        assert list(states(table).ids()) == ["three"]
        assert project.run("state", "clear", "--force", "--all").status == 0
        assert list(states(table).ids()) == []

    def test_export_and_import(self, project: Project, table: Table) -> None:
        """Everything there is, from one backend to another."""
        assert (
            project.run("state", "set", "--force", "one", '{"singer_state": {"a": 1}}').status == 0
        )
        exported = project.run("state", "export").printed
        assert json.loads(exported) == {
            "one": {"completed": {"singer_state": {"a": 1}}, "partial": {}}
        }
        (project.folder / "states.json").write_text(exported.replace('"one"', '"other"'))
        assert project.run("state", "import", "states.json").status == 0
        assert stored(table, "other") == {"a": 1}

    def test_the_table_is_made_on_request(self, moto: LocalDynamoDB, tmp_path: Path) -> None:
        """Else the error is one sentence that says how, without a traceback."""
        name = f"Made-{uuid.uuid4().hex[:8]}"
        project = Project(tmp_path, f"dynamodb://{name}", moto.url)
        refused = project.run("state", "list")
        assert refused.status == 1
        assert f"table '{name}' cannot be read: there is none of that name" in refused.log
        assert "Traceback" not in refused.log
        made = project.run("state", "list", MELTANO_STATE_BACKEND_DYNAMODB_CREATE_TABLE="true")
        assert made.status == 0, made.log
        assert list(Table(moto.client, name).scan()) == []

    @pytest.mark.parametrize(
        ("name", "value", "said"),
        [
            ("URI", "dynamodb://table/folder", "must be dynamodb:// and the name of the table"),
            ("DYNAMODB_LEASE_SECONDS", "1", "lease_seconds is 1; it must be 3 at least"),
        ],
    )
    def test_a_wrong_setting_is_named(
        self, project: Project, name: str, value: str, said: str
    ) -> None:
        """In one sentence, without a traceback."""
        done = project.run("state", "list", **{f"MELTANO_STATE_BACKEND_{name}": value})
        assert done.status == 1
        assert said in done.log
        assert "Traceback" not in done.log


class TestRuns:
    """`meltano run`: one at a time of each state id, wherever they run."""

    def test_a_second_one_at_the_same_time_fails_plainly(
        self, project: Project, table: Table
    ) -> None:
        """Before its tap starts, naming who runs; with --full-refresh at its first STATE at the latest."""
        project.waits.touch()
        begin = json.dumps(MARCH)
        with project.started("run", "tap-small", "target-small", NEXT_STATE=begin) as first:
            until((project.folder / "begun").exists)
            second = project.run("run", "tap-small", "target-small", **OWN)
            refresh = project.run("run", "--full-refresh", "tap-small", "target-small", **OWN)
            edited = project.run("state", "set", "--force", STATE_ID, '{"singer_state": {}}')
            project.waits.unlink()
            _, log = first.communicate(timeout=SECONDS)
        assert first.returncode == 0, log.decode()
        for refused in (second, refresh, edited):
            assert refused.status == 1
            assert f"is held by process {first.pid} on " in refused.log
        assert project.begun() == [{}, {}]  # the first and the one with --full-refresh
        assert stored(table, STATE_ID) == MARCH

    def test_a_second_one_waits_for_one_that_ends_soon(
        self, project: Project, table: Table
    ) -> None:
        """And begins where that one ended."""
        project.waits.touch()
        begin = json.dumps(MARCH)
        with project.started("run", "tap-small", "target-small", NEXT_STATE=begin) as first:
            until((project.folder / "begun").exists)
            log = project.folder / "log"
            patient = {"MELTANO_STATE_BACKEND_LOCK_TIMEOUT_SECONDS": "40"}
            with ThreadPoolExecutor(1) as pool:
                waiting = pool.submit(
                    project.run, "run", "tap-small", "target-small", **OWN, **patient
                )
                until(lambda: log.exists() and "; waiting." in log.read_text())
                assert len(project.begun()) == 1
                project.waits.unlink()
                second = waiting.result()
            first.communicate(timeout=SECONDS)
        assert (first.returncode, second.status) == (0, 0), second.log
        assert project.begun() == [{}, MARCH]
        assert stored(table, STATE_ID) == {"bookmarks": {}}

    def test_a_killed_one_is_taken_over(self, project: Project) -> None:
        """After its lease, with the state that it has saved."""
        project.waits.touch()
        with project.started("run", "tap-small", "target-small") as first:
            until((project.folder / "begun").exists)
            os.killpg(first.pid, signal.SIGKILL)
            first.communicate(timeout=SECONDS)
        project.waits.unlink()
        done = project.run("run", "tap-small", "target-small", **OWN)
        assert done.status == 0, done.log
        assert "over from process" in done.log

    def test_each_run_begins_where_the_last_one_or_a_person_ended(
        self, project: Project, table: Table
    ) -> None:
        """The rows tell the run; an edit holds once; the lock is given back at the end."""
        done = []
        for number in range(3):
            if number == 1:
                edit(table, STATE_ID, "ABC", "2026-01-31")
            run = project.run("run", "tap-small", "target-small", NEXT_STATE=json.dumps(MARCH))
            assert run.status == 0, run.log
            done.append(run)
            (row,) = table.query(projects_of(STATE_ID))
            assert row["last_ingest_date"] == "2026-03-01T00:00:00.000Z"
            head = table.get(STATES, STATE_ID)
            assert head is not None
            assert "lock_owner" not in head
        first, edited, after = project.begun()
        assert (first, after) == ({}, MARCH)
        (partition,) = edited["bookmarks"]["issues"]["partitions"]
        assert partition["replication_key_value"] == "2026-01-31T00:00:00.000Z"
        assert "seen" not in partition
        assert f"run ID '{row['run']}'" in done[1].log  # which brought it there last


def test_each_setting_is_an_entry_point() -> None:
    """Meltano learns of settings by entry points only."""
    found = {
        point.load().name.removeprefix("state_backend.dynamodb.")
        for point in entry_points(group="meltano.settings")
        if point.name.startswith("state_backend_dynamodb_")
    }
    assert found == {setting.name for setting in SETTINGS}
