"""Stream maps and flattening: the Singer SDK's own, with errors for the person who wrote the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from singer_sdk.exceptions import (
    ConfigValidationError,
    MapExpressionError,
    StreamMapConfigError,
)

from target_s3_jsonl.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from singer_sdk.mapper import PluginMapper, StreamMap

MAP_ERRORS = (StreamMapConfigError, MapExpressionError, ConfigValidationError)
# What an expression can raise on a value that its author did not think of, and the SDK's flattening on
# a schema or a record that it does not know.
_EXPRESSION_ERRORS = (
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)


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
                f"stream_maps of stream {self.stream_alias!r}: an expression, or flattening, raised {type(error).__name__} on a record."
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
        except MAP_ERRORS as error:
            raise _map_error(stream, error) from error
        except _EXPRESSION_ERRORS as error:
            raise ConfigurationError(
                f"stream_maps of stream {stream!r}: its SCHEMA cannot be mapped or flattened ({type(error).__name__}: {error}). "
                "Flattening needs a 'type' for each property and no two of one flattened name: "
                "correct the SCHEMA in the tap's settings, or go without flattening_enabled."
            ) from error
        return [SingerMap(each) for each in self._mapper.stream_maps[stream]]


def _map_error(stream: str, error: Exception) -> ConfigurationError:
    return ConfigurationError(f"stream_maps of stream {stream!r}: {error}")
