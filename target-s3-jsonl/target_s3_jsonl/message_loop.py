"""The loop: read, route, acknowledge, stop on a signal.

It takes the place of the SDK's own at the seam that the SDK offers for that, the message reader, because
a target that acknowledges must read bytes, keep time while the tap is silent and end on a signal in good order.

Objects are uploaded beside it, a few at a time: while S3 is slow the tap waits, and memory stays flat.
"""

from __future__ import annotations

import dataclasses
import sys
from typing import IO, TYPE_CHECKING, Any

import click
from singer_sdk.exceptions import MissingKeyPropertiesError, RecordsWithoutSchemaException
from singer_sdk.singerlib.encoding.base import GenericSingerReader

from target_s3_jsonl import encode
from target_s3_jsonl.batch_file import BatchFiles
from target_s3_jsonl.errors import (
    ConfigurationError,
    Interrupted,
    MessageError,
    MissingKeyError,
    OutputError,
    RecordBeforeSchemaError,
    TargetError,
)
from target_s3_jsonl.explain import PathsOnly
from target_s3_jsonl.intake import Intake, StopSignal, stop_signal
from target_s3_jsonl.loader import Loader
from target_s3_jsonl.maps import SingerMaps
from target_s3_jsonl.rejects import Rejects
from target_s3_jsonl.router import Router
from target_s3_jsonl.store import open_store

if TYPE_CHECKING:
    import logging
    from collections import Counter
    from collections.abc import Callable, Mapping

    from mypy_boto3_s3 import S3Client
    from singer_sdk.mapper import PluginMapper

    from target_s3_jsonl.manifest import Ended
    from target_s3_jsonl.settings import Settings
    from target_s3_jsonl.store import Store


class SingerRecordBeforeSchemaError(RecordBeforeSchemaError, RecordsWithoutSchemaException):
    """Our error, as the SDK's own callers and tests know it."""


class SingerMissingKeyError(MissingKeyError, MissingKeyPropertiesError):
    """Our error, as the SDK's own callers and tests know it."""


_SINGER_ERRORS: dict[type[MessageError], type[MessageError]] = {
    RecordBeforeSchemaError: SingerRecordBeforeSchemaError,
    MissingKeyError: SingerMissingKeyError,
}


class MessageLoop(GenericSingerReader[bytes]):
    """Reads the tap to its end, or to a signal, or to the first error, and stores all that came before."""

    def __init__(
        self, settings: Settings, mapper: PluginMapper, logger: logging.Logger, version: str
    ) -> None:
        """Prepare; nothing is opened before `process_lines`."""
        super().__init__()
        self._settings = settings
        self._mapper = mapper
        self._logger = logger
        self._version = version
        self.explains = False
        """Whether to tell the objects' paths on standard output instead of storing anything."""

    @property
    def default_input(self) -> IO[bytes]:
        """Standard input, as bytes.

        Raises:
            MessageError: It is closed.
        """
        if sys.stdin is None:
            raise MessageError(
                "Standard input is closed: run the target behind a tap, or give --input."
            )
        return sys.stdin.buffer

    def deserialize_json(self, line: bytes) -> dict[str, Any]:
        """Decode a line as the SDK would ask for; the loop itself decodes only the envelope."""
        return encode.decode_object(line)

    def process_lines(
        self,
        file_input: IO[bytes] | None,
        callbacks: Mapping[str, Callable[[dict[str, Any]], None]],
    ) -> Counter[str]:
        """Load the input; return how many messages of each type there were.

        The SDK's `callbacks` are not called: they decode every value and know no STATE but the
        last.

        Raises:
            TargetError: The run ended early. STATE covers what is stored.
        """
        del callbacks
        rejects = Rejects(self._settings.on_invalid_record)
        with stop_signal() as stop:
            loader = self._loader(stop)
            router = self._router(loader, rejects, stop)
            try:
                self._read(Intake(file_input or self.default_input, stop), stop, router, loader)
                ended: Ended = "signal" if stop.received else "end"
                loader.store_all(ended)
                loader.tell(ended, rejects.counts, self._version)
            except MessageError as error:
                self._store_before(error, loader, rejects)
                singer = _SINGER_ERRORS.get(type(error))
                if singer is None:
                    raise
                raise singer(error.reason, line=error.line, stream=error.stream) from error
            except ConfigurationError as error:
                self._store_before(error, loader, rejects)
                raise
            finally:
                loader.close()
                self._summarize(loader, rejects)
        if stop.received is not None:
            raise Interrupted(stop.received)
        return router.counts

    def _loader(self, stop: StopSignal) -> Loader:
        manifests = self._settings.manifests and not self.explains
        return Loader(
            dataclasses.replace(self._settings, manifests=manifests),
            self._store(),
            acknowledge=(lambda _: None) if self.explains else _print_state,
            logger=self._logger,
            wake=stop.wake,
        )

    def _router(self, loader: Loader, rejects: Rejects, stop: StopSignal) -> Router:
        def go_on() -> bool:
            loader.look()
            return stop.received is None

        return Router(
            loader,
            self._logger,
            validate=self._settings.validate_records,
            make_maps=SingerMaps(self._mapper) if self._settings.maps_records else None,
            rejects=rejects,
            batch_files=BatchFiles(self._s3_client),
            go_on=go_on,
        )

    def _s3_client(self) -> S3Client:
        from target_s3_jsonl.aws import s3_client  # noqa: PLC0415 - boto3 takes a while to load

        return s3_client(self._settings, self._version)

    def _store(self) -> Store:
        store = open_store(self._settings, version=self._version)
        return PathsOnly(self._settings.destination, click.echo) if self.explains else store

    @staticmethod
    def _read(intake: Intake, stop: StopSignal, router: Router, loader: Loader) -> None:
        for line in intake.lines(loader.seconds_left):
            if line is not None:
                router.line(line)
            else:  # a look after each line would take as long as to compress a short one
                loader.look()
        if stop.received is None:
            router.last_line(intake.tail)

    def _store_before(self, error: TargetError, loader: Loader, rejects: Rejects) -> None:
        try:
            loader.store_all("error")
            loader.tell("error", rejects.counts, self._version)
        except TargetError:
            # The store's error goes up; the one that came first must not get lost behind it.
            self._logger.critical("%s", error)
            raise

    def _summarize(self, loader: Loader, rejects: Rejects) -> None:
        for sentence in rejects.summary():
            self._logger.warning(sentence)
        totals = loader.totals
        reasons = ", ".join(f"{reason} {count}" for reason, count in loader.reasons.most_common())
        self._logger.info(
            "Summary: %d objects, %d rows, %d bytes stored; %d STATEs printed; objects closed by: %s",
            totals["objects"],
            totals["rows"],
            totals["size"],
            totals["states"],
            reasons or "nothing",
        )


def _print_state(value: bytes) -> None:
    """Print one STATE value as it came, at once: Meltano saves it as soon as it reads it."""
    if sys.stdout is None:
        raise OutputError(_unheard("it is closed"))
    output = getattr(sys.stdout, "buffer", None)
    try:
        if output is None:
            sys.stdout.write(f"{value.decode()}\n")
        else:
            line = memoryview(b"%b\n" % value)
            # Without Python's own buffer (PYTHONUNBUFFERED) a signal ends a write half-way.
            while line:
                line = line[output.write(line) :]
        sys.stdout.flush()
    except OSError as error:
        raise OutputError(_unheard(error.strerror)) from error


def _unheard(why: str | None) -> str:
    return f"Cannot print STATE to standard output: {why}. The rows are stored, but not acknowledged: the next run sends them again."
