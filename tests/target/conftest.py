"""Fixtures of the target's tests."""

from __future__ import annotations

import signal
import uuid
from typing import TYPE_CHECKING

import pytest

from local_s3 import LocalS3

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def local_s3() -> Iterator[LocalS3]:
    """Run one S3 server for the whole session."""
    with LocalS3() as server:
        yield server


@pytest.fixture(autouse=True, scope="session")
def _interrupts() -> Iterator[None]:
    """Let the commands under test hear SIGINT, which a shell's background job has inherited as ignored."""
    earlier = signal.getsignal(signal.SIGINT)
    if earlier is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, earlier)


@pytest.fixture
def bucket(local_s3: LocalS3) -> str:
    """Make an empty bucket for one test."""
    return local_s3.bucket(f"lake-{uuid.uuid4().hex[:12]}")
