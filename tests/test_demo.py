"""What the demo may delete: its own objects, and no row that a person has loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import demo

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.workspace


def test_a_second_demo_begins_with_an_empty_folder(tmp_path: Path) -> None:
    """What the first one made is gone, its folders too."""
    folder = tmp_path / "output"
    demo.clear(folder)
    (folder / "issues").mkdir()
    (folder / "issues" / "made.jsonl.gz").touch()
    demo.mark(folder)
    demo.clear(folder)
    assert list(folder.iterdir()) == []


def test_objects_of_a_person_are_not_touched(tmp_path: Path) -> None:
    """Whether they came before any demo, or into the folder of one: their STATE says that they are stored."""
    folder = tmp_path / "output"
    (folder / "issues").mkdir(parents=True)
    (folder / "issues" / "mine.jsonl.gz").touch()
    with pytest.raises(SystemExit, match="Move them away first"):
        demo.clear(folder)
    (folder / "issues" / "mine.jsonl.gz").unlink()
    demo.clear(folder)
    demo.mark(folder)
    (folder / "mine.jsonl.gz").touch()
    with pytest.raises(SystemExit, match="Move them away first"):
        demo.clear(folder)
    assert (folder / "mine.jsonl.gz").exists()
