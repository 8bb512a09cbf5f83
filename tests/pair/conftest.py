"""Partners from the package index, each in an environment of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import partners

Peer = Callable[[str], Path]
"""Returns the command of a plugin of the package index, by its name."""


@pytest.fixture(scope="session")
def peer() -> Peer:
    """Install a plugin when a test asks for it."""
    return partners.installed
