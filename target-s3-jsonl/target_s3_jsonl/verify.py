"""Whether a lake is as its manifests say: every object there, whole, with the rows that were stored.

What is wrong is a fault. An object that no manifest names is none: it is of a run that is under way or
was killed, or is older than manifests; its name holds half of its digest, so it can be checked too. Nor
are repeated rows (of the same key and version, or where a stream has no versions the same in all): a
run that was stopped sends some again.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from target_s3_jsonl import catalog
from target_s3_jsonl.errors import StoreError
from target_s3_jsonl.inventory import Inventory, Listed
from target_s3_jsonl.layout import CATALOG, name_in, safe_segment
from target_s3_jsonl.stored import Content, look

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from target_s3_jsonl.lake import Lake

_SHORT = 16
"""Hexadecimal digits of a digest that are in a name."""
_OTHER_CONTENT = "its content is not that which its name tells"


@dataclass
class Verdict:
    """What was found, in numbers."""

    manifests: int = 0
    objects: int = 0
    rows: int = 0
    size: int = 0
    unlisted: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    repeats: dict[str, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return it as the command prints it."""
        return {
            "manifests": self.manifests,
            "objects": self.objects,
            "rows": self.rows,
            "bytes": self.size,
            "faults": dict(self.faults),
            "unlisted": self.unlisted,
            "repeats": self.repeats,
        }


class Verification:
    """One look at a lake, or at a part of it."""

    def __init__(
        self,
        lake: Lake,
        inventory: Inventory,
        *,
        streams: Collection[str],
        runs: Collection[str],
        say: Callable[[str], object],
    ) -> None:
        """Look at these streams and runs, at all if there are none; `say` hears a line for each finding."""
        self._lake = lake
        self._inventory = inventory
        self._streams = streams
        self._runs = runs
        self._say = say
        self._members: dict[str, Sequence[str]] = {}
        self.verdict = Verdict()

    def read_manifests(self) -> int:
        """Read what should be there and what is; return how many objects are to be looked at.

        Raises:
            StoreError: The lake cannot be read.
        """
        for found in self._lake.found(catalog.RUNS):
            run = found.path.removeprefix(catalog.RUNS).removesuffix(".jsonl")
            if self._runs and run not in self._runs:
                continue
            self.verdict.manifests += 1
            self._read_manifest(found.path, run)
        if len(self._runs) > self.verdict.manifests:
            raise StoreError(
                f"There is no manifest of some of the runs asked for; {catalog.RUNS} of the destination has those that there are."
            )
        for found in self._lake.found():
            if not found.path.startswith(f"{CATALOG}/") and name_in(found.path):
                self._inventory.find(found.path)
        return self._inventory.count()

    def objects(self) -> Iterator[None]:
        """Look at each object that a manifest names; yield after each.

        Raises:
            StoreError: The lake cannot be read any more.
        """
        for entry, there in self._inventory.listed():
            if not there:
                self._fault("missing", entry.key, "its manifest names it, and it is not there")
            else:
                self._look(entry)
            yield

    def unlisted(self) -> None:
        """Look at the objects that no manifest names. A part of a lake has none that could be told apart."""
        if self._runs:
            return
        for key in self._inventory.unlisted():
            if self._streams and not any(_is_of(stream, key) for stream in self._streams):
                continue
            self.verdict.unlisted += 1
            self._say(
                f"{key}: no manifest names it. Its run is under way, was killed, or wrote no manifest."
            )
            content = self._content(key)
            if content.fault:
                self._fault("damaged", key, content.fault)
            elif content.sha256[:_SHORT] != (name_in(key) or "")[-_SHORT:]:
                self._fault("damaged", key, _OTHER_CONTENT)

    def finish(self) -> Verdict:
        """Count the repeats; return everything."""
        self.verdict.repeats = self._inventory.repeats()
        for stream, number in self.verdict.repeats.items():
            self._say(f"stream {stream}: {number} rows are there once more.")
        return self.verdict

    def _read_manifest(self, path: str, run: str) -> None:
        def hear(line: bytes, _: object) -> None:
            entry = msgspec.json.decode(line)
            if entry.get("type") == "object" and (
                not self._streams or entry["stream"] in self._streams
            ):
                self._inventory.list(_listed(entry))

        with self._lake.opened(path) as file:
            content = look(file, path, hear)
        if content.fault or content.sha256[:_SHORT] != run[-_SHORT:]:
            self._fault("manifest", path, content.fault or _OTHER_CONTENT)

    def _look(self, entry: Listed) -> None:
        content = self._content(entry.key, entry)
        self.verdict.objects += 1
        self.verdict.rows += content.rows
        self.verdict.size += content.size
        if content.size != entry.size:
            what = f"it has {content.size} bytes, and {entry.size} were stored"
        elif content.sha256 != entry.sha256:
            what = "its digest is not that of what was stored"
        elif content.fault:
            what = content.fault
        elif content.rows != entry.rows:
            what = f"it has {content.rows} rows, and {entry.rows} were stored"
        else:
            return
        self._fault("damaged", entry.key, what)

    def _content(self, key: str, entry: Listed | None = None) -> Content:
        names = self._names(entry) if entry is not None and not entry.rejected else ()

        def hear(line: bytes, members: Mapping[str, bytes]) -> None:
            if entry is not None and not entry.rejected:
                told = b"\0".join(bytes(members.get(name, b"")) for name in names) or line
                name = hashlib.blake2b(told, digest_size=16).digest()
                self._inventory.met(entry.stream, name)

        with self._lake.opened(key) as file:
            return look(file, key, hear)

    def _names(self, entry: Listed) -> Sequence[str]:
        """Return the members that tell a record and its version; none where only the whole record does."""
        path = catalog.schema_path(entry.stream, entry.schema)
        if path not in self._members:
            self._members[path] = ()
            try:
                with self._lake.opened(path) as file:
                    document = msgspec.json.decode(file.read())
            except (StoreError, msgspec.DecodeError):
                self._fault("schema", path, "it is missing or damaged, and a manifest names it")
            else:
                keys, version = document["key_properties"], document["bookmark_properties"]
                self._members[path] = (*keys, *version) if keys and version else ()
        return self._members[path]

    def _fault(self, kind: str, path: str, what: str) -> None:
        self.verdict.faults[kind] += 1
        self._say(f"{path}: {what}.")


def _listed(entry: dict[str, Any]) -> Listed:
    return Listed(
        key=entry["key"],
        stream=entry["stream"],
        rows=entry["rows"],
        size=entry["bytes"],
        sha256=entry["sha256"],
        schema=entry.get("schema_hash", ""),
        rejected=entry.get("rejected", False),
    )


def _is_of(stream: str, key: str) -> bool:
    """Whether a path has a folder of the stream's own; only used to leave out others."""
    name = safe_segment(stream)
    return any(name in folder for folder in key.split("/")[:-1])
