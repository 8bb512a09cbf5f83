"""Messages to lines: which line is what, which stream it belongs to, and whether it may be stored."""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import TYPE_CHECKING, Any, AnyStr, TypeVar

from target_s3_jsonl import catalog, encode
from target_s3_jsonl.batch_file import shown
from target_s3_jsonl.errors import MessageError, RecordBeforeSchemaError, RecordError
from target_s3_jsonl.facts import Facts
from target_s3_jsonl.routes import Route, outputs_of

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable

    from target_s3_jsonl.batch_file import BatchFiles
    from target_s3_jsonl.loader import Loader
    from target_s3_jsonl.rejects import Rejects
    from target_s3_jsonl.routes import MakeMaps, Output

T = TypeVar("T")


class Router:
    """Takes the input line by line and feeds a loader."""

    def __init__(  # noqa: PLR0913 - the seams
        self,
        loader: Loader,
        logger: logging.Logger,
        *,
        validate: bool,
        make_maps: MakeMaps | None,
        rejects: Rejects,
        batch_files: BatchFiles,
        go_on: Callable[[], bool],
    ) -> None:
        """Feed `loader`; without `make_maps` records are stored byte for byte.

        `go_on` is called after each record of a BATCH file, which may hold a day's work; False ends
        it there.
        """
        self._loader = loader
        self._logger = logger
        self._validate = validate
        self._make_maps = make_maps
        self._rejects = rejects
        self._batch_files = batch_files
        self._go_on = go_on
        self._routes: dict[str, Route] = {}
        self._facts: dict[str, Facts] = {}
        self._active: dict[str, str] = {}
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
            error.line, error.stream = self._line, stream or encode.guess_stream(line)
            raise
        self.counts[message.type] += 1

    def _usual(self, line: bytes) -> bool:
        """Take a RECORD line in its usual spelling; return False, with nothing done, for every other and every bad one."""
        found = encode.cut_record(line)
        route = self._routes.get(found[0]) if found else None
        if found is None or route is None or route.plain is None or self._loader.layout.fields:
            return False
        _, raw = found
        try:
            route.plain.check.check_raw(raw)
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
            stream = _stream(message)
            if version := _version(message):
                self._note_version(stream, version)
            self._record(stream, _member(message.record, "record"))
        elif message.type == "STATE":
            self._loader.state(bytes(_member(message.value, "value")))
        elif message.type == "SCHEMA":
            self._schema(_stream(message), message)
        elif message.type == "ACTIVATE_VERSION":
            stream, version = _stream(message), _version(message)
            self._activate(stream, _member(version, "version"))
        elif message.type == "BATCH":
            self._batch(_stream(message), message)
        else:
            raise MessageError(f"unknown message type {message.type!r}.")

    def _activate(self, stream: str, version: str) -> None:
        """Note which version of a table is the valid one; objects tell by their metadata."""
        if self._active.get(stream) != version:
            self._active[stream] = version
            self._logger.info(
                "Stream %r: version %s is active. Objects of this run tell it in their metadata; none is removed.",
                stream,
                version,
            )
        for output in self._outputs_of(stream):
            facts = self._facts[output.stream]
            self._describe(output.stream, dataclasses.replace(facts, active=version))

    def _note_version(self, stream: str, version: str) -> None:
        """Note to which version of a table the record at hand belongs."""
        for output in self._outputs_of(stream):
            facts = self._facts[output.stream]
            self._describe(output.stream, dataclasses.replace(facts, version=version))

    def _outputs_of(self, stream: str) -> tuple[Output, ...]:
        route = self._routes.get(stream)
        return route.outputs if route else ()

    def _describe(self, stream: str, facts: Facts) -> None:
        if self._facts.get(stream) != facts:
            self._facts[stream] = facts
            self._loader.describe(stream, facts)

    def _batch(self, stream: str, message: encode.Envelope) -> None:
        encoding = encode.decode_as(message.encoding, dict[str, Any])
        manifest = encode.decode_as(message.manifest, list[str])
        if encoding is None or manifest is None:
            raise MessageError("the BATCH message lacks its 'encoding' or its 'manifest'.")
        if encoding.get("format") != "jsonl":
            raise MessageError(
                f"BATCH files of format {encoding.get('format')!r} cannot be read, only jsonl; change batch_config in the tap."
            )
        for url in manifest:
            lines = self._batch_files.lines(url, encoding.get("compression") or "none")
            for number, line in enumerate(lines, 1):
                try:
                    self._record(stream, encode.checked_json(line))
                except MessageError as error:
                    error.reason += f" (Line {number} of {shown(url)}.)"
                    raise
                if not self._go_on():
                    return

    def _schema(self, stream: str, message: encode.Envelope) -> None:
        schema = encode.decode_object(_member(message.schema, "schema"))
        keys = tuple(message.key_properties or ())
        known = self._routes.get(stream)
        if known is not None and (known.schema, known.key_properties) == (schema, keys):
            return
        outputs = tuple(
            outputs_of(stream, schema, keys, validate=self._validate, make_maps=self._make_maps)
        )
        bookmark = encode.decode_as(message.bookmark_properties, list[str]) or []
        for output in outputs:
            document = catalog.schema_document(
                output.stream, output.schema, output.key_properties, bookmark
            )
            facts = Facts(
                catalog.schema_hash(document),
                output.key_properties,
                next(iter(bookmark), None),
                schema=document,
                active=self._active.get(stream),
            )
            self._describe(output.stream, facts)
        self._routes[stream] = Route(schema, keys, outputs)

    def _record(self, stream: str, raw: bytes) -> None:
        route = self._routes.get(stream)
        if route is None:
            raise RecordBeforeSchemaError("a RECORD came before its stream's SCHEMA.")
        for output in route.outputs:
            self._place(stream, output, raw)

    def _place(self, stream: str, output: Output, raw: bytes) -> None:
        try:
            made = self._made(output, raw)
        except RecordError as error:
            self._sort_out(stream, raw, error)
        else:
            if made is not None:
                self._loader.add(output.stream, *made)

    def _made(self, output: Output, raw: bytes) -> tuple[bytes, tuple[str, ...]] | None:
        """Return a record's line and the values that name its folders; None if a map leaves it out.

        Raises:
            RecordError: It cannot be stored as it should.
        """
        if not encode.is_object(raw):
            raise RecordError("the record is not a JSON object.")
        place = self._loader.layout
        if output.record_map is None:
            _judged(output.check.check_raw, raw)
            partition = place.partition(_judged(encode.decode_object, raw)) if place.fields else ()
            return encode.raw_line(raw), partition
        # Decoded for each map, because maps may change the record they are given.
        mapped = output.record_map.transform(_judged(encode.decode_object, raw))
        if mapped is None:
            return None
        output.check.check(mapped)
        return encode.encode_record(mapped), place.partition(mapped)

    def _sort_out(self, stream: str, raw: bytes, error: RecordError) -> None:
        """Do with a record what `on_invalid_record` says. Kept ones are rows like any other: STATE waits for them."""
        if self._rejects.policy == "fail":
            raise error
        if told := self._rejects.note(stream, self._line, error.reason):
            self._logger.warning(told)
        if self._rejects.policy == "quarantine":
            line = encode.rejected_line(stream, self._line, error.reason, raw)
            self._loader.add(stream, line, rejected=True)


def _judged(read: Callable[[bytes], T], raw: bytes) -> T:
    try:
        return read(raw)
    except RecordError:
        raise
    except MessageError as error:
        raise RecordError(error.reason) from error


def _stream(message: encode.Envelope) -> str:
    if not message.stream:
        raise MessageError("the message has no 'stream'.")
    return message.stream


def _version(message: encode.Envelope) -> str:
    """Return the version of a table as text; empty without one. Some taps print null then."""
    text = bytes(message.version).decode()
    return "" if text == "null" else text.strip('"')


def _member(given: AnyStr, name: str) -> AnyStr:
    if not given:
        raise MessageError(f"the message has no {name!r}.")
    return given
