"""Every way a run can end early, sorted by who has to act.

```
TargetError                exit code 1
├── ConfigurationError     the person who wrote the settings
├── MessageError           whoever maintains the tap: a line breaks the Singer protocol
│   ├── RecordBeforeSchemaError
│   └── RecordError        one record cannot be stored as it should; `on_invalid_record` says what then
│       └── MissingKeyError
├── SpoolError             the local disk
├── StoreError             the destination: permissions, network, a missing bucket
│   └── ConflictError      another object of the same name is there
├── GlueError              the Glue Data Catalog: permissions, network
├── OutputError            nobody reads the STATE lines
└── Interrupted            nobody: SIGTERM (exit code 143) or SIGINT (130)
```

Each message is one sentence or two for the person who must act. No message holds a value out of a
record, a token or a key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import signal


class TargetError(Exception):
    """Root of the tree. `exit_code` is what the process ends with."""

    exit_code = 1


class ConfigurationError(TargetError):
    """A setting is wrong, contradicts another one, or is not known."""


class MessageError(TargetError):
    """A line of the input cannot be honoured.

    Pure modules raise it with the reason alone; the loop knows the place and fills in `line`
    (1-based) and `stream`.
    """

    def __init__(self, reason: str, *, line: int | None = None, stream: str | None = None) -> None:
        """Keep the reason and, where known, the place."""
        super().__init__(reason)
        self.reason = reason
        self.line = line
        self.stream = stream

    def __str__(self) -> str:
        """Return `Line 12, stream 'issues': reason`."""
        place = [
            *([f"line {self.line}"] if self.line is not None else []),
            *([f"stream {self.stream!r}"] if self.stream is not None else []),
        ]
        return f"Input {', '.join(place)}: {self.reason}" if place else self.reason


class RecordBeforeSchemaError(MessageError):
    """A RECORD came before its stream's SCHEMA."""


class RecordError(MessageError):
    """One record cannot be stored where and as it should."""


class MissingKeyError(RecordError):
    """A record lacks a key property."""


class SpoolError(TargetError):
    """The spool file on the local disk could not be written or read."""


class StoreError(TargetError):
    """The destination did not take an object."""


class ConflictError(StoreError):
    """The object's name is taken by other content; it was left as it is."""


class GlueError(TargetError):
    """The Glue Data Catalog did not take a table."""


class OutputError(TargetError):
    """Standard output, where STATE goes, is closed or full."""


class Interrupted(TargetError):  # noqa: N818 - it is not an error of anybody
    """A signal ended the run in good order."""

    def __init__(self, signum: signal.Signals) -> None:
        """Take the signal that ended the run; shells expect 128 + its number."""
        super().__init__(
            f"Stopped by {signum.name}: what had been read is stored, "
            "and the next run continues from the last STATE printed."
        )
        self.exit_code = 128 + signum
