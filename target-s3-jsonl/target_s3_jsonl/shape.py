"""A JSON schema as a type: msgspec then proves that a record conforms while it scans it, without keeping a value. Pure.

Only schemas that say no more than types, members and which of them are needed have such a type. It is
stricter than the schema where the two differ (numbers beyond a double, 1.0 for an integer), never
laxer: what it takes conforms, and what it refuses is for a real validator to judge.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

_ANNOTATIONS = {"$comment", "default", "deprecated", "description", "examples", "format", "title"}
_KEYWORDS = {"additionalProperties", "items", "properties", "required", "type"}
_SCALARS: dict[str, Any] = {
    "null": type(None),
    "boolean": bool,
    "integer": int,
    "number": float,
    "string": str,
}


class _NoShapeError(Exception):
    """The schema says more than a type can."""


class Anything(msgspec.Struct):
    """An object whose members do not matter: they are scanned, and dropped."""


def proof(schema: Mapping[str, Any], keys: Sequence[str]) -> Callable[[bytes], object] | None:
    """Return what takes a record that is an object, conforms and has the keys, or raises; None if no type says that.

    It raises a `msgspec.DecodeError` or `RecursionError` where it is not sure. `schema` has to be a
    valid JSON schema.
    """
    kinds = schema.get("type", "object")
    if kinds != "object" and (isinstance(kinds, str) or "object" not in kinds):
        return None  # no record can conform
    try:
        # msgspec has its own limits on unions and on names of members: TypeError, ValueError.
        return msgspec.json.Decoder(_object(schema, keys)).decode
    except (_NoShapeError, KeyError, TypeError, ValueError, RecursionError):
        return None


def _type(schema: object) -> Any:
    if schema is True or schema == {}:
        return msgspec.Raw
    if not isinstance(schema, Mapping) or not schema.keys() <= _ANNOTATIONS | _KEYWORDS:
        raise _NoShapeError
    names = schema.get("type")
    if names is None:
        if schema.keys() & _KEYWORDS:
            raise _NoShapeError
        return msgspec.Raw
    kinds = [_kind(name, schema) for name in ([names] if isinstance(names, str) else names)]
    return functools.reduce(operator.or_, kinds)


def _kind(name: str, schema: Mapping[str, Any]) -> Any:
    if name == "array":
        return list[_type(schema.get("items", True))]  # type: ignore[misc]  # a type made at run time
    return _object(schema) if name == "object" else _SCALARS[name]


def _object(schema: Mapping[str, Any], keys: Sequence[str] = ()) -> Any:
    if not schema.keys() <= _ANNOTATIONS | _KEYWORDS | {"$schema"}:
        raise _NoShapeError
    members: Mapping[str, Any] = schema.get("properties", {})
    needed = {*schema.get("required", ()), *keys}
    more = schema.get("additionalProperties", True)
    if more == {}:
        more = True
    if not isinstance(more, bool) or not (more or needed <= members.keys()):
        raise _NoShapeError
    if not members and not needed and more:
        return Anything
    # Those without a default have to come first, and any text may be a name in JSON.
    names = sorted({*members, *needed}, key=lambda name: name not in needed)
    types = [_type(members.get(name, True)) for name in names]
    return msgspec.defstruct(
        "Object",
        [
            (f"m{at}", kind) if name in needed else (f"m{at}", kind, None)
            for at, (name, kind) in enumerate(zip(names, types, strict=True))
        ],
        rename={f"m{at}": name for at, name in enumerate(names)},
        forbid_unknown_fields=not more,
        gc=False,
    )
