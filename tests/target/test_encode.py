"""Records: byte-exact, checked, and refused in words that hold none of their values."""

from __future__ import annotations

import json
import threading
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from target_s3_jsonl import encode
from target_s3_jsonl.errors import MessageError, MissingKeyError

_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)

_SPELLINGS: list[dict[str, Any]] = [
    {},
    {"ensure_ascii": False},
    {"separators": (",", ":")},
    {"ensure_ascii": False, "separators": (" ,", "\t: ")},
]


def _line(raw: bytes) -> bytes:
    return b'{"type":"RECORD","stream":"s","record":' + raw + b"}"


@pytest.mark.no_cover  # the same lines thousands of times, which counting them makes four times as slow
@given(st.dictionaries(st.text(), _json), st.sampled_from(_SPELLINGS))
def test_any_record_comes_through_byte_for_byte(
    record: dict[str, Any], spelling: dict[str, Any]
) -> None:
    """However a tap spells JSON, the line is its bytes and a newline."""
    raw = json.dumps(record, **spelling).encode("utf-8", "surrogatepass")
    try:
        raw.decode()
    except UnicodeDecodeError:
        return
    try:
        message = encode.decode_envelope(_line(raw))
    except MessageError as error:
        assert "surrogate" in str(error)  # noqa: PT017 - only this one reason may refuse a record
    else:
        assert encode.raw_line(message.record) == raw + b"\n"


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (rb'{"a": NaN}', "seems to hold NaN"),
        (rb'{"a": -Infinity}', "seems to hold -Infinity"),
        (rb'{"a": "\ud800"}', "without its other half"),
        (b'{"a": "\xff"}', "not UTF-8"),
        (b'{"a": "\xed\xa0\x80"}', "not UTF-8"),
        (b'{"a": 01}', "not a Singer message"),
        (b'{"a": ' + b"[" * 10**5 + b"]" * 10**5 + b"}", "nested too deeply"),
    ],
)
def test_what_readers_could_not_read_is_refused(raw: bytes, reason: str) -> None:
    """A record that is not JSON text never reaches an object, where it would spoil every other record."""
    with pytest.raises(MessageError, match=reason):
        encode.decode_envelope(_line(raw))


def test_rewritten_records_keep_numbers_exact() -> None:
    """A mapped record is equal in value: no digit is lost, whatever a float could hold."""
    raw = b'{"a":123456789012345678901234567890,"b":0.1234567890123456789,"c":1E+400,"d":-0.0}'
    assert encode.encode_record(encode.decode_object(raw)) == raw + b"\n"


@pytest.mark.parametrize("number", [b"1" * 5000, b"1e99999999999999999999"])
def test_a_number_that_python_refuses_is_a_message_error(number: bytes) -> None:
    """Nothing that a tap prints ends in a traceback; unchecked, such a number still passes as bytes."""
    raw = b'{"a":' + number + b"}"
    assert encode.raw_line(encode.decode_envelope(_line(raw)).record) == raw + b"\n"
    with pytest.raises(MessageError):
        encode.decode_object(raw)


def test_a_map_that_makes_what_json_cannot_hold_is_an_error() -> None:
    """An expression may return any Python object; one without a JSON form is refused."""
    with pytest.raises(MessageError, match="JSON cannot hold"):
        encode.encode_record({"a": object()})


@pytest.mark.parametrize(
    ("schema", "record", "fault"),
    [
        ({"type": "integer"}, 10**40, None),
        ({"type": "integer"}, Decimal("1.0"), None),
        ({"type": "integer"}, Decimal("1.5"), "at a: its value is not of type"),
        ({"type": "number", "maximum": 1}, Decimal("1E+400"), "at a: its value is greater"),
        ({"type": "number", "multipleOf": 0.01}, Decimal("0.07"), None),
        ({"type": "string", "format": "date-time"}, "yesterday", None),
        ({"type": "string", "maxLength": 3}, "me@example.com", "at a: its value is longer"),
    ],
)
def test_validation_knows_exact_numbers_and_tells_no_values(
    schema: dict[str, Any], record: object, fault: str | None
) -> None:
    """Big integers and decimals are judged exactly, formats are not judged, values stay out of the message."""
    found = encode.RecordCheck({"properties": {"a": schema}}, (), validate=True).fault(
        {"a": record}
    )
    assert (found is None) == (fault is None)
    if fault is not None and found is not None:
        assert fault in found
        assert str(record) not in found


@pytest.mark.parametrize(
    ("value", "sound"), [(Decimal("9.99"), True), (None, True), (10, False), ("9", False)]
)
def test_bounds_are_read_as_draft_4_has_them(*, value: object, sound: bool) -> None:
    """Taps of databases write them so, and name no draft; they still bound."""
    schema = {
        "properties": {"a": {"$ref": "#/definitions/amount"}},
        "definitions": {
            "amount": {
                "type": ["null", "number"],
                "maximum": 10,
                "exclusiveMaximum": True,
                "multipleOf": 1e-38,
            }
        },
    }
    check = encode.RecordCheck(schema, (), validate=True)
    assert (check.fault({"a": value}) is None) == sound


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object"},
        {"properties": {"a": {"type": "strin"}}},
        {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "properties": {"a": {"maximum": 10, "exclusiveMaximum": True}},
        },
    ],
)
def test_a_schema_that_cannot_be_used_is_refused(schema: dict[str, Any]) -> None:
    """No properties, an unknown type, what its own draft does not have: the tap has to change."""
    with pytest.raises(MessageError, match="SCHEMA"):
        encode.RecordCheck(schema, (), validate=True)


def test_a_remote_schema_is_not_fetched() -> None:
    """A reference to another host is refused; nothing connects to it."""
    asked = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.set()
            self.send_error(404)

    with HTTPServer(("127.0.0.1", 0), Handler) as host:
        thread = threading.Thread(target=host.handle_request)
        host.timeout = 0.5
        thread.start()
        reference = {"$ref": f"http://127.0.0.1:{host.server_port}/schema.json"}
        with pytest.raises(MessageError, match="SCHEMA"):
            encode.RecordCheck({"properties": {"a": reference}}, (), validate=True)
        thread.join()
    assert not asked.is_set()


def test_a_missing_key_is_seen_without_decoding_values() -> None:
    """Presence is what counts, and only at the top."""
    check = encode.RecordCheck({"properties": {}}, ("id", "key"), validate=False)
    check.check(check.decode(b'{"id": 1, "key": null}'))
    with pytest.raises(MissingKeyError, match="'key'"):
        check.check(check.decode(b'{"id": 1, "nested": {"key": 2}}'))


@pytest.mark.parametrize(
    "line",
    [
        b'{"type":"RECORD","stream":"s","record":{"a":{"b":"}"}}}',
        b'{"type": "RECORD", "stream": "s", "record": {"a": 1}, "time_extracted": "2026-01-01T00:00:00Z"}',
        b'{"type":"RECORD","stream":"s","record":{},"time_extracted":null}',
        b'{"type":"RECORD","stream":"s","record":{"time_extracted":"x"}}',
        b'{"type":"RECORD","stream":"s","record":{"a":"\\"}}","version":{"a":0}}}',
    ],
)
def test_a_usual_line_is_cut_where_a_whole_scan_finds_the_record(line: bytes) -> None:
    """The short way and the long way give the same bytes."""
    found = encode.decode_envelope(line)
    cut = encode.cut_record(line)
    assert cut is not None
    assert (cut[0], bytes(cut[1])) == ("s", bytes(found.record))


@pytest.mark.parametrize(
    "line",
    [
        b'{"type":"STATE","value":{}}',
        b'{"record":{},"stream":"s","type":"RECORD"}',
        b'{"type":"RECORD","stream":"a\\u0062","record":{}}',
        b'{"type":"RECORD","stream":"s","record":{},"record":{"a":1}}',
        b'{"type":"RECORD","stream":"s","record":{},"stream":"t"}',
        b'{"type":"RECORD","stream":"s","record":{"a":"\xff"}}',
        b'{"type":"RECORD","stream":"s","record":{}',
        b'{"type":"RECORD","stream":"s","record":}',
        b"}",
        b"",
    ],
)
def test_an_unusual_line_is_cut_nowhere_or_into_no_json(line: bytes) -> None:
    """What is not surely one record between two known ends goes the long way."""
    found = encode.cut_record(line)
    if found is not None:
        with pytest.raises(MessageError):
            encode.decode_members(found[1])
