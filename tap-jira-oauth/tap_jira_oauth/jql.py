"""Datetimes and keys as JQL text, and Jira's datetimes back as numbers.

All times in the tap are UTC epoch milliseconds. In JQL they are written as unquoted epoch
milliseconds, which Jira reads without a time zone; its quoted literals are read in the profile
zone of the user who searches, to the minute, and twice a year are ambiguous.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Protocol

from tap_jira_oauth.errors import AnswerError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from zoneinfo import ZoneInfo

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_NAIVE_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - UTC, without the cost of saying so
_MILLISECOND = timedelta(milliseconds=1)
_QUOTED = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*\"""", re.DOTALL)
_ORDER_BY = re.compile(r"\border\s+by\b", re.IGNORECASE)
_WHOLE_HOURS = re.compile(
    # The day of a month that every month has, the hour, the rest; hours of the offset.
    r"(\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T)([01]\d|2[0-3])(:[0-5]\d:[0-5]\d\.\d{3})"
    r"(?:Z|([+-]\d\d)00)",
    re.ASCII,
)


class Literal(Protocol):
    """Writes a moment (epoch ms, UTC) as a JQL literal, never later than the moment itself, or with `late` never earlier."""

    def __call__(self, moment: int, *, late: bool = False) -> str:
        """Return the literal."""


def epoch_literal(moment: int, *, late: bool = False) -> str:  # noqa: ARG001 - it is exact
    """Return a moment as Jira reads it without any time zone."""
    return str(moment)


def zone_literal(zone: ZoneInfo) -> Literal:
    """Return how to write moments for a Jira that does not read epoch milliseconds.

    A quoted literal is read in the zone of the user's profile, to the minute. When clocks are set
    back, one hour of local time comes twice, and it is not said which one Jira takes: a moment in
    it is written as the minute before that hour, or as the one after it.
    """

    def literal(moment: int, *, late: bool = False) -> str:
        minute = -(-moment // 60_000) if late else moment // 60_000
        local = datetime.fromtimestamp(minute * 60, zone)
        while local.utcoffset() != local.replace(fold=1 - local.fold).utcoffset():
            minute += 1 if late else -1
            local = datetime.fromtimestamp(minute * 60, zone)
        return f'"{local:%Y-%m-%d %H:%M}"'

    return literal


def window_jql(  # noqa: PLR0913 - a query has so many parts
    project_key: str,
    condition: str | None = None,
    *,
    since: int | None,
    before: int | None = None,
    after: str | None = None,
    literal: Literal = epoch_literal,
) -> str:
    """Return the query of one window; its parts are those of `window.Window`.

    By time it has no upper bound on purpose: a bound shifts rows out of the window while it is
    read. The second sort key makes the order of equal times stable. By key, where `after` is set,
    it is for times that more rows share than Jira gives out of one search.
    """
    chosen = restriction(
        project_key, condition, since=since, before=before, after=after, literal=literal
    )
    return f"{chosen} ORDER BY {'updated ASC, key ASC' if after is None else 'key ASC'}"


def restriction(  # noqa: PLR0913 - a query has so many parts
    project_key: str,
    condition: str | None = None,
    *,
    since: int | None,
    before: int | None = None,
    after: str | None = None,
    literal: Literal = epoch_literal,
) -> str:
    """Return what a window's query selects, without its order; for counting."""
    clauses = [f"project = {quote(project_key)}"]
    if since is not None:
        clauses.append(f"updated >= {literal(since)}")
    if before is not None:
        clauses.append(f"updated < {literal(before, late=True)}")
    if after:
        clauses.append(f"key >= {quote(after)}")
    if condition:
        clauses.append(f"({condition})")
    return " AND ".join(clauses)


def by_key_jql(project_key: str, begin: str | None) -> str:
    """Return the query of a project's issues in the order of keys, from the key `begin` on."""
    clause = f" AND key >= {quote(begin)}" if begin else ""
    return f"project = {quote(project_key)}{clause} ORDER BY key ASC"


def of_ids_jql(ids: Iterable[int], condition: str | None = None) -> str:
    """Return the query of the issues with these ids, if they meet a condition."""
    chosen = f"id in ({', '.join(map(str, ids))})"
    return f"{chosen} AND ({condition})" if condition else chosen


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
    try:
        if text[-5] in "+-":
            iso = f"{text[:-2]}:{text[-2:]}"
        else:
            iso = f"{text[:-1]}+00:00" if text[-1] in "Zz" else text
        return (datetime.fromisoformat(iso) - _EPOCH) // _MILLISECOND
    except (IndexError, TypeError, ValueError) as error:
        raise AnswerError(f"Jira sent '{text}' where a date with a time is due.") from error


def format_datetime(moment: int) -> str:
    """Return RFC 3339 in UTC with milliseconds, such as `2026-01-02T03:04:05.678Z`."""
    instant = _NAIVE_EPOCH + timedelta(milliseconds=moment)
    return f"{instant.isoformat(timespec='milliseconds')}Z"


def in_utc(text: str) -> str:
    """Return a Jira datetime as RFC 3339 in UTC.

    Raises:
        AnswerError: the text is no datetime.
    """
    if parts := _WHOLE_HOURS.fullmatch(text):
        day, hour, rest, offset = parts.groups("0")
        there = int(hour) - int(offset)
        if 0 <= there <= 23:  # noqa: PLR2004 - the same day, a third of the cost of dates
            return f"{day}{there:02}{rest}Z"
    return format_datetime(parse_datetime(text))
