"""What a SCHEMA makes of a stream: where its records go, and how they are checked and rewritten on the way.

Stream maps come in as a parameter, so this module does not know who makes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from target_s3_jsonl import encode

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class RecordMap(Protocol):
    """One way to rewrite the records of a stream; the Singer SDK's stream maps have this shape."""

    stream_alias: str
    transformed_schema: dict[str, Any]
    transformed_key_properties: Sequence[str] | None

    def transform(self, record: dict[str, Any]) -> dict[str, Any] | None:
        """Return the record to store, or None to leave it out. May change what it is given."""


class MakeMaps(Protocol):
    """Makes the maps of a stream from its SCHEMA."""

    def __call__(
        self, stream: str, schema: dict[str, Any], key_properties: Sequence[str]
    ) -> Sequence[RecordMap]:
        """Return at least one map per object stream that the records go to."""


@dataclass(frozen=True)
class Output:
    """Where a stream's records go: a name, a check, and a map if they are rewritten on the way."""

    stream: str
    check: encode.RecordCheck
    schema: dict[str, Any]
    key_properties: tuple[str, ...]
    record_map: RecordMap | None = None


@dataclass(frozen=True)
class Route:
    """What the last SCHEMA of a stream said; compared to tell a repetition from a change."""

    schema: dict[str, Any]
    key_properties: tuple[str, ...]
    outputs: tuple[Output, ...]

    @property
    def plain(self) -> Output | None:
        """The only output, if its records are stored as they came."""
        return self.outputs[0] if self.outputs and self.outputs[0].record_map is None else None


def outputs_of(
    stream: str,
    schema: dict[str, Any],
    keys: tuple[str, ...],
    *,
    validate: bool,
    make_maps: MakeMaps | None,
) -> Iterator[Output]:
    """Return where the records of a stream go; without `make_maps` to one place, byte for byte.

    Raises:
        MessageError: The schema is none.
    """
    plain = encode.RecordCheck(schema, keys, validate=validate)
    if make_maps is None:
        yield Output(stream, plain, schema, keys)
        return
    for each in make_maps(stream, schema, keys):
        mapped_keys = tuple(each.transformed_key_properties or ())
        mapped = each.transformed_schema
        check = encode.RecordCheck(mapped, mapped_keys, validate=validate)
        yield Output(each.stream_alias, check, mapped, mapped_keys, each)
