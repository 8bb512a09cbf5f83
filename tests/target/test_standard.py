"""The Singer SDK's own tests for targets, on a folder and on S3."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from singer_sdk.testing import get_target_test_class
from singer_sdk.testing.runners import TargetTestRunner
from singer_sdk.testing.suites import SingerTestSuite
from singer_sdk.testing.target_tests import TargetMultipleStateMessages

from target.command import files, lines_of, s3_config
from target_s3_jsonl.target import TargetS3Jsonl

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from local_s3 import LocalS3

# Objects of four rows, stored one after the other, put the STATEs where TargetMultipleStateMessages expects them.
_ROWS = {"batch_size_rows": 4, "max_parallel_uploads": 1}


class MultipleStateMessages(TargetMultipleStateMessages):
    """The SDK's test of checkpoints during a run, which it leaves out of its own suite.

    No target of the SDK's shape passes it, and as it stands nothing can: it compares messages that
    its runner has parsed with their text. Here both are parsed; the expected values are the SDK's.
    """

    def test(self) -> None:
        """Run test."""
        self.runner.sync_all()
        a, b = "test_multiple_state_messages_a", "test_multiple_state_messages_b"
        assert self.runner.state_messages == [{a: 1, b: 0}, {a: 3, b: 2}, {a: 5, b: 6}]


_Suite = get_target_test_class(
    TargetS3Jsonl,
    custom_suites=[SingerTestSuite(kind="target", tests=[MultipleStateMessages])],
)


def _assert_landed(runner: TargetTestRunner, objects: Mapping[str, bytes]) -> None:
    """Compare what was sent with what was stored; a test that expects an error has no row before it."""
    if runner.input_filepath is None:
        return
    runner.target_input.close()  # the SDK leaves it open
    messages = [json.loads(line) for line in runner.input_filepath.read_text().splitlines()]
    sent = [each["record"] for each in messages if each["type"] == "RECORD"]
    stored = [json.loads(line) for line in lines_of(objects)]
    expected = sent if runner.stdout is not None else []
    assert sorted(map(repr, stored)) == sorted(map(repr, expected))


class TestFolder(_Suite):  # type: ignore[valid-type,misc]  # the SDK makes the class at run time
    """The suite with a folder as destination."""

    @pytest.fixture
    def runner(self, tmp_path: Path) -> Iterator[TargetTestRunner]:
        """Run with a fresh folder and look into it afterwards."""
        lake = tmp_path / "lake"
        runner = TargetTestRunner(TargetS3Jsonl, config={"destination": str(lake), **_ROWS})
        yield runner
        _assert_landed(runner, files(lake))


class TestS3(_Suite):  # type: ignore[valid-type,misc]  # the SDK makes the class at run time
    """The suite with a bucket as destination."""

    @pytest.fixture
    def runner(self, local_s3: LocalS3, bucket: str) -> Iterator[TargetTestRunner]:
        """Run with a fresh bucket and look into it afterwards."""
        runner = TargetTestRunner(TargetS3Jsonl, config=s3_config(local_s3, bucket, **_ROWS))
        yield runner
        _assert_landed(runner, local_s3.objects(bucket))
