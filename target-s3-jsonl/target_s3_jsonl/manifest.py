"""What a run has stored, spooled to the local disk as it grows: a line of JSON for each object, stream, and the run.

Objects stand in the order in which they were closed, whatever the order of their uploads, so equal
runs have equal manifests. Lines wait in a spool file: memory does not grow with a run.
"""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from target_s3_jsonl.batch import Sealed, sealed_document
from target_s3_jsonl.layout import name_in
from target_s3_jsonl.spool import SpoolWriter, open_spool

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

Ended = Literal["end", "signal", "error"]
"""How a run ended: with its input, by a signal, or early by an error."""


@dataclass(frozen=True)
class Run:
    """What a manifest says of the whole run. `start` and `state` are hashes of the STATE it began with and of the last one printed."""

    start: str
    state: str | None
    ended: Ended
    target_version: str


@dataclass(frozen=True)
class _Waiting:
    line: int
    stream: str
    counts: Mapping[str, int]


class Manifest:
    """The manifest of a run that is under way."""

    def __init__(self) -> None:
        """Nothing stored yet; no file is opened before the first object."""
        self._spool: SpoolWriter | None = None
        self._lines = 0
        self._waiting: dict[int, _Waiting] = {}
        self._totals: dict[str, Counter[str]] = {}

    def add(self, path: str, sealed: Sealed) -> None:
        """Note an object that is about to be stored at `path`; it counts once `stored` was called.

        Raises:
            SpoolError: The local disk is full.
        """
        counts = {"objects": 1, "rows": sealed.rows, "bytes": sealed.size}
        entry = {
            "type": "object",
            "stream": sealed.stream,
            "key": path,
            "name": name_in(path),
            "rows": sealed.rows,
            "bytes": sealed.size,
            "sha256": sealed.sha256.hex(),
            **({"rejected": True} if sealed.rejected else {}),
            **{member: sealed.notes[note] for note, member in _NOTES if note in sealed.notes},
        }
        if self._spool is None:
            self._spool = SpoolWriter("none", 0, open_spool)
        self._spool.write(_line(entry))
        if sealed.rejected:
            counts = {"rejected": sealed.rows}
        self._waiting[sealed.ticket] = _Waiting(self._lines, sealed.stream, counts)
        self._lines += 1

    def stored(self, ticket: int) -> None:
        """Note that an object is durable."""
        done = self._waiting.pop(ticket)
        self._totals.setdefault(done.stream, Counter()).update(done.counts)

    def finish(
        self, run: Run, active: Mapping[str, str], rejects: Mapping[str, int], now: datetime
    ) -> Sealed | None:
        """Return the manifest, or None if there is nothing to tell. `active` are the table versions that the tap declared valid.

        A version is told only if every object of its stream is stored: readers of a list take it for complete.

        Raises:
            SpoolError: The local disk is full.
        """
        lost = {each.stream for each in self._waiting.values()}
        whole = {stream: version for stream, version in active.items() if stream not in lost}
        if not self._totals and not whole:
            return None
        writer = SpoolWriter("none", 0, open_spool)
        rows = 0
        for line in itertools.chain(
            self._object_lines(whole), self._last_lines(run, whole, rejects)
        ):
            writer.write(line)
            rows += 1
        return sealed_document(writer, now, rows)

    def close(self) -> None:
        """Give the spool back."""
        if self._spool is not None:
            self._spool.discard()

    def _object_lines(self, active: Mapping[str, str]) -> Iterator[bytes]:
        """Yield the lines of what is stored; rows that came without a version are of the one that was declared after them."""
        if self._spool is None:
            return
        self._spool.finish()
        missing = {each.line for each in self._waiting.values()}
        for number, line in enumerate(self._spool.file):
            if number not in missing:
                entry = msgspec.json.decode(line)
                version = entry.get("version", active.get(entry["stream"]))
                yield line if version is None else _line(entry | {"version": version})

    def _last_lines(
        self, run: Run, active: Mapping[str, str], rejects: Mapping[str, int]
    ) -> Iterator[bytes]:
        whole: Counter[str] = Counter()
        for stream in sorted({*self._totals, *active, *rejects}):
            counts = Counter(self._totals.get(stream, {}))
            counts["rejected"] = max(counts["rejected"], rejects.get(stream, 0))
            whole.update(counts)
            version = {"active_version": active[stream]} if stream in active else {}
            yield _line({"type": "stream", "stream": stream, **_counted(counts), **version})
        yield _line(
            {
                "type": "run",
                "start": run.start,
                "state": run.state,
                "ended": run.ended,
                "target_version": run.target_version,
                **_counted(whole),
            }
        )


_NOTES = (
    ("schema-hash", "schema_hash"),
    ("version", "version"),
    ("first-bookmark", "first_bookmark"),
    ("last-bookmark", "last_bookmark"),
)
"""Metadata of an object, and what a manifest calls it."""


def _counted(counts: Mapping[str, int]) -> dict[str, int]:
    return {name: counts.get(name, 0) for name in ("objects", "rows", "bytes", "rejected")}


def _line(entry: Mapping[str, Any]) -> bytes:
    return msgspec.json.encode(entry) + b"\n"
