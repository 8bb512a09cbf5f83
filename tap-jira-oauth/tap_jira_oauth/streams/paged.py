"""What the streams share that keep their own bookmark, page by page."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from tap_jira_oauth.streams.quiet import QuietStream

if TYPE_CHECKING:
    from collections.abc import Mapping

    from singer_sdk.helpers.types import Context


class PagedStream(QuietStream):
    """A stream whose state is moved and printed by its pages, and not by the SDK's count of records."""

    STATE_MSG_FREQUENCY = sys.maxsize
    is_sorted = True
    # A look-back shows rows again, which the SDK would call unsorted.
    check_sorted = False

    def write_state(self) -> None:
        """Print STATE, also where no record came since the last one."""
        self.state_manager.is_flushed = False
        self._write_state_message()

    # What the SDK would add to the state on its own account.

    @override
    def _increment_stream_state(
        self, latest_record: Mapping[str, Any], *, context: Context | None = None
    ) -> None:
        """Leave the bookmark alone: it moves page by page."""

    @override
    def _write_starting_replication_value(self, context: Context | None) -> None:
        """Write none: the starting value is the bookmark itself."""

    @override
    def get_replication_key_signpost(self, context: Context | None = None) -> None:
        """Return none: the server's clock, not this machine's, bounds the bookmark."""
