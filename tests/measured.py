"""Whose lines the coverage counts: that makes the start of a process dearer by more than a half."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

SWITCH = "COVERAGE_PROCESS_CONFIG"
"""The variable by which coverage begins in a process that a test starts."""


def unmeasured() -> dict[str, str]:
    """Return the environment for a process that is none of ours."""
    return {name: text for name, text in os.environ.items() if name != SWITCH}


def is_repetition(test: pytest.Item) -> bool:
    """Tell whether a test starts commands whose lines others count already.

    Those are all parameters but the first of a test, and the pairs: Meltano starts two processes of
    its own for each plugin.
    """
    call = getattr(test, "callspec", None)
    return test.path.parent.name == "pair" or any(call.indices.values() if call else ())
