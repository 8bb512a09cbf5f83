"""Records to standard output without the SDK, where it would print the same bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from singer_sdk.mapper import SameRecordTransform

if TYPE_CHECKING:
    from singer_sdk.streams import Stream


def printed_as_they_are(stream: Stream) -> bool:
    """Tell whether no stream map, flattening, version or limit is between a record and its line."""
    stream_maps = stream.stream_maps
    return (
        [type(each) for each in stream_maps] == [SameRecordTransform]
        and not stream_maps[0].flattening_enabled
        and stream.ABORT_AT_RECORD_COUNT is None
        and stream._stream_version is None  # noqa: SLF001 - the SDK has no other way to tell
    )
