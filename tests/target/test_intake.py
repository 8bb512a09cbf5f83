"""Lines out of whatever the target reads from, and when it looks up from reading."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from target_s3_jsonl.intake import Intake, stop_signal

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.any_version

LONG = b"x" * 1024


def test_an_input_that_is_never_silent_is_looked_up_from_after_each_reading(tmp_path: Path) -> None:
    """Else an object would not be closed by its age, nor a stored one acknowledged, before the tap pauses."""
    path = tmp_path / "input"
    path.write_bytes((LONG + b"\n") * 5 * 1024 + b"tail")
    with path.open("rb") as file, stop_signal() as stop:
        intake = Intake(file, stop)
        found = list(intake.lines(lambda: None))
    assert [line for line in found if line is not None] == [LONG] * 5 * 1024
    assert intake.tail == b"tail"
    looks = [place for place, line in enumerate(found) if line is None]
    assert len(looks) >= 5
    assert looks[0] <= 1024
