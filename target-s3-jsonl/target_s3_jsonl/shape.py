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


def proof(
    schema: Mapping[str, Any], keys: Sequence[str], like: object = None
) -> Callable[[bytes | memoryview], object] | None:
    """Return what takes a record that is an object, conforms and has the keys, or raises; None if no type says that.

    `like` is a record as the tap sends them: members are looked for in its order, where msgspec finds
    each with one look. In another order it compares names until it finds one, which for a record of
    177 members takes twice as long as all the rest.

    It raises a `msgspec.DecodeError` or `RecursionError` where it is not sure. `schema` has to be a
    valid JSON schema.
    """
    kinds = schema.get("type", "object")
    if kinds != "object" and (isinstance(kinds, str) or "object" not in kinds):
        return None  # no record can conform
    try:
        # msgspec has its own limits on unions and on names of members: TypeError, ValueError.
        return msgspec.json.Decoder(_object(schema, like, keys)).decode
    except (_NoShapeError, KeyError, TypeError, ValueError, RecursionError):
        return None


def _type(schema: object, like: object) -> Any:
    if schema is True or schema == {}:
        return msgspec.Raw
    if not isinstance(schema, Mapping) or not schema.keys() <= _ANNOTATIONS | _KEYWORDS:
        raise _NoShapeError
    names = schema.get("type")
    if names is None:
        if schema.keys() & _KEYWORDS:
            raise _NoShapeError
        return msgspec.Raw
    kinds = [_kind(name, schema, like) for name in ([names] if isinstance(names, str) else names)]
    return functools.reduce(operator.or_, kinds)


def _kind(name: str, schema: Mapping[str, Any], like: object) -> Any:
    if name == "array":
        item = like[0] if isinstance(like, list) and like else None
        return list[_type(schema.get("items", True), item)]  # type: ignore[misc]  # a type made at run time
    return _object(schema, like) if name == "object" else _SCALARS[name]


def _object(schema: Mapping[str, Any], like: object, keys: Sequence[str] = ()) -> Any:
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
    sent = like if isinstance(like, Mapping) else {}
    known = {*members, *needed}
    names = list(dict.fromkeys([*(name for name in sent if name in known), *members, *needed]))
    types = [_type(members.get(name, True), sent.get(name)) for name in names]
    # Any text may be a name in JSON; by keyword, those without a default need not come first.
    return msgspec.defstruct(
        "Object",
        [
            (f"m{at}", kind) if name in needed else (f"m{at}", kind, None)
            for at, (name, kind) in enumerate(zip(names, types, strict=True))
        ],
        rename={f"m{at}": name for at, name in enumerate(names)},
        forbid_unknown_fields=not more,
        kw_only=True,
        gc=False,
    )
