"""Datetimes and keys as JQL text, and Jira's datetimes back as numbers.

All times in the tap are UTC epoch milliseconds. In JQL they are written as unquoted epoch
milliseconds, which Jira reads without a time zone; its quoted literals are read in the profile
zone of the user who searches, to the minute, and twice a year are ambiguous.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

from tap_jira_oauth.errors import AnswerError

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_QUOTED = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*\"""", re.DOTALL)
_ORDER_BY = re.compile(r"\border\s+by\b", re.IGNORECASE)
_OFFSET_WITHOUT_COLON = re.compile(r"([+-]\d\d)(\d\d)$")


def window_jql(project_key: str, since: int | None, condition: str | None) -> str:
    """Return the query of one window: a project, from `since` (epoch ms) on, oldest change first.

    There is no upper bound on purpose: a bound shifts rows out of the window while it is read.
    The second sort key makes the order of equal times stable.
    """
    return f"{restriction(project_key, since, condition)} ORDER BY updated ASC, key ASC"


def restriction(project_key: str, since: int | None, condition: str | None) -> str:
    """Return what a window's query selects, without its order; for counting."""
    clauses = [f"project = {quote(project_key)}"]
    if since is not None:
        clauses.append(f"updated >= {since}")
    if condition:
        clauses.append(f"({condition})")
    return " AND ".join(clauses)


def quote(text: str) -> str:
    """Return a JQL string literal; keys such as `ORDER` or `TO` are reserved words unquoted."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def has_order_by(condition: str) -> bool:
    """Tell whether a condition brings its own ORDER BY, outside of quoted text."""
    return bool(_ORDER_BY.search(_QUOTED.sub("''", condition)))


def parse_datetime(text: str) -> int:
    """Return the epoch milliseconds of a Jira datetime such as `2024-01-02T03:04:05.678-0500`.

    The offset is the viewer's and changes within one page over a DST change, so texts must never
    be compared as texts.

    Raises:
        AnswerError: the text is no datetime.
    """
    iso = _OFFSET_WITHOUT_COLON.sub(r"\1:\2", re.sub(r"[zZ]$", "+00:00", text))
    try:
        moment = datetime.fromisoformat(iso)
        return (moment - _EPOCH) // timedelta(milliseconds=1)
    except (TypeError, ValueError) as error:
        raise AnswerError(f"Jira sent '{text}' where a date with a time is due.") from error


def format_datetime(moment: int) -> str:
    """Return RFC 3339 in UTC with milliseconds, such as `2026-01-02T03:04:05.678Z`."""
    instant = _EPOCH + timedelta(milliseconds=moment)
    return f"{instant:%Y-%m-%dT%H:%M:%S}.{instant.microsecond // 1000:03d}Z"
