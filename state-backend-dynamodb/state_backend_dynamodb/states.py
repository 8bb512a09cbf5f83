"""States in a table: read by anybody, written only under their lock.

```python
states = States(table, Terms(lease=30, patience=10, retry=1))
with states.locked("prod:tap-jira-oauth-to-target-s3-jsonl") as held:
    document = held.read()
    held.write(document)
```

A new version of a state is written as chunks first, then named in the state's own item, then the
older chunks go: whoever reads sees one version or the other. This is all that Meltano's part and
callers without Meltano have in common.
"""

from __future__ import annotations

import logging
import os
import platform
import time
import uuid
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from state_backend_dynamodb.chunks import FORMAT, pack, unpack
from state_backend_dynamodb.errors import UnreadableStateError
from state_backend_dynamodb.lock import OURS, Clock, Lock, Renewal, Terms
from state_backend_dynamodb.projects import Merged, Row, from_article, progress, with_edits
from state_backend_dynamodb.table import STATES, Table, chunks_of, projects_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from state_backend_dynamodb.projects import Document
    from state_backend_dynamodb.table import Item

logger = logging.getLogger(__name__)

CLOCK = Clock(lambda: datetime.now(timezone.utc), time.monotonic, time.sleep)

_READS = 10
"""So many versions may replace each other while one is read."""

_SAVE = (
    "SET #version = :version, #chunks = :chunks, #format = :format, "
    "#saved_at = :now, #saved_by = :holder"
)
_CLEAR = "REMOVE #version, #chunks, #format, #saved_at, #saved_by"
_SAVE_PROJECT = (
    "SET #last_ingest_date = :date, #last_saved = :date, #project_id = :project_id, #run = :run, "
    "#saved_at = :now, #fence = :fence"
)
_UNTOUCHED = (
    "(attribute_not_exists(#fence) OR #fence <= :fence) AND (attribute_not_exists(#last_ingest_date)"
    " OR #last_ingest_date = #last_saved OR #last_ingest_date = :taken)"
)
"""A row is not written over by an older holder, nor where a person has edited it since it was read."""


class States:
    """Every state in one table."""

    def __init__(
        self, table: Table, terms: Terms, *, import_table: Table | None = None, clock: Clock = CLOCK
    ) -> None:
        """Nothing is asked yet. `import_table`: the AWS article's, where a state begins that is not there."""
        self.table = table
        self._terms = terms
        self._import_table = import_table
        self._clock = clock

    @contextmanager
    def locked(
        self, state_id: str, *, run: str | None = None, retry: float | None = None
    ) -> Iterator[Held]:
        """Hold the lock of a state for the block. `run` names the run in the rows of projects.

        Raises:
            StateHeldError: another process holds it, and is alive.
        """
        terms = self._terms if retry is None else self._terms._replace(retry=retry)
        holder = f"process {os.getpid()} on {platform.node()}" + (f" (run {run})" if run else "")
        lock = Lock(
            self.table,
            state_id,
            terms,
            owner=uuid.uuid4().hex,
            holder=holder,
            clock=self._clock,
        )
        lock.take()
        try:
            with Renewal(lock, terms.lease):
                yield Held(self, state_id, lock, run or lock.owner, self._clock)
        finally:
            lock.release()

    def ids(self) -> Iterator[str]:
        """Return the id of every state, in order."""
        for item in self.table.query(STATES):
            if "version" in item:
                yield item["part"]

    def read(self, state_id: str) -> Document | None:
        """Return a state with what people have edited in the table; None where there is none.

        Raises:
            UnreadableStateError: it is incomplete, or of a newer version of this package.
            ConfigurationError: a date that somebody has edited is none.
        """
        return self.merged(state_id, self.rows(state_id)).document or None

    def merged(self, state_id: str, rows: list[Row]) -> Merged:
        """Return what is stored, with the edited ones of these rows in it; an empty document if nothing is."""
        stored = self._stored(state_id)
        if stored is None and self._import_table is not None:
            stored = from_article(self._import_table.scan())
        return with_edits(stored or {}, rows)

    def rows(self, state_id: str) -> list[Row]:
        """Return how far the projects are, as the table says."""
        return [
            Row(item["part"], item.get("last_ingest_date"), item.get("last_saved"))
            for item in self.table.query(projects_of(state_id))
            # Somebody may have emptied a row instead of removing it.
            if "last_ingest_date" in item
        ]

    def _stored(self, state_id: str) -> Document | None:
        seen = None
        for _ in range(_READS):
            head = self.table.get(STATES, state_id)
            if head is None or "version" not in head:
                return None
            version = head["version"]
            if version == seen:
                break
            seen = version
            if int(head["format"]) > FORMAT:
                raise UnreadableStateError(
                    f"State '{state_id}' was written by a newer version of this package. Update it."
                )
            chunks = self._chunks(state_id, version)
            # Another version may have replaced it, chunk by chunk, since the head was read.
            if len(chunks) == int(head["chunks"]):
                return _unpacked(state_id, chunks)
        raise UnreadableStateError(
            f"State '{state_id}' is incomplete: chunks of version {seen} are missing. Restore the "
            "table to a time before that, or clear the state to load everything again."
        )

    def _chunks(self, state_id: str, version: str) -> list[bytes]:
        found = self.table.query(
            chunks_of(state_id), "begins_with(#part, :version)", {"version": f"{version}/"}
        )
        return [item["content"] for item in found]


class Held:
    """A state whose lock this process holds."""

    def __init__(self, states: States, state_id: str, lock: Lock, run: str, clock: Clock) -> None:
        """Take what was locked."""
        self._states = states
        self._table = states.table
        self.state_id = state_id
        self._lock = lock
        self._run = run
        self._clock = clock
        self._writes = 0
        self._rows: dict[str, Row] | None = None
        """As far as this holder knows them; an edited one is in the state that was read."""
        self._left_alone: set[str] = set()

    def read(self) -> Document | None:
        """Return the state with what people have edited in the table; None where there is none.

        From the first time on this holder's writes carry those edits on, so the rows follow the
        state again. A row that is edited later on is in what a later call returns, but stays edited
        in the table, for the next run.

        Raises:
            UnreadableStateError: it is incomplete, or of a newer version of this package.
            ConfigurationError: a date that somebody has edited is none.
        """
        rows = self._states.rows(self.state_id)
        merged = self._states.merged(self.state_id, rows)
        if self._rows is None:
            self._rows = {row.key: row for row in rows}
            for key in merged.ignored:
                logger.warning(
                    "Project %s was moved ahead to %s in the table. That would skip what nobody "
                    "has read, so it is ignored; `meltano state edit` does it.",
                    *(key, self._rows[key].date),
                )
        return merged.document or None

    def write(self, document: Document) -> None:
        """Save a state, then the rows of its projects.

        Raises:
            LostLockError: another process holds the lock by now; the state is as it was.
        """
        self._writes += 1
        version = f"{self._lock.fence:012d}-{self._writes:08d}"
        chunks = pack(document)
        for number, content in enumerate(chunks):
            key = {"id": chunks_of(self.state_id), "part": f"{version}/{number:06d}"}
            self._table.put({**key, "content": content})
        values = {
            "version": version,
            "chunks": len(chunks),
            "format": FORMAT,
            "now": self._now(),
            "holder": self._lock.holder,
        }
        self._change(_SAVE, values)
        # Never those of a later holder, should this one have lost the lock in the meantime.
        self._remove(chunks_of(self.state_id), "#part < :version", {"version": version})
        self._write_rows(document)

    def delete(self) -> None:
        """Remove the state and the rows of its projects; the number of its holders stays.

        Raises:
            LostLockError: another process holds the lock by now; the state is as it was.
        """
        self._change(_CLEAR, {})
        self._remove(
            chunks_of(self.state_id), "#part < :next", {"next": f"{self._lock.fence + 1:012d}"}
        )
        self._remove(projects_of(self.state_id))
        self._rows = None

    def _change(self, expression: str, values: Item) -> None:
        owner = {"owner": self._lock.owner}
        if not self._table.update(STATES, self.state_id, expression, OURS, owner | values):
            raise self._lock.lost()

    def _remove(self, id_: str, condition: str = "", values: Item | None = None) -> None:
        for item in list(self._table.query(id_, condition, values)):
            self._table.delete(id_, item["part"])

    def _write_rows(self, document: Document) -> None:
        reached = progress(document)
        if self._rows is None:
            self._rows = {
                row.key: row for row in self._states.rows(self.state_id) if not row.edited
            }
        for key, project in reached.items():
            known = self._rows.get(key)
            if known and not known.edited and known.date == project.date:
                continue
            values = {
                "date": project.date,
                "project_id": project.project_id,
                "run": self._run,
                "now": self._now(),
                "fence": self._lock.fence,
                "taken": known.date if known else project.date,
            }
            if self._table.update(
                projects_of(self.state_id), key, _SAVE_PROJECT, _UNTOUCHED, values
            ):
                self._rows[key] = Row(key, project.date, project.date)
            elif key not in self._left_alone:
                self._left_alone.add(key)
                logger.info("The date of project %s was edited; it stays for the next run.", key)

    def _now(self) -> str:
        return f"{self._clock.now().astimezone(timezone.utc):%Y-%m-%dT%H:%M:%SZ}"


def _unpacked(state_id: str, chunks: list[bytes]) -> Document:
    try:
        return unpack(chunks)
    except UnreadableStateError as error:
        raise UnreadableStateError(
            f"State '{state_id}' cannot be read: {error.args[0]}. Restore the table to a time before "
            "that, or clear the state to load everything again."
        ) from error
