"""What a shard is, as a command with an environment."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrate.conftest import DAGS
from shard import prepare
from shard_command import Shard, ShardError, command_of, shard_named, shard_of_worker, shards
from tap_jira_oauth.shard import parse_shard

pytestmark = pytest.mark.any_version

HERE = Path("/srv/jira")
COUNTS = st.integers(1, 200)


@given(count=COUNTS, other=COUNTS)
def test_no_two_shards_share_a_state_or_a_folder(count: int, other: int) -> None:
    """Neither those of one count, nor those of different counts: a part of other parts holds other projects."""
    every = {*shards(count), *shards(other)}
    commands = [command_of(shard, {}, HERE) for shard in every]
    assert len({each.system for each in commands}) == len(every)
    assert len({each.environment["MELTANO_RUN_STATE_ID_SUFFIX"] for each in commands}) == len(every)
    assert all(each.environment["MELTANO_SYS_DIR_ROOT"] == str(each.system) for each in commands)


@given(count=COUNTS, data=st.data())
def test_the_workers_of_kubernetes_and_batch_do_every_shard_once(
    count: int, data: st.DataObject
) -> None:
    """They count from 0 on, and shards from 1."""
    name = data.draw(st.sampled_from(["JOB_COMPLETION_INDEX", "AWS_BATCH_JOB_ARRAY_INDEX"]))
    size = data.draw(st.sampled_from(["SHARDS", "AWS_BATCH_JOB_ARRAY_SIZE"]))
    workers = [shard_of_worker({name: str(index), size: str(count)}) for index in range(count)]
    assert workers == list(shards(count))


@given(number=st.integers(1, 200), count=COUNTS)
def test_the_tap_takes_the_name_of_every_shard(number: int, count: int) -> None:
    """And is told it by its own setting."""
    shard = Shard(min(number, count), count)
    assert parse_shard(str(shard)) == (shard.number, shard.count)
    assert shard_named(str(shard)) == shard
    assert command_of(shard, {}, HERE).environment["TAP_JIRA_OAUTH_SHARD"] == str(shard)


@pytest.mark.parametrize("text", ["0/4", "5/4", "4", "", "a/b", "1/0", "01/4", "1/4\n"])
def test_what_is_no_shard_is_refused(text: str) -> None:
    """With an example."""
    with pytest.raises(ShardError, match="7/32"):
        shard_named(text)


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"JOB_COMPLETION_INDEX": "x"},
        {"JOB_COMPLETION_INDEX": "8"},
        {"JOB_COMPLETION_INDEX": "3", "SHARDS": "3"},
        {"AWS_BATCH_JOB_ARRAY_INDEX": "-1", "SHARDS": "3"},
    ],
)
def test_a_worker_without_a_shard_is_refused(environment: dict[str, str]) -> None:
    """An index beyond the count would read nothing, and say that all is well."""
    with pytest.raises(ShardError):
        shard_of_worker(environment)


@pytest.mark.parametrize("count", [0, -1])
def test_no_shards_are_refused(count: int) -> None:
    """A run of none would succeed."""
    with pytest.raises(ShardError):
        shards(count)


def test_what_the_environment_says_holds() -> None:
    """Names of the project's own plugins, its folder, and Meltano's place."""
    environment = {
        "SHARD_PROJECT": "/srv/other",
        "SHARD_SYSTEM_ROOT": "/var/shards",
        "SHARD_MELTANO": "/opt/meltano",
        "SHARD_EXTRACTOR": "tap-jira-oauth--cloud",
        "SHARD_LOADER": "target-s3-jsonl--eu",
        "PATH": "/usr/bin",
        "KEPT": "as it is",
    }
    command = command_of(Shard(2, 3), environment, HERE)
    assert command.arguments == (
        *("/opt/meltano", "run"),
        *("tap-jira-oauth--cloud", "target-s3-jsonl--eu"),
    )
    assert command.environment["TAP_JIRA_OAUTH__CLOUD_SHARD"] == "2/3"
    assert command.environment["KEPT"] == "as it is"
    assert command.environment["PATH"] == "/opt:/usr/bin"
    assert command.folder == Path("/srv/other")
    assert command.system == Path("/var/shards/2-of-3")
    assert command.links[command.system / "loaders"] == Path("/srv/other/.meltano/loaders")


@pytest.mark.parametrize(
    ("backend", "force"), [("dynamodb://states", "true"), ("s3://bucket/states", None), ("", None)]
)
def test_meltanos_own_check_gives_way_only_to_the_lock(backend: str, force: str | None) -> None:
    """Where no lock admits one run alone, Meltano's check stays."""
    command = command_of(Shard(1, 1), {"MELTANO_STATE_BACKEND_URI": backend}, HERE)
    assert command.environment.get("MELTANO_RUN_FORCE") == force


def test_a_shard_uses_the_plugins_of_the_project_in_a_folder_of_its_own(tmp_path: Path) -> None:
    """That nobody else may look into. What is there already stays."""
    (tmp_path / ".meltano" / "extractors" / "tap-jira-oauth").mkdir(parents=True)
    (tmp_path / ".meltano" / "loaders").mkdir()
    command = command_of(Shard(2, 3), {}, tmp_path)
    (command.system / "loaders").mkdir(parents=True)
    command.system.chmod(0o700)
    other = command_of(Shard(1, 3), {}, tmp_path)
    for each in (command, other, other):
        prepare(each)
        assert (each.system / "extractors" / "tap-jira-oauth").is_dir()
        assert each.system.stat().st_mode & 0o077 == 0
        assert not (each.system / "utilities").exists()
    assert not (command.system / "loaders").is_symlink()
    assert (other.system / "loaders").is_symlink()


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"SHARD_MELTANO": "no-meltano"}, "SHARD_MELTANO"),
        (
            {"SHARD_DRAIN_SECONDS": "2m"},
            "SHARD_DRAIN_SECONDS must be a number of seconds, not '2m'.",
        ),
    ],
)
def test_what_cannot_be_started_is_told_in_a_line(
    tmp_path: Path, variables: dict[str, str], said: str
) -> None:
    """A worker without Meltano is what everybody begins with."""
    done = subprocess.run(
        [sys.executable, str(DAGS / "shard.py"), "1/8"],
        env=os.environ | {"SHARD_PROJECT": str(tmp_path)} | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
