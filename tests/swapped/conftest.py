"""What tests with partners of the package index share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from measured import SWITCH
from swapped.cluster import Cluster, binaries

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module", autouse=True)
def nothing_measured() -> Iterator[None]:
    """Coverage counts no process of these runs: others run the same lines."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(SWITCH, raising=False)
        yield


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster | None]:
    """A PostgreSQL, where its programs are installed."""
    programs = binaries()
    if programs is None:
        yield None
        return
    with Cluster(programs) as running:
        yield running
