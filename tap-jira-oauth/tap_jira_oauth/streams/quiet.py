"""What all streams share: a record stays as Jira sent it, and an error is said once."""

from __future__ import annotations

import logging
import sys
from typing import Any

from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.streams import Stream
from typing_extensions import override

from tap_jira_oauth.errors import TapError
from tap_jira_oauth.gate import StopRequestedError


class QuietStream(Stream):
    """A stream whose errors a person can act on; the last line of the log says them."""

    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE

    @property
    @override
    def emit_activate_version_messages(self) -> bool:
        """Return False: the SDK says a version before the first record.

        A target would then remove the old rows before it has the new ones, and a run that fails
        would leave it without both. `ReferenceStream` says its version after the last one.
        """
        return False

    @override
    def log(self, message: str, *args: Any, level: int = logging.INFO, **kwargs: Any) -> None:
        """Log, except that an error a person can act on was "unhandled": it is said once, later."""
        said_later = (TapError, StopRequestedError, BrokenPipeError)
        if not isinstance(sys.exc_info()[1], said_later):
            super().log(message, *args, level=level, **kwargs)
