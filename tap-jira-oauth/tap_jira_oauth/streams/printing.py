"""Records to standard output without the SDK, where it would print the same bytes."""

from __future__ import annotations

import functools
import sys
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from singer_sdk.mapper import SameRecordTransform

from tap_jira_oauth.fields import plain, record_lines
from tap_jira_oauth.streams.quiet import QuietStream

if TYPE_CHECKING:
    from collections.abc import Sequence

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


class PrintingStream(QuietStream):
    """A stream that prints many records at once, by the SDK only where it may change one."""

    def write(self, records: Sequence[dict[str, Any]]) -> None:
        """Print records, whose values may be JSON text."""
        if not self.prints_as_they_are:
            for each in map(plain, records):
                self._write_record_message(each)
            return
        name, now = self.stream_maps[0].stream_alias, datetime.now(timezone.utc)
        sys.stdout.buffer.write(record_lines(name, records, now))
        sys.stdout.buffer.flush()
        self.state_manager.is_flushed = False

    @functools.cached_property
    def prints_as_they_are(self) -> bool:
        """Tell whether every record is printed with all its values, and without the SDK."""
        return all(self.mask.values()) and printed_as_they_are(self)
