"""The sandbox's only source of chance: seeded generators, so that every run can be repeated."""

from __future__ import annotations

import random


def seeded(*parts: object) -> random.Random:
    """A generator that depends on `parts` alone, not on the process or the platform."""
    return random.Random("/".join(map(str, parts)))  # noqa: S311 - test data and tie order, nothing secret
