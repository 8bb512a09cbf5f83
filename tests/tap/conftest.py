"""Fixtures of the tap's tests: a local AWS."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tap.local_aws import LocalAws

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def aws_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """One server process for all tests."""
    with LocalAws(tmp_path_factory.mktemp("aws")) as server:
        yield server


@pytest.fixture
def aws(aws_server: LocalAws, monkeypatch: pytest.MonkeyPatch) -> LocalAws:
    """An empty account, which boto3 finds by the environment, here and in processes started here."""
    for name, value in aws_server.environment.items():
        monkeypatch.setenv(name, value)
    aws_server.reset()
    return aws_server
