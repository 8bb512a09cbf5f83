"""Whether a value is what the schema says, and what is made of it if it nearly is. Pure.

Jira's declared types lie: plug-ins fill "number" with texts. A value is judged by the first byte of
its JSON text where that suffices. It is converted only where nothing of it is lost: a number in
quotes, a moment in another offset, a sprint in Java's spelling; never a moment without a zone.
"""

from __future__ import annotations

import functools
import operator
import re
from datetime import date
from decimal import Decimal
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

import msgspec

from tap_jira_oauth.errors import AnswerError
from tap_jira_oauth.sprint import PREFIX, parse_sprint

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_BEGINNINGS = {
    "string": b'"',
    "number": b"-0123456789",
    "integer": b"-0123456789",
    "object": b"{",
    "array": b"[",
    "boolean": b"tf",
    "null": b"n",
}
_NUMBER = re.compile(rb'"(-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?)"')
_INTEGER = re.compile(rb'"(-?(?:0|[1-9][0-9]*))"')
_DIGITS = 15
"""As many as every reader of JSON numbers keeps; a longer number in quotes stays a text."""
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_DATE_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}(?:\.[0-9]{3})?"
    r"(?:Z|[+-][0-9]{2}:?[0-9]{2})",
    re.ASCII,
)
_text = msgspec.json.Decoder(str)
_items = msgspec.json.Decoder(list[msgspec.Raw])


class _Anything(msgspec.Struct, gc=False):
    """An object; its members are scanned, and not looked at."""


_TYPES: dict[str, Any] = {
    "string": str,
    "number": float,
    "object": _Anything,
    "array": list[msgspec.Raw],
    "boolean": bool,
    "null": type(None),
}


class Verdict(Enum):
    """What a value is that is not converted."""

    FINE = auto()
    """Of its declared type."""
    MISFIT = auto()
    """Of another type, and it cannot become so without loss."""


FINE, MISFIT = Verdict


class Rule:
    """What one property of the schema allows.

    `fine` holds the first bytes of JSON texts that need no closer look; all others go through
    `convert`.
    """

    def __init__(self, declared: Mapping[str, Any], to_utc: Callable[[str], str]) -> None:
        """Read a property's JSON schema; `to_utc` returns a moment in UTC, or raises AnswerError."""
        kinds = declared.get("type", list(_BEGINNINGS))
        self._kinds = frozenset([kinds] if isinstance(kinds, str) else kinds)
        self._format = declared.get("format")
        self._to_utc = to_utc
        items = declared.get("items")
        self._items = Rule(items, to_utc) if items else None
        allowed = b"".join(_BEGINNINGS.get(kind, b"") for kind in self._kinds)
        closer = _BEGINNINGS["string"] if self._format in {"date", "date-time"} else b""
        if self._items and not self._items.allows_all:
            closer += _BEGINNINGS["array"]
        if "integer" in self._kinds and "number" not in self._kinds:
            closer += _BEGINNINGS["number"]
        self.is_moment = self._format == "date-time"
        self.fine = bytes(byte for byte in allowed if byte not in closer)
        quoted = {"number": _NUMBER, "integer": _INTEGER}
        self._quoted = next((quoted[kind] for kind in quoted if kind in self._kinds), None)

    def prover(self) -> Callable[[msgspec.Raw], object] | None:
        """Return what decodes an array if it is surely fine, and else raises a DecodeError.

        That takes a quarter of the time of `convert`. None where no array is sure.
        """
        items = self._items
        if items is None or not self.is_list:
            return None
        sure = [_TYPES[kind] for kind in _TYPES if set(_BEGINNINGS[kind]) <= set(items.fine)]
        if not sure:
            return None
        return msgspec.json.Decoder(list[functools.reduce(operator.or_, sure)]).decode  # type: ignore[misc]  # made at run time

    @property
    def allows_all(self) -> bool:
        """Tell whether any JSON value is fine."""
        return set(self.fine) == set(b"".join(_BEGINNINGS.values()))

    @property
    def is_list(self) -> bool:
        """Tell whether an array is fine if its items are."""
        return self._items is not None and "array" in self._kinds

    def convert(self, json: bytes) -> Any:
        """Return what becomes of a value, given as JSON text: what to print for it, or a verdict."""
        first = json[0]
        if first in self.fine:
            return FINE
        if first in b'"':
            return self._of_text(json)
        if first in b"[" and self._items and self.is_list:
            return self._of_items(json, self._items)
        if first in _BEGINNINGS["number"] and "integer" in self._kinds:
            number = Decimal(json.decode())
            if number == number.to_integral_value():  # `1.0` is an integer in JSON Schema
                return FINE
        return MISFIT

    def _of_text(self, json: bytes) -> Any:
        if "string" in self._kinds:
            return self._of_format(_text.decode(json))
        if self._quoted and (quoted := self._quoted.fullmatch(json)):
            number = quoted[1]
            if len(number) - number.count(b".") - number.count(b"-") <= _DIGITS:
                return msgspec.Raw(number)
        elif "object" in self._kinds and (text := _text.decode(json)).startswith(PREFIX):
            return parse_sprint(text) or MISFIT
        return MISFIT

    def _of_format(self, text: str) -> Any:
        try:
            if self._format == "date" and _DATE.fullmatch(text):
                date.fromisoformat(text)
                return FINE
            if self._format == "date-time" and _DATE_TIME.fullmatch(text):
                return self._to_utc(text)
        except (AnswerError, ValueError, OverflowError):
            return MISFIT
        return MISFIT

    def _of_items(self, json: bytes, rule: Rule) -> Any:
        items = _items.decode(json)
        fine = rule.fine
        # Nearly always all of them are, and a loop is cheaper than a call for each.
        for item in items:
            if bytes(item)[0] not in fine:
                break
        else:
            return FINE
        made = [rule.convert(bytes(item)) for item in items]
        if MISFIT in made:
            return MISFIT
        return [old if new is FINE else new for new, old in zip(made, items, strict=True)]
