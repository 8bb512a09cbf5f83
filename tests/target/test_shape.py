"""Types made of schemas: what they take conforms, and Jira's own schema has one."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from target_s3_jsonl import encode, shape
from target_s3_jsonl.errors import MissingKeyError, RecordError

NAMES = st.sampled_from(["a", "b", 'c"d\\', "e f"])
KINDS = st.sampled_from(["null", "boolean", "integer", "number", "string", "array", "object"])


def _schemas(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(
        {},
        optional={
            "type": st.one_of(KINDS, st.lists(KINDS, min_size=1, max_size=3, unique=True)),
            "properties": st.dictionaries(NAMES, inner, max_size=3),
            "required": st.lists(NAMES, max_size=2, unique=True),
            "items": inner,
            "additionalProperties": st.one_of(st.booleans(), inner),
            "title": st.just("x"),
            "minLength": st.just(1),
        },
    )


SCHEMAS: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.booleans(), st.just({})), _schemas, max_leaves=6
)
VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.sampled_from(["1", "1.0", "1.5", "-0.0", "1e400", "1" * 30]).map(
            lambda text: msgspec.Raw(text.encode())
        ),
        st.sampled_from(["", "x"]),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(NAMES, inner, max_size=3)),
    max_leaves=6,
)


def _raw(value: object) -> bytes:
    return msgspec.json.encode(value)


@given(st.data())
def test_what_a_type_takes_conforms(data: st.DataObject) -> None:
    """Whatever the schema, nothing is taken that the validator would refuse, or that lacks a key."""
    schema = data.draw(_schemas(SCHEMAS))
    keys = data.draw(st.lists(NAMES, max_size=1))
    records = st.dictionaries(NAMES, VALUES, max_size=4)
    raw = _raw(data.draw(records))
    prove = shape.proof(schema, keys, data.draw(records))
    if prove is None:
        return
    try:
        prove(raw)
    except msgspec.DecodeError:
        return
    record = encode.decode_object(raw)
    assert jsonschema_rs.validator_for(schema).is_valid(record)
    assert set(keys) <= record.keys()


ISSUES = {
    "type": "object",
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "properties": {
        "id": {"type": "string", "description": "x"},
        "updated": {"type": ["string", "null"], "format": "date-time"},
        "fields": {
            "type": "object",
            "properties": {
                "votes": {"type": ["object", "null"], "additionalProperties": True},
                "labels": {"type": ["array", "null"], "items": {"type": ["string", "null"]}},
                "worklog": {"type": ["object", "array", "null"]},
                "workratio": {"type": ["number", "null"]},
            },
        },
    },
    "required": ["id"],
    "additionalProperties": False,
}


def test_a_schema_of_types_alone_has_a_type() -> None:
    """What a tap of issues declares is proven without decoding a value."""
    prove = shape.proof(ISSUES, ["id"])
    assert prove is not None
    prove(
        b'{"id":"1","updated":null,"fields":{"votes":{"n":1e400},"labels":["a",null],"worklog":[{}],"workratio":-1,"x":[1]}}'
    )


def test_members_are_looked_for_in_the_order_of_the_first_record() -> None:
    """In any other order msgspec compares many names before it finds one."""
    sent = {"fields": {"workratio": 1, "labels": ["a"]}, "id": "1", "z": 1}
    prove: Any = shape.proof(ISSUES, ["id"], sent)
    record = prove.__self__.type
    assert record.__struct_encode_fields__ == ("fields", "id", "updated")
    fields = next(field.type for field in msgspec.structs.fields(record) if field.name == "m0")
    assert fields.__struct_encode_fields__ == ("workratio", "labels", "votes", "worklog")


@pytest.mark.parametrize("more", [{"maxLength": 3}, {"enum": ["a"]}, {"$ref": "#"}, {"not": {}}])
def test_a_schema_that_says_more_has_none(more: dict[str, Any]) -> None:
    """Then a validator has to look."""
    assert shape.proof({"properties": {"a": {"type": "string", **more}}}, []) is None


@pytest.mark.parametrize(
    ("record", "error"),
    [
        ({"id": "1", "fields": {"workratio": "x"}}, RecordError),
        ({"id": "1", "y": 1}, RecordError),
        ({"fields": {}}, MissingKeyError),
    ],
)
def test_what_the_type_refuses_is_refused_in_the_validators_words(
    record: dict[str, Any], error: type[RecordError]
) -> None:
    """The reason does not depend on which way a record went."""
    check = encode.RecordCheck(ISSUES, ["id"], validate=True)
    with pytest.raises(error, match=r"key property|does not conform to its SCHEMA"):
        check.check_raw(json.dumps(record).encode())


def test_a_number_beyond_a_double_conforms() -> None:
    """The type refuses it, the validator knows better."""
    check = encode.RecordCheck(ISSUES, ["id"], validate=True)
    check.check_raw(b'{"id":"1","fields":{"workratio":1e400}}')
