"""The columns of a stream, from every SCHEMA that it ever had. Pure.

Each member that the schemas declare is a column, those of declared objects too (`fields_summary`); an
object itself, an array, and whatever may be of several types is JSON text. Where two SCHEMAs differ,
the column takes both: integers and decimals are numbers, everything else is JSON or text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from target_s3_jsonl.ddl import names

Kind = Literal["text", "timestamp", "date", "integer", "number", "boolean", "json"]
Path = tuple[str, ...]
"""Where a value stands in a record: names from the outside in."""

_SCALARS: dict[str, Kind] = {"boolean": "boolean", "integer": "integer", "number": "number"}
_FORMATS: dict[str | None, Kind] = {"date-time": "timestamp", "date": "date"}
_DEEPEST = 10
_AWKWARD = re.compile(r"""["'`\\\[\]\x00-\x1f]""")
"""What no engine's path into JSON can name."""


@dataclass(frozen=True)
class Column:
    """One column: its name, where its values stand in a record, and of what kind they are."""

    name: str
    path: Path
    kind: Kind


@dataclass(frozen=True)
class Columns:
    """All columns of a stream, outer ones before those within them; `notes` tell what is not as the schema says."""

    all: tuple[Column, ...]
    notes: tuple[str, ...]

    @property
    def outer(self) -> tuple[Column, ...]:
        """The members of the records themselves."""
        return tuple(each for each in self.all if len(each.path) == 1)

    @property
    def apart(self) -> bool:
        """Whether the members' names differ in more than case."""
        names = [each.path[0].lower() for each in self.outer]
        return len(set(names)) == len(names)

    def at(self, *path: str) -> Column | None:
        """Return the column of a place in the records."""
        return next((each for each in self.all if each.path == path), None)


@dataclass
class Shape:
    """What the schemas of one place allow, together."""

    kinds: set[str] = field(default_factory=set)
    formats: set[str | None] = field(default_factory=set)
    members: dict[str, Shape] = field(default_factory=dict)

    def learn(self, schema: Any, depth: int = 0) -> None:
        """Add what one more schema allows."""
        if not isinstance(schema, Mapping):
            self.kinds.add("any")
            return
        branches = [each for word in ("anyOf", "oneOf", "allOf") for each in schema.get(word, ())]
        for branch in branches:
            self.learn(branch, depth)
        types = schema.get("type", ())
        kinds = {types} if isinstance(types, str) else set(types)
        if not kinds and not branches:
            kinds = {"object"} if "properties" in schema else {"any"}
        self.kinds |= kinds - {"null"}
        if "string" in kinds:
            self.formats.add(schema.get("format"))
        if depth < _DEEPEST:
            for name, inner in schema.get("properties", {}).items():
                self.members.setdefault(name, Shape()).learn(inner, depth + 1)

    @property
    def kind(self) -> Kind:
        """The one kind of column that holds all of it."""
        if self.kinds == {"string"}:
            (only,) = self.formats if len(self.formats) == 1 else (None,)
            return _FORMATS.get(only, "text")
        if self.kinds == {"integer", "number"}:
            return "number"
        if len(self.kinds) == 1:
            return _SCALARS.get(next(iter(self.kinds)), "json")
        return "json"


def columns(schemas: Sequence[Mapping[str, Any]], taken: Sequence[str] = ()) -> Columns:
    """Return the columns of a stream with these SCHEMAs; `taken` are names that none of them may have."""
    whole = Shape()
    for schema in schemas:
        whole.learn(schema)
    notes: list[str] = []
    found = list(_walk(whole, (), notes))
    given = names.assigned({path: "_".join(path) for path, _ in found}, taken)
    alike = [
        f"{_spelled(path)} is {name}: another one is {name.rpartition('_')[0]} already."
        for path, name in given.items()
        if name != names.safe("_".join(path))
    ]
    return Columns(
        tuple(Column(given[path], path, kind) for path, kind in found), (*notes, *sorted(alike))
    )


def _walk(shape: Shape, above: Path, notes: list[str]) -> Iterator[tuple[Path, Kind]]:
    for name, inner in shape.members.items():
        path = (*above, name)
        if _AWKWARD.search(name) or not name:
            notes.append(f"{_spelled(path)} is no column: engines cannot name it.")
            continue
        yield path, inner.kind
        if inner.kinds == {"object"}:
            yield from _walk(inner, path, notes)


def _spelled(path: Path) -> str:
    return ".".join(path).encode("unicode_escape").decode()
