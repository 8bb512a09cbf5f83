"""The loop: read, route, acknowledge, stop on a signal. The only module that knows the Singer SDK.

The SDK keeps the command line, `--about` and the config. Its message loop is replaced at the seam
it offers for that, the message reader, because a target that acknowledges must read bytes, keep
time while the tap is silent and end on a signal in good order.

Objects are uploaded beside it, a few at a time: while S3 is slow the tap waits, and memory stays flat.
"""

from __future__ import annotations

import os
import sys
from typing import IO, TYPE_CHECKING, Any, ClassVar, NoReturn

from singer_sdk import Target
from singer_sdk.exceptions import (
    ConfigValidationError,
    MapExpressionError,
    MissingKeyPropertiesError,
    RecordsWithoutSchemaException,
    StreamMapConfigError,
)
from singer_sdk.helpers.capabilities import PluginCapabilities, TargetCapabilities
from singer_sdk.singerlib.encoding.base import GenericSingerReader

from target_s3_jsonl import encode
from target_s3_jsonl.errors import (
    ConfigurationError,
    Interrupted,
    MessageError,
    MissingKeyError,
    OutputError,
    RecordBeforeSchemaError,
    TargetError,
)
from target_s3_jsonl.intake import Intake, StopSignal, stop_signal
from target_s3_jsonl.loader import Loader
from target_s3_jsonl.router import Router
from target_s3_jsonl.settings import Settings, config_jsonschema, refuse_secrets_of_other_types
from target_s3_jsonl.store import open_store

if TYPE_CHECKING:
    import logging
    from collections import Counter
    from collections.abc import Callable, Mapping, Sequence

    from singer_sdk.helpers.capabilities import CapabilitiesEnum
    from singer_sdk.mapper import PluginMapper, StreamMap
    from singer_sdk.plugin_base import _ConfigInput

_MAP_ERRORS = (StreamMapConfigError, MapExpressionError, ConfigValidationError)
# What an expression of the person who wrote the map can raise on a value that he did not think of.
_EXPRESSION_ERRORS = (
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)


class SingerRecordBeforeSchemaError(RecordBeforeSchemaError, RecordsWithoutSchemaException):
    """Our error, as the SDK's own callers and tests know it."""


class SingerMissingKeyError(MissingKeyError, MissingKeyPropertiesError):
    """Our error, as the SDK's own callers and tests know it."""


_SINGER_ERRORS: dict[type[MessageError], type[MessageError]] = {
    RecordBeforeSchemaError: SingerRecordBeforeSchemaError,
    MissingKeyError: SingerMissingKeyError,
}


class SingerMap:
    """A stream map of the SDK whose failure says which setting to correct."""

    def __init__(self, stream_map: StreamMap) -> None:
        """Wrap it."""
        self.stream_alias = stream_map.stream_alias
        self.transformed_schema = stream_map.transformed_schema
        self.transformed_key_properties = stream_map.transformed_key_properties
        self._transform = stream_map.transform

    def transform(self, record: dict[str, Any]) -> dict[str, Any] | None:
        """Rewrite a record; None leaves it out."""
        try:
            return self._transform(record)
        except MapExpressionError as error:
            raise _map_error(self.stream_alias, error) from error
        except _EXPRESSION_ERRORS as error:
            # Its text may hold a value out of the record.
            raise ConfigurationError(
                f"stream_maps of stream {self.stream_alias!r}: an expression raised {type(error).__name__} on a record."
            ) from error


class SingerMaps:
    """Makes the maps that `stream_maps` and `flattening_*` ask for."""

    def __init__(self, mapper: PluginMapper) -> None:
        """Use the SDK's mapper."""
        self._mapper = mapper

    def __call__(
        self, stream: str, schema: dict[str, Any], key_properties: Sequence[str]
    ) -> list[SingerMap]:
        """Return the maps of a stream."""
        try:
            self._mapper.register_raw_stream_schema(stream, schema, list(key_properties))
        except _MAP_ERRORS as error:
            raise _map_error(stream, error) from error
        return [SingerMap(each) for each in self._mapper.stream_maps[stream]]


def _map_error(stream: str, error: Exception) -> ConfigurationError:
    return ConfigurationError(f"stream_maps of stream {stream!r}: {error}")


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

    @property
    def default_input(self) -> IO[bytes]:
        """Standard input, as bytes."""
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
        with stop_signal() as stop:
            loader = Loader(
                self._settings,
                open_store(self._settings, version=self._version),
                acknowledge=_print_state,
                logger=self._logger,
                wake=stop.wake,
            )
            router = Router(
                loader,
                self._logger,
                validate=self._settings.validate_records,
                make_maps=SingerMaps(self._mapper) if self._settings.maps_records else None,
            )
            try:
                self._read(Intake(file_input or self.default_input, stop), stop, router, loader)
                loader.store_all("signal" if stop.received else "end")
            except MessageError as error:
                self._store_before(error, loader)
                singer = _SINGER_ERRORS.get(type(error))
                if singer is None:
                    raise
                raise singer(error.reason, line=error.line, stream=error.stream) from error
            except ConfigurationError as error:
                self._store_before(error, loader)
                raise
            finally:
                loader.close()
                self._summarize(loader)
        if stop.received is not None:
            raise Interrupted(stop.received)
        return router.counts

    @staticmethod
    def _read(intake: Intake, stop: StopSignal, router: Router, loader: Loader) -> None:
        for line in intake.lines(loader.seconds_left):
            if line is not None:
                router.line(line)
            loader.look()
        if stop.received is None:
            router.last_line(intake.tail)

    def _store_before(self, error: TargetError, loader: Loader) -> None:
        try:
            loader.store_all("error")
        except TargetError:
            # The store's error goes up; the one that came first must not get lost behind it.
            self._logger.critical("%s", error)
            raise

    def _summarize(self, loader: Loader) -> None:
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
    output = getattr(sys.stdout, "buffer", None)
    try:
        if output is None:
            sys.stdout.write(f"{value.decode()}\n")
        else:
            output.write(b"%b\n" % value)
        sys.stdout.flush()
    except OSError as error:
        raise OutputError(
            f"Cannot print STATE to standard output: {error.strerror}. The rows are stored, but not acknowledged: the next run sends them again."
        ) from error


class TargetS3Jsonl(Target):
    """Singer target that writes JSONL objects to S3 or a folder and acknowledges only what is stored."""

    name = "target-s3-jsonl"
    package_name = "durable-target-s3-jsonl"
    config_jsonschema = config_jsonschema()
    capabilities: ClassVar[list[CapabilitiesEnum]] = [
        PluginCapabilities.ABOUT,
        PluginCapabilities.STREAM_MAPS,
        PluginCapabilities.FLATTENING,
        PluginCapabilities.STRUCTURED_LOGGING,
        TargetCapabilities.VALIDATE_RECORDS,
    ]

    def __init__(
        self,
        *,
        config: dict[str, Any] | None = None,
        parse_env_config: bool = False,
        validate_config: bool = True,
    ) -> None:
        """Check the settings.

        Raises:
            ConfigurationError: A setting is unknown, or contradicts another one.
            ConfigValidationError: A setting has the wrong type (from the SDK).
        """
        refuse_secrets_of_other_types(config or {})
        super().__init__(
            config=config,
            parse_env_config=parse_env_config,
            validate_config=validate_config,
            setup_mapper=False,
        )
        settings = Settings.from_config(self.config)
        try:
            self.setup_mapper()
        except _MAP_ERRORS as error:
            raise ConfigurationError(f"stream_maps: {error}") from error
        self.message_reader = MessageLoop(settings, self.mapper, self.logger, self.plugin_version)

    def _setup_signal_handlers(self) -> None:
        """Leave the signals alone: the SDK's handler stores inside the handler and exits 0."""

    @classmethod
    def append_builtin_config(cls, config_jsonschema: dict[str, Any]) -> None:
        """Add nothing: the settings of the SDK that this target honours are declared with its own."""

    @classmethod
    def invoke(  # type: ignore[override]  # as the SDK's own Target does
        cls,
        *,
        about: bool = False,
        about_format: str | None = None,
        config: _ConfigInput | None = None,
        file_input: IO[str] | None = None,
    ) -> None:
        """Run; an error of ours is one line on standard error and an exit code, without a traceback."""
        try:
            super().invoke(
                about=about, about_format=about_format, config=config, file_input=file_input
            )
        except TargetError as error:
            cls.logger.critical("%s", error)
            _exit(error)


def _exit(error: TargetError) -> NoReturn:
    if isinstance(error, OutputError):
        # Python flushes standard output once more at its end, and would fail again with an exit code of its own.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(error.exit_code)
