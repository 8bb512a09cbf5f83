"""What other taps print is loaded as they print it; `tests/data/taps` holds recorded runs over made-up files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from target.command import files, lines_of, run

_RECORDED = sorted((Path(__file__).resolve().parent.parent / "data" / "taps").glob("*.singer"))


@pytest.mark.parametrize("recorded", _RECORDED, ids=lambda path: path.stem)
def test_every_record_of_another_tap_is_stored_as_it_was_printed(
    tmp_path: Path, recorded: Path
) -> None:
    """Byte for byte, and the last STATE is acknowledged."""
    lines = recorded.read_bytes().splitlines(keepends=True)
    code, states, log = run(tmp_path, {"destination": "lake"}, lines)
    assert code == 0, log
    messages = [json.loads(line) for line in lines]
    assert json.loads(states[-1]) == messages[-1]["value"]
    stored = lines_of(files(tmp_path / "lake"))
    sent = [each["record"] for each in messages if each["type"] == "RECORD"]
    assert [json.loads(line) for line in stored] == sent
    assert all(any(b'"record":' + line in printed for printed in lines) for line in stored)


def test_three_taps_are_recorded() -> None:
    """An empty folder would prove nothing."""
    assert len(_RECORDED) >= 3
