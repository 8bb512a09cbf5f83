"""Fixtures for the state backend: two implementations of DynamoDB."""

from __future__ import annotations

import functools
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from state.dynamodb import LocalDynamoDB, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from state_backend_dynamodb.table import Table


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], LocalDynamoDB]]:
    """Start a server of an implementation when it is first asked for."""
    with ExitStack() as stack:
        yield functools.cache(
            lambda name: stack.enter_context(running(name, tmp_path_factory.mktemp(name)))
        )


@pytest.fixture(
    scope="session", params=["moto", pytest.param("ministack", marks=pytest.mark.workspace)]
)
def dynamodb(
    request: pytest.FixtureRequest, servers: Callable[[str], LocalDynamoDB]
) -> LocalDynamoDB:
    """A running server, of each implementation."""
    return servers(request.param)


@pytest.fixture
def moto(servers: Callable[[str], LocalDynamoDB]) -> LocalDynamoDB:
    """One implementation, for what only passes through the code that both have tried."""
    return servers("moto")


@pytest.fixture
def table(dynamodb: LocalDynamoDB) -> Table:
    """A table of its own."""
    return dynamodb.table()
