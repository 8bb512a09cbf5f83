"""What tests with partners of the package index share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from swapped.cluster import Cluster, binaries

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster | None]:
    """A PostgreSQL, where its programs are installed."""
    programs = binaries()
    if programs is None:
        yield None
        return
    with Cluster(programs) as running:
        yield running
