"""What a call of the function reads and keeps of a state that Meltano may have kept before it."""

from __future__ import annotations

from typing import Any, cast

import pytest

from handler import Kept

pytestmark = pytest.mark.workspace

DONE, BEGUN = {"bookmarks": {"issues": {"n": 1}}}, {"bookmarks": {"issues": {"n": 2}}}


class Held:
    """A document in memory."""

    def __init__(self, document: dict[str, Any] | None) -> None:
        """Hold one."""
        self.document = document

    def read(self) -> dict[str, Any] | None:
        """Return it."""
        return self.document

    def write(self, document: dict[str, Any]) -> None:
        """Replace it."""
        self.document = document


@pytest.mark.parametrize(
    ("document", "state"),
    [
        (None, None),
        ({"completed": {}, "partial": {}}, None),
        ({"completed": {"singer_state": DONE}, "partial": {}}, DONE),
        ({"completed": {"singer_state": DONE}, "partial": {"singer_state": BEGUN}}, BEGUN),
    ],
)
def test_a_state_is_read_as_meltano_keeps_it(
    document: dict[str, Any] | None, state: dict[str, Any] | None
) -> None:
    """What a run of Meltano's left that did not end is newer than what was complete before it."""
    assert Kept(cast("Any", Held(document))).read() == state


def test_a_state_is_kept_so_that_meltano_reads_it() -> None:
    """As a complete one, in the place of whatever was there."""
    held = Held({"completed": {"singer_state": DONE}, "partial": {"singer_state": DONE}})
    Kept(cast("Any", held)).write(BEGUN)
    assert held.document == {"completed": {"singer_state": BEGUN}, "partial": {}}
