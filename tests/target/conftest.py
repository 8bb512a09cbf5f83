"""Fixtures of the target's tests."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True, scope="session")
def _interrupts() -> Iterator[None]:
    """Let the commands under test hear SIGINT, which a shell's background job has inherited as ignored."""
    earlier = signal.getsignal(signal.SIGINT)
    if earlier is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, earlier)
