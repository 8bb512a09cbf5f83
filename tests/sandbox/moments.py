"""Moments in JQL that depend on now: `-5m`, `"4w 2d"`, `now()`, `startOfDay("-1d")`. Pure; now is a parameter.

Periods without a function count weeks, days, hours and minutes from now, and lie in the future without a minus. A
function takes one argument, `[+-]n` with `y`, `M`, `w`, `d`, `h`, `m` or, without a letter, in the function's own unit.
Weeks begin on Sunday, as for a Jira user whose language is en_US.
"""

from __future__ import annotations

import calendar
import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from sandbox import times
from sandbox.lexer import JqlError

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

_PERIOD: Final = re.compile(r"[+-]?\d{1,6}[wdhm]( \d{1,6}[wdhm])*", re.ASCII)
_PART: Final = re.compile(r"(\d+)([wdhm])", re.ASCII)
_SHIFT: Final = re.compile(r"([+-]?\d{1,6})([yMwdhm]?)", re.ASCII)
_MINUTES: Final = {"m": 1, "h": 60, "d": 1440, "w": 10_080}
_UNITS: Final = {"day": "d", "week": "w", "month": "M", "year": "y"}
_NOW: Final = "now"
NAMES: Final = frozenset([_NOW, *(edge + unit for edge in ("startof", "endof") for unit in _UNITS)])
"""The functions, in lower case: JQL does not mind how they are written."""


def is_period(text: str) -> bool:
    """Whether a value counts from now."""
    return _PERIOD.fullmatch(text) is not None


def period(text: str, now_ms: int) -> int:
    """Milliseconds of `-5m` or `4w 2d`, as `is_period` accepts them."""
    minutes = sum(int(count) * _MINUTES[unit] for count, unit in _PART.findall(text))
    return now_ms + (-minutes if text.startswith("-") else minutes) * 60_000


def call(name: str, arguments: tuple[str, ...], zone: ZoneInfo, now_ms: int) -> int:
    """Milliseconds of a function in the asking user's zone; JqlError when it does not exist or takes other arguments."""
    function = name.lower()
    if function not in NAMES:
        raise JqlError(f"Unable to find JQL function '{name}({', '.join(arguments)})'.")
    if function == _NOW:
        if arguments:
            raise JqlError(
                f"Function '{name}' expected '0' arguments but received '{len(arguments)}'."
            )
        return now_ms
    if len(arguments) > 1:
        raise JqlError(
            f"Function '{name}' expected between '0' and '1' arguments but received '{len(arguments)}'."
        )
    start = function.startswith("startof")
    unit = _UNITS[function.removeprefix("startof").removeprefix("endof")]
    count, shift_unit = _shift_of(name, arguments[0], unit) if arguments else (0, unit)
    now = datetime.fromtimestamp(now_ms / 1000, zone).replace(tzinfo=None)
    # In its own unit a shift comes first, so that endOfMonth("-1") is the end of a month however long it is.
    own = shift_unit == unit
    day = _first_day(_shifted(now, count, unit) if own else now, unit)
    edge = day if start else _shifted(day, 1, unit) - timedelta(milliseconds=1)
    local = edge if own else _shifted(edge, count, shift_unit)
    return times.to_ms(local.replace(tzinfo=zone))


def _shift_of(name: str, text: str, unit: str) -> tuple[int, str]:
    match = _SHIFT.fullmatch(text)
    if match is None:
        raise JqlError(
            f"Duration '{text}' for function '{name}' is invalid. It should have a format of (+/-)nn(y|M|w|d|h|m), such as '-1d'."
        )
    return int(match[1]), match[2] or unit


def _first_day(moment: datetime, unit: str) -> datetime:
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    if unit == "w":
        return day - timedelta(days=(day.weekday() + 1) % 7)
    if unit == "M":
        return day.replace(day=1)
    return day.replace(month=1, day=1) if unit == "y" else day


def _shifted(moment: datetime, count: int, unit: str) -> datetime:
    try:
        if unit in _MINUTES:
            return moment + timedelta(minutes=count * _MINUTES[unit])
        months = moment.year * 12 + moment.month - 1 + count * (12 if unit == "y" else 1)
        year, month = divmod(months, 12)
        last = calendar.monthrange(year, month + 1)[1]
        return moment.replace(year=year, month=month + 1, day=min(moment.day, last))
    except (OverflowError, ValueError, IndexError) as error:
        raise JqlError(f"A shift by {count}{unit} leaves the calendar.") from error
