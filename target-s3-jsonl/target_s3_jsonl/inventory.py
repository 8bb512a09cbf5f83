"""What manifests name, what is there, and which records were met: in a temporary SQLite file, so that no lake is too large."""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from typing_extensions import Self

_TABLES = """
    PRAGMA journal_mode = OFF;
    PRAGMA synchronous = OFF;
    CREATE TABLE listed (
        key TEXT PRIMARY KEY, stream TEXT, rows INTEGER, size INTEGER, sha256 TEXT, schema TEXT, rejected INTEGER
    ) WITHOUT ROWID;
    CREATE TABLE present (key TEXT PRIMARY KEY) WITHOUT ROWID;
    CREATE TABLE records (stream TEXT, name BLOB);
"""


class Listed(NamedTuple):
    """An object as a manifest tells of it. `schema` is the hash of its SCHEMA, empty if there is none."""

    key: str
    stream: str
    rows: int
    size: int
    sha256: str
    schema: str
    rejected: bool


class Inventory:
    """Context manager: the file lives inside the `with` block."""

    def __enter__(self) -> Self:
        """Open it, in the folder for temporary files."""
        self._folder = tempfile.TemporaryDirectory(prefix="verify-")
        self._file = sqlite3.connect(Path(self._folder.name) / "inventory")
        self._file.executescript(_TABLES)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Remove it."""
        self._file.close()
        self._folder.cleanup()

    def list(self, entry: Listed) -> None:
        """Note an object of a manifest; several may name the same."""
        self._file.execute("INSERT OR IGNORE INTO listed VALUES (?, ?, ?, ?, ?, ?, ?)", entry)

    def find(self, key: str) -> None:
        """Note an object that is there."""
        self._file.execute("INSERT INTO present VALUES (?)", (key,))

    def met(self, stream: str, name: bytes) -> None:
        """Note a record."""
        self._file.execute("INSERT INTO records VALUES (?, ?)", (stream, name))

    def count(self) -> int:
        """Return how many objects the manifests name."""
        (number,) = self._file.execute("SELECT count(*) FROM listed").fetchone()
        return int(number)

    def listed(self) -> Iterator[tuple[Listed, bool]]:
        """Yield each object that a manifest names, and whether it is there."""
        query = "SELECT l.*, p.key IS NOT NULL FROM listed AS l LEFT JOIN present AS p USING (key) ORDER BY key"
        with closing(self._file.execute(query)) as rows:
            for *entry, there in rows:
                yield Listed(*entry), bool(there)

    def unlisted(self) -> Iterator[str]:
        """Yield the objects that are there though no manifest names them."""
        query = "SELECT key FROM present WHERE key NOT IN (SELECT key FROM listed) ORDER BY key"
        with closing(self._file.execute(query)) as rows:
            for (key,) in rows:
                yield key

    def repeats(self) -> dict[str, int]:
        """Return by stream how many rows are there once more, of the same key and version."""
        query = """
            SELECT stream, sum(times - 1)
            FROM (SELECT stream, count(*) AS times FROM records GROUP BY stream, name HAVING times > 1)
            GROUP BY stream ORDER BY stream
        """
        return {stream: int(number) for stream, number in self._file.execute(query)}
