"""A value is what its schema says, is made so without loss, or is a misfit."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_jira_oauth.conformance import FINE, MISFIT, Rule
from tap_jira_oauth.jql import in_utc, parse_datetime
from tap_jira_oauth.sprint import PREFIX

pytestmark = pytest.mark.any_version

NUMBER = {"type": ["number", "null"]}
INTEGER = {"type": ["integer", "null"]}
STRING = {"type": ["string", "null"]}
DATE = {**STRING, "format": "date"}
MOMENT = {**STRING, "format": "date-time"}
OBJECT = {"type": ["object", "null"], "additionalProperties": True}
ANY = {"type": ["string", "number", "boolean", "object", "array", "null"]}
ALL: tuple[dict[str, Any], ...] = (
    NUMBER,
    INTEGER,
    STRING,
    DATE,
    MOMENT,
    OBJECT,
    {"type": "boolean"},
    ANY,
    {},
)
SCHEMAS = [*ALL, *({"type": ["array", "null"], "items": items} for items in ALL), {"type": "array"}]


def converted(declared: dict[str, Any], text: str) -> Any:
    """Return what becomes of a value's JSON text; MISFIT for a misfit, the same text where it is left."""
    made = Rule(declared, in_utc).convert(text.encode())
    if made is MISFIT:
        return MISFIT
    return text if made is FINE else msgspec.json.encode(made).decode()


def items(declared: dict[str, Any]) -> dict[str, Any]:
    """Declare an array."""
    return {"type": ["array", "null"], "items": declared}


SPRINT = f"{PREFIX}1f[id=2,rapidViewId=<null>,name=A, b]"
SPRINT_OBJECT = {"id": 2, "boardId": None, "name": "A, b", "text": SPRINT}


@pytest.mark.parametrize(
    ("declared", "text", "made"),
    [
        (NUMBER, "3.0", "3.0"),
        (NUMBER, '"0.0"', "0.0"),
        (NUMBER, '"12"', "12"),
        (NUMBER, '"-1.50"', "-1.50"),
        (NUMBER, '"123456789012345"', "123456789012345"),
        (INTEGER, "12", "12"),
        (INTEGER, '"12"', "12"),
        (INTEGER, "12.0", "12.0"),
        (STRING, '"1"', '"1"'),
        (STRING, '""', '""'),
        (DATE, '"2026-02-09"', '"2026-02-09"'),
        (MOMENT, '"2022-12-09T00:00:00.000-0800"', '"2022-12-09T08:00:00.000Z"'),
        (MOMENT, '"2022-12-09T00:00:00Z"', '"2022-12-09T00:00:00.000Z"'),
        (OBJECT, '{"value": "No"}', '{"value": "No"}'),
        (items(OBJECT), '[{"id": "1"}, null]', '[{"id": "1"}, null]'),
        (items(OBJECT), "[]", "[]"),
        (items(OBJECT), json.dumps([SPRINT]), json.dumps([SPRINT_OBJECT], separators=(",", ":"))),
        (items(NUMBER), '["1", 2.50]', "[1,2.50]"),
        (items(ANY), '["sample.user(sample.user)", 1]', '["sample.user(sample.user)", 1]'),
        (ANY, '"9223372036854775807"', '"9223372036854775807"'),
        *((declared, "null", "null") for declared in (NUMBER, STRING, DATE, MOMENT, OBJECT, ANY)),
    ],
)
def test_what_conforms_stays_and_what_can_be_is_converted(
    declared: dict[str, Any], text: str, made: str
) -> None:
    """A number in quotes keeps its digits; nothing that is fine changes by a byte."""
    assert converted(declared, text) == made


@pytest.mark.parametrize(
    ("declared", "text"),
    [
        (NUMBER, '""'),
        (NUMBER, '" 1"'),
        (NUMBER, '"1,5"'),
        (NUMBER, '"007"'),
        (NUMBER, '"1e3"'),
        (NUMBER, '"NaN"'),
        (NUMBER, '"٣"'),
        (NUMBER, '"9223372036854775807"'),
        (NUMBER, "true"),
        (NUMBER, "{}"),
        (INTEGER, "1.5"),
        (INTEGER, '"1.0"'),
        (STRING, "1"),
        (STRING, '{"value":"Another"}'),
        (STRING, "[]"),
        (DATE, '"2026-02-30"'),
        (DATE, '"2026-02-09T00:00:00.000+0000"'),
        (DATE, '""'),
        (MOMENT, '"2019-08-27 19:43:24.193"'),
        (MOMENT, '"2019-08-27T19:43:24.193"'),
        (MOMENT, '"2019-08-27T19:43:24.193456+0000"'),
        (MOMENT, '"2019-02-30T19:43:24.193+0000"'),
        (MOMENT, '"2019-08-27T24:43:24.193Z"'),
        (MOMENT, '"0001-01-01T00:00:00.000+1400"'),
        (MOMENT, '"Today 2:52 PM"'),
        (MOMENT, "1566935004193"),
        (OBJECT, '"No"'),
        (OBJECT, "[]"),
        (OBJECT, f'"{PREFIX}1[name=no id]"'),
        (items(OBJECT), '{"id": "1"}'),
        (items(OBJECT), f'["{PREFIX}1[name=no id]"]'),
        (items(STRING), '["a", 1]'),
    ],
)
def test_what_would_lose_something_is_a_misfit(declared: dict[str, Any], text: str) -> None:
    """Empty texts, moments without a zone, numbers that a double does not hold, other types."""
    assert converted(declared, text) is MISFIT


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(["", "0.0", "12", "1e3", "2026-02-09", "2026-02-30", SPRINT])
    | st.datetimes().map(lambda moment: f"{moment:%Y-%m-%dT%H:%M:%S}.000+0130"),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(st.sampled_from(SCHEMAS), VALUES)
def test_what_comes_out_is_valid_by_its_schema_and_means_the_same(
    declared: dict[str, Any], value: Any
) -> None:
    """Formats included; and a misfit was not valid before."""
    validator = jsonschema_rs.validator_for(declared, validate_formats=True)
    made = converted(declared, json.dumps(value))
    if made is MISFIT:
        assert not validator.is_valid(value) or json.dumps(value)[0] == '"'
        return
    result = json.loads(made)
    if value is not None:
        validator.validate(result)
    if isinstance(value, list):
        for new, old in zip(result, value, strict=True):
            same(new, old)
    else:
        same(result, value)


@given(st.sampled_from(SCHEMAS), st.lists(VALUES, max_size=3) | VALUES)
def test_what_is_proven_quickly_is_fine(declared: dict[str, Any], value: Any) -> None:
    """The quick look takes nothing that the closer one would change or refuse."""
    rule = Rule(declared, in_utc)
    prove, text = rule.prover(), json.dumps(value).encode()
    if prove is not None:
        try:
            prove(msgspec.Raw(text))
        except msgspec.DecodeError:
            return
        assert rule.convert(text) is FINE


def test_most_arrays_are_proven_quickly() -> None:
    """Of objects, of texts; with a misfit or a sprint to convert among them they are not."""
    objects, texts = Rule(items(OBJECT), in_utc).prover(), Rule(items(STRING), in_utc).prover()
    assert objects is not None
    assert texts is not None
    objects(msgspec.Raw(b'[{"id":1},null,{}]'))
    texts(msgspec.Raw(b'["a",null]'))
    for text in (b'["a"]', b"[1]", b'{"id":1}'):
        with pytest.raises(msgspec.ValidationError):
            objects(msgspec.Raw(text))
    assert Rule(items(MOMENT), in_utc).prover() is not None  # of nulls alone
    assert Rule(STRING, in_utc).prover() is None


def same(new: Any, old: Any) -> None:
    """Hold a converted value against the one that Jira sent."""
    if isinstance(old, str) and isinstance(new, (int, float)):
        assert float(old) == new
    elif isinstance(old, str) and isinstance(new, dict):
        assert new["text"] == old
    elif isinstance(old, str) and new != old:
        assert parse_datetime(new) == parse_datetime(old)
    else:
        assert new == old
