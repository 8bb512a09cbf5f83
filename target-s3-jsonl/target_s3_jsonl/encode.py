r"""Singer line -> envelope -> one JSON line of an object. Pure.

A record stays the bytes that the tap printed, so numbers of any length, key order, duplicate keys,
escapes and spelling come through unchanged. Only stream maps and flattening make a new record, which
`encode_record` writes: equal in value then (numbers are exact decimals), not in spelling.

A RECORD line as the usual libraries spell it is scanned once: `cut_record` finds the record's bytes
by the two ends of the line, and decoding them, for their check, proves that the line was JSON. Every
other line is decoded as an envelope first.

Input that is not JSON, or that JSON readers refuse, is refused: NaN and Infinity, bytes that are
not UTF-8, and half of a surrogate pair (`"\ud800"`), which DuckDB and pyarrow answer by refusing
the whole object.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeAlias, TypeVar, cast

import jsonschema_rs
import msgspec

from target_s3_jsonl import drafts, shape
from target_s3_jsonl.errors import MessageError, MissingKeyError, RecordError

T = TypeVar("T")
Bytes: TypeAlias = "bytes | memoryview"

_STREAM = re.compile(rb'"stream": ?"([^"\\\x00-\x1f]+)"')
_NOT_A_NUMBER = re.compile(rb"[:,\[] ?-?(?:NaN|nan|Infinity|inf)\b")
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")


class Envelope(msgspec.Struct):
    """A Singer message; what only later layers need stays raw JSON, empty where missing.

    Unknown members are ignored.
    """

    type: str
    stream: str | None = None
    record: msgspec.Raw = msgspec.Raw()
    schema: msgspec.Raw = msgspec.Raw()
    key_properties: list[str] | None = None
    value: msgspec.Raw = msgspec.Raw()
    version: msgspec.Raw = msgspec.Raw()
    bookmark_properties: msgspec.Raw = msgspec.Raw()
    encoding: msgspec.Raw = msgspec.Raw()
    manifest: msgspec.Raw = msgspec.Raw()


_HEAD = re.compile(rb'{"type": ?"RECORD", ?"stream": ?"([^"\\\x00-\x1f]+)", ?"record": ?(?={)')
_TAIL = re.compile(rb'}(?:, ?"time_extracted": ?(?:"[^"\\\x00-\x1f]*"|null))*}')

_envelopes = msgspec.json.Decoder(Envelope)
_objects = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)
_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_encoder = msgspec.json.Encoder(decimal_format="number")


def decode_envelope(line: bytes) -> Envelope:
    """Decode one line.

    Raises:
        MessageError: The line is not a JSON object with a `type`, or not UTF-8.
    """
    try:
        if not line.isascii():
            line.decode()
        return _envelopes.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MessageError(_malformed(line, error)) from error


def cut_record(line: bytes) -> tuple[str, memoryview] | None:
    """Return stream and record of a RECORD line in its usual spelling, else None.

    The record is a view into the line, not a copy. Its bytes are only known to be a JSON object, and the line to be a message, once
    `decode_object` or `decode_members` has taken them. They are UTF-8.
    """
    head = _HEAD.match(line)
    # The last brace closes the message, the one before it the record: the tail holds no other.
    end = line.rfind(b"}", 0, -1)
    if head is None or _TAIL.fullmatch(line, end) is None:
        return None
    try:
        if not line.isascii():
            line.decode()
        return head[1].decode(), memoryview(line)[head.end() : end + 1]
    except UnicodeDecodeError:
        return None


def decode_members(raw: Bytes) -> dict[str, Any]:
    """Scan a record to its end, without decoding a value; only the names can be used.

    Raises:
        MessageError: It is no JSON object.
    """
    try:
        return cast("dict[str, Any]", _members.decode(raw))
    except (msgspec.DecodeError, RecursionError) as error:
        raise MessageError(f"the message holds no JSON object: {error}.") from error


def decode_object(raw: Bytes) -> dict[str, Any]:
    """Decode a record or a schema; numbers are int and Decimal, so they stay exact.

    Raises:
        MessageError: It is no object, or holds a number that Python refuses (an integer of more
            than 4300 digits, an exponent beyond 10**18).
    """
    try:
        return _objects.decode(raw)
    except (msgspec.DecodeError, ArithmeticError, RecursionError) as error:
        raise MessageError(
            f"the message holds something else than a JSON object that can be read: {error}."
        ) from error


def member_text(line: bytes, name: str) -> str | None:
    """Return a member of a line as text: a string's own, anything else as JSON; None where it is missing or null."""
    raw = bytes(_members.decode(line).get(name, b"null"))
    value = msgspec.json.decode(raw) if raw.startswith(b'"') else raw.decode()
    return None if value == "null" and not raw.startswith(b'"') else str(value)


def decode_as(raw: bytes, kind: type[T]) -> T | None:
    """Decode a member of an envelope; None where it is missing or of another type."""
    try:
        return msgspec.json.decode(raw, type=kind) if raw else None
    except msgspec.DecodeError:
        return None


def checked_json(line: bytes) -> bytes:
    """Return a line of a file after proving that it is JSON, in UTF-8.

    Raises:
        MessageError: It is not.
    """
    try:
        if not line.isascii():
            line.decode()
        msgspec.json.decode(line, type=msgspec.Raw)
        _members.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MessageError(_malformed(line, error)) from error
    return line


def guess_stream(line: bytes) -> str | None:
    """Return the stream that a line seems to be of, for the message about one that cannot be read."""
    found = _STREAM.search(line, 0, 1000)
    return found[1].decode(errors="replace") if found else None


def rejected_line(stream: str, number: int, reason: str, raw: bytes) -> bytes:
    """Return what is kept of a record that was sorted out: why, where it stood, and its own bytes."""
    return b'{"reason":%b,"stream":%b,"line":%d,"record":%b}\n' % (
        _encoder.encode(reason),
        _encoder.encode(stream),
        number,
        raw,
    )


def is_object(raw: bytes) -> bool:
    """Return whether raw JSON out of an envelope is an object."""
    return bytes(memoryview(raw)[:1]) == b"{"  # a msgspec.Raw lacks the methods of bytes


def raw_line(raw: Bytes) -> bytes:
    """Return a record's own bytes as a line."""
    return b"".join((raw, b"\n"))  # one copy, of a view too


def encode_record(record: Mapping[str, Any]) -> bytes:
    """Return a mapped or flattened record as a line; datetimes are written as RFC 3339."""
    try:
        return _encoder.encode(record) + b"\n"
    except (TypeError, ValueError) as error:
        raise MessageError(f"a stream map made a record that JSON cannot hold: {error}.") from error


class RecordCheck:
    """What a SCHEMA message asks of the records after it, compiled once."""

    def __init__(
        self, schema: Mapping[str, Any], key_properties: Sequence[str], *, validate: bool
    ) -> None:
        """Compile the schema if records are to be validated.

        Formats such as `date-time` are not checked, as in the Singer SDK, and no remote `$ref` is
        fetched.

        Raises:
            MessageError: The schema has no properties, or is not a JSON schema.
        """
        if not isinstance(schema.get("properties"), Mapping):
            raise MessageError("the SCHEMA has no 'properties'.")
        self._key_properties = tuple(key_properties)
        self._validator: jsonschema_rs.Validator | None = None
        self._prove: Callable[[Bytes], object] | None = None
        self._unproven: Mapping[str, Any] | None = None
        if validate:
            try:
                self._validator = drafts.validator(schema)
            except (
                jsonschema_rs.ValidationError,
                jsonschema_rs.ReferencingError,
                ValueError,
            ) as error:
                raise MessageError(
                    f"the SCHEMA is not a valid JSON schema: {_first_line(error)}."
                ) from error
            self._unproven = schema

    def check_raw(self, raw: Bytes) -> None:
        """Check a record's own bytes; most are proven sound without decoding them to values.

        Raises:
            MessageError: It is no JSON object.
            RecordError: As `check`.
        """
        if self._unproven is not None:  # the first record shows the order of members
            self._prove = shape.proof(self._unproven, self._key_properties, _as_sent(raw))
            self._unproven = None
        if self._prove is not None:
            try:
                self._prove(raw)
            except (msgspec.DecodeError, RecursionError):
                pass  # a whole look says what is wrong, if anything
            else:
                return
        self.check(self.decode(raw))

    def decode(self, raw: Bytes) -> dict[str, Any]:
        """Decode as much of a record as the check looks at: all of it, or the names of its members.

        Raises:
            MessageError: As `decode_object` and `decode_members`.
        """
        return decode_members(raw) if self._validator is None else decode_object(raw)

    def check(self, record: Mapping[str, Any]) -> None:
        """Check a record that `decode` or a map has made.

        Raises:
            MissingKeyError: It lacks a key property.
            RecordError: It does not conform to its SCHEMA.
        """
        for key in self._key_properties:
            if key not in record:
                raise MissingKeyError(f"the record lacks its key property {key!r}.")
        if fault := self.fault(record):
            raise RecordError(fault)

    def fault(self, record: Mapping[str, Any]) -> str | None:
        """Return why the record does not conform, in words that hold none of its values, or None."""
        if self._validator is None:
            return None
        try:
            if self._validator.is_valid(record):
                return None
        except ValueError:
            # A map made a datetime or the like, which the validator does not know: what would be stored is judged.
            record = decode_object(encode_record(record))
            if self._validator.is_valid(record):
                return None
        error = next(iter(self._validator.iter_errors(record)))
        place = "/".join(str(step) for step in error.instance_path) or "the record"
        return f"the record does not conform to its SCHEMA: at {place}: {error.message}."


def _as_sent(raw: Bytes) -> dict[str, Any]:
    try:
        return decode_object(raw)
    except MessageError:
        return {}


def _malformed(line: bytes, error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"the line is not UTF-8 (byte {error.start})."
    if isinstance(error, RecursionError):
        return "the line is nested too deeply to be read."
    if not isinstance(error, msgspec.ValidationError) and _SURROGATE.search(line):
        return f"the line is not a JSON message ({error}). It holds surrogate escapes such as \\ud800: one without its other half is not text."
    if not isinstance(error, msgspec.ValidationError) and (found := _NOT_A_NUMBER.search(line)):
        word = found[0][1:].decode().strip()
        return f"the line is not JSON ({error}): it seems to hold {word}, which JSON does not know. The tap has to send null or a text."
    return f"the line is not a Singer message: {error}."


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
