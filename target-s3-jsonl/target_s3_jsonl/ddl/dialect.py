"""What the views need to know of an engine: how it quotes, looks into JSON, and makes a value of text. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from target_s3_jsonl.ddl.columns import Kind, Path
    from target_s3_jsonl.ddl.table import Table


class Dialect(Protocol):
    """One engine. Texts are SQL; columns of the raw table are text."""

    file: str
    """The object that a row of a raw table stands in."""

    def quoted(self, name: str) -> str:
        """Quote a name."""

    def text(self, value: str) -> str:
        """Spell a text."""

    def member(self, column: str, path: Path, *, as_json: bool) -> str:
        """Return what stands at a path in a column of JSON: as text, or as JSON text."""

    def cast(self, text: str, kind: Kind) -> str:
        """Return the value of a text, null where it is none; timestamps are UTC."""

    def name_in(self, path: str) -> str:
        """Return the part of an object's path that is its name."""

    def day(self, table: Table) -> str:
        """Return the day of loading of a raw row; only asked for where the path has it."""

    def raw(self, table: Table) -> list[str]:
        """Return the statements that make a stream's raw table, or make it anew."""

    def view(self, name: str, select: str) -> str:
        """Return the statement that makes a view, or makes it anew."""


def literal(text: str) -> str:
    """Return a text as SQL spells it."""
    return "'" + text.replace("'", "''") + "'"


NAME = "[0-9a-f]{12}-[0-9]{5,}-[0-9a-f]{16}"
"""An object's `{name}`, as a regular expression without backslashes."""
