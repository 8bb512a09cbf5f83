"""Jira's datetimes: milliseconds since 1970 in UTC inside, `2024-01-02T03:04:05.678+0000` outside.

The offset of a rendered datetime is the *viewer's*, without a colon (real servers differ only in whose zone it is).
"""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

DATETIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d{4}")
_LITERAL: Final = re.compile(r"\d{4}([-/])\d{1,2}\1\d{1,2}( \d{1,2}:\d\d)?", re.ASCII)
_EPOCH_MS: Final = re.compile(r"-?\d{1,17}", re.ASCII)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)


def to_ms(moment: datetime) -> int:
    """Milliseconds since 1970 of an aware datetime, without a detour over floats."""
    gap = moment - _EPOCH
    return (gap.days * 86_400 + gap.seconds) * 1000 + gap.microseconds // 1000


def parse(text: str) -> int:
    """Milliseconds of a datetime as Jira prints it; ValueError for any other text."""
    if not DATETIME.fullmatch(text):
        raise ValueError(f"not a Jira datetime: {text!r}")
    # Python 3.10 wants a colon in the offset; strptime would take ten times as long.
    return to_ms(datetime.fromisoformat(f"{text[:-2]}:{text[-2:]}"))


def render(ms: int, zone: ZoneInfo | timezone = timezone.utc) -> str:
    """The datetime as Jira shows it to a viewer in `zone`."""
    # A third of the time of strftime, and an issue shows a dozen moments; the offset is `+hh:mm` here.
    text = datetime.fromtimestamp(ms // 1000, zone).isoformat()
    return f"{text[:19]}.{ms % 1000:03d}{text[19:22]}{text[23:25]}"


def read_literal(text: str, zone: ZoneInfo | timezone, *, epoch: bool = True) -> int:
    """Milliseconds of a JQL date literal: epoch milliseconds, or a minute or a day in the asking user's zone.

    A local time that a change of the clocks repeats means its first occurrence, one that it skips the moment as far
    after the change, as the newer of Java's two calendars reads them. Without `epoch` a number is no date. Seconds and anything
    else are a ValueError: Jira has minute precision.
    """
    if epoch and _EPOCH_MS.fullmatch(text):
        return int(text)
    match = _LITERAL.fullmatch(text)
    if match:
        day = "%Y{0}%m{0}%d".format(match[1])
        shape = f"{day} %H:%M" if match[2] else day
        return to_ms(datetime.strptime(text, shape).replace(tzinfo=zone))
    raise ValueError(f"not a JQL date: {text!r}")
