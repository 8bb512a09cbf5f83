"""Every error of the tap, sorted by who does what next.

```
TapError
├── ConfigurationError    change a setting, then run again
│   └── NotFoundError     Jira itself says that it has nothing there
├── AuthenticationError   sign in again, or correct the credentials
├── AccessError           ask a Jira administrator for the permission
├── UnservedError         get what the selected streams take, or deselect them
├── UnavailableError      Jira did not answer in time; run again later, nothing is lost
├── AnswerError           Jira answered something that this tap does not understand
│   ├── BadRequestError   Jira refuses the request itself: its JQL, a field or a page's token
│   └── SearchLimitError  Jira gives out no more rows of one search
└── OutputError           nobody reads what the tap prints
```

A message names what happened, to which project or address, and what to do about it. It never
holds a token, a key, a signature base string or an e-mail address.
"""

from __future__ import annotations


class TapError(Exception):
    """Root of the tree: an error that a person can act on, printed as one line."""


class ConfigurationError(TapError):
    """A setting is missing, contradictory or malformed."""


class NotFoundError(ConfigurationError):
    """Jira, and not a proxy before it, answers 404; of one issue that it was deleted meanwhile."""


class AuthenticationError(TapError):
    """Jira did not accept who we say we are, or answered us as somebody else."""


class AccessError(TapError):
    """Jira knows who we are, and does not let us see what was asked for."""


class UnservedError(TapError):
    """This Jira, its edition or this user cannot serve streams that were selected; a line for each."""


class UnavailableError(TapError):
    """Jira is overloaded, restarting or unreachable, for longer than `max_retry_seconds`."""


class AnswerError(TapError):
    """The answer is not what Jira's documentation says; running again would not help."""


class BadRequestError(AnswerError):
    """Jira refuses what was asked, with 400; a token of a page that has expired, for one."""


class SearchLimitError(AnswerError):
    """Jira gives out no more rows of one search, 10,000 on Data Center unless somebody has set it."""


class OutputError(TapError):
    """Standard output is closed: the target has ended."""
