"""Fixtures for the state backend: two implementations of DynamoDB."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from state.dynamodb import LocalDynamoDB, running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from state_backend_dynamodb.table import Table


@pytest.fixture(
    scope="session", params=["moto", pytest.param("ministack", marks=pytest.mark.workspace)]
)
def dynamodb(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalDynamoDB]:
    """A running server, of each implementation."""
    with running(request.param, tmp_path_factory.mktemp(request.param)) as server:
        yield server


@pytest.fixture
def table(dynamodb: LocalDynamoDB) -> Table:
    """A table of its own."""
    return dynamodb.table()
