"""Messages to lines: which line is what, which stream it belongs to, and whether it may be stored.

Stream maps come in as a parameter, so this module does not know who makes them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from target_s3_jsonl import encode
from target_s3_jsonl.errors import MessageError, RecordBeforeSchemaError

if TYPE_CHECKING:
    import logging
    from collections.abc import Iterator, Sequence

    from target_s3_jsonl.loader import Loader


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


class Router:
    """Takes the input line by line and feeds a loader."""

    def __init__(
        self,
        loader: Loader,
        logger: logging.Logger,
        *,
        validate: bool,
        make_maps: MakeMaps | None,
    ) -> None:
        """Feed `loader`; without `make_maps` records are stored byte for byte."""
        self._loader = loader
        self._logger = logger
        self._validate = validate
        self._make_maps = make_maps
        self._routes: dict[str, Route] = {}
        self._line = 0
        self.counts: Counter[str] = Counter()

    def line(self, line: bytes) -> None:
        """Take the next line; an empty one means nothing.

        Raises:
            MessageError: The line cannot be honoured; the error names its number and stream.
        """
        self._line += 1
        if self._usual(line):
            return
        if not line.strip():
            return
        stream: str | None = None
        try:
            message = encode.decode_envelope(line)
            stream = message.stream
            self._dispatch(message)
        except MessageError as error:
            error.line, error.stream = self._line, stream
            raise
        self.counts[message.type] += 1

    def _usual(self, line: bytes) -> bool:
        """Take a RECORD line in its usual spelling; return False, with nothing done, for every other and every bad one."""
        found = encode.cut_record(line)
        route = self._routes.get(found[0]) if found else None
        if found is None or route is None or route.plain is None:
            return False
        _, raw = found
        try:
            route.plain.check.check(route.plain.check.decode(raw))
        except MessageError:
            return False  # the long way round says what is wrong
        self._loader.add(route.plain.stream, encode.raw_line(raw))
        self.counts["RECORD"] += 1
        return True

    def last_line(self, line: bytes) -> None:
        """Take what followed the last newline: a whole message, or what a dying tap left.

        Raises:
            MessageError: It is not a whole message.
        """
        if line.strip():
            try:
                encode.decode_envelope(line)
            except MessageError as error:
                raise MessageError(
                    "the input ends in the middle of a line. "
                    "The tap died, or was stopped, while it wrote; see its own log.",
                    line=self._line + 1,
                ) from error
            self.line(line)

    def _dispatch(self, message: encode.Envelope) -> None:
        if message.type == "RECORD":
            self._record(_stream(message), _member(message.record, "record"))
        elif message.type == "STATE":
            self._loader.state(bytes(_member(message.value, "value")))
        elif message.type == "SCHEMA":
            self._schema(_stream(message), message)
        elif message.type == "ACTIVATE_VERSION":
            if not self.counts["ACTIVATE_VERSION"]:
                self._logger.info("ACTIVATE_VERSION has no effect: stored objects never change.")
        elif message.type == "BATCH":
            raise MessageError(
                "BATCH messages are not available in this version; switch batch_config off in the tap."
            )
        else:
            raise MessageError(f"unknown message type {message.type!r}.")

    def _schema(self, stream: str, message: encode.Envelope) -> None:
        schema = encode.decode_object(_member(message.schema, "schema"))
        keys = tuple(message.key_properties or ())
        known = self._routes.get(stream)
        if known is not None and (known.schema, known.key_properties) == (schema, keys):
            return
        outputs = tuple(self._outputs(stream, schema, keys))
        for output in known.outputs if known else ():
            self._loader.schema_changed(output.stream)
        self._routes[stream] = Route(schema, keys, outputs)

    def _outputs(
        self, stream: str, schema: dict[str, Any], keys: tuple[str, ...]
    ) -> Iterator[Output]:
        plain = encode.RecordCheck(schema, keys, validate=self._validate)
        if self._make_maps is None:
            yield Output(stream, plain)
            return
        for each in self._make_maps(stream, schema, keys):
            check = encode.RecordCheck(
                each.transformed_schema,
                each.transformed_key_properties or (),
                validate=self._validate,
            )
            yield Output(each.stream_alias, check, each)

    def _record(self, stream: str, raw: bytes) -> None:
        route = self._routes.get(stream)
        if route is None:
            raise RecordBeforeSchemaError("a RECORD came before its stream's SCHEMA.")
        if not encode.is_object(raw):
            raise MessageError("the record is not a JSON object.")
        for output in route.outputs:
            if output.record_map is None:
                output.check.check(output.check.decode(raw))
                self._loader.add(output.stream, encode.raw_line(raw))
                continue
            # Decoded for each map, because maps may change the record they are given.
            mapped = output.record_map.transform(encode.decode_object(raw))
            if mapped is not None:
                output.check.check(mapped)
                self._loader.add(output.stream, encode.encode_record(mapped))


def _stream(message: encode.Envelope) -> str:
    if not message.stream:
        raise MessageError("the message has no 'stream'.")
    return message.stream


def _member(raw: bytes, name: str) -> bytes:
    if not raw:
        raise MessageError(f"the message has no {name!r}.")
    return raw
