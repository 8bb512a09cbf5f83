"""Every way this backend can fail, sorted by who has to act.

```
StateBackendError
├── ConfigurationError   the person who wrote the settings, the table's policy, or a date by hand
├── TableError           DynamoDB does not answer as it should: network, throttling
├── StateHeldError       nobody, or who started a second run: another one holds the state
├── LostLockError        who let the machine stall: another process holds the state by now
└── UnreadableStateError what is stored is incomplete, or of a newer version of this package
```

Each message is one sentence or two for the person who must act, and an exception's only argument:
Meltano prints `args[0]`. None holds a state or a key.
"""

from __future__ import annotations


class StateBackendError(Exception):
    """Root of the tree."""


class ConfigurationError(StateBackendError):
    """A setting, a right, the table's keys or a date in the table is wrong."""


class TableError(StateBackendError):
    """DynamoDB could not be asked, or did not do as asked."""


class StateHeldError(StateBackendError):
    """Another process holds the lock, and is alive."""


class LostLockError(StateBackendError):
    """The lock was ours and is not any more; nothing was written."""


class UnreadableStateError(StateBackendError):
    """What is stored is no state that this version can read."""
