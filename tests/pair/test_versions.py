"""The versions of lists that were read whole: what targets make of them."""

from __future__ import annotations

import json
import subprocess
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from pair.test_pair import BIN, SECONDS, without_settings
from sandbox import Corpus, Sandbox
from tap.below import select
from tap.command import messages, started
from target.command import s3_config

if TYPE_CHECKING:
    from pathlib import Path

    from local_s3 import LocalS3
    from pair.conftest import Peer

STREAMS = ("statuses", "users")


@pytest.fixture
def lines(tmp_path: Path) -> bytes:
    """What the tap prints of two lists."""
    with Sandbox(corpus=Corpus.generate(seed=7, issues=5)) as jira:
        user = {"auth_method": "basic", "username": "sandbox", "password": "sandbox"}
        options = select(tmp_path, STREAMS)
        with started(tmp_path, {"api_url": jira.url, **user}, None, *options) as process:
            output, _ = process.communicate(timeout=SECONDS)
            assert process.returncode == 0, (tmp_path / "log").read_text()
    said = [each for each in messages(output) if each["type"] == "ACTIVATE_VERSION"]
    assert {each["stream"] for each in said} == set(STREAMS)
    return output


def load(folder: Path, target: Path, config: dict[str, Any], lines: bytes) -> None:
    """Hand them to a target, which must take them all."""
    (folder / "target.json").write_text(json.dumps(config))
    done = subprocess.run(
        [str(target), "--config", "target.json"],
        cwd=folder,
        env=without_settings(HOME=str(folder)),
        input=lines,
        capture_output=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()


def test_our_target_keeps_them_with_each_object(
    tmp_path: Path, local_s3: LocalS3, bucket: str, lines: bytes
) -> None:
    """The version of the records is the active one: it is said before the STATE that closes the object."""
    load(tmp_path, BIN / "target-s3-jsonl", s3_config(local_s3, bucket), lines)
    with closing(local_s3.client()) as client:
        found = [
            client.head_object(Bucket=bucket, Key=key)["Metadata"]
            for key in local_s3.objects(bucket)
        ]
    assert len(found) == len(STREAMS)
    assert all(each["version"] == each["active-version"] for each in found)


@pytest.mark.workspace
def test_target_jsonl_of_the_package_index_takes_them(
    tmp_path: Path, peer: Peer, lines: bytes
) -> None:
    """It knows no versions, and writes every record."""
    load(tmp_path, peer("target-jsonl"), {"destination_path": str(tmp_path)}, lines)
    for stream in STREAMS:
        (path,) = tmp_path.glob(f"{stream}-*.jsonl")
        records = [each for each in messages(lines) if each["type"] == "RECORD"]
        written = [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]
        assert written == [each["record"] for each in records if each["stream"] == stream]
