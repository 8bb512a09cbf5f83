"""Whether a value is what the schema says, and what is made of it if it nearly is. Pure.

Jira's declared types lie: plug-ins fill "number" with texts. A value is judged by the first byte of
its JSON text where that suffices. It is converted only where nothing of it is lost: a number in
quotes, a moment in another offset, a sprint in Java's spelling; never a moment without a zone.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from tap_jira_oauth.errors import AnswerError
from tap_jira_oauth.sprint import PREFIX, parse_sprint

if TYPE_CHECKING:
    from collections.abc import Mapping

Convert = Callable[[msgspec.Raw], Any]
"""Returns the value to print, which is the value itself if it is fine as it is.

Raises MisfitError for a value that would have to be changed beyond recognition.
"""

_BEGINNINGS = {
    "string": b'"',
    "number": b"-0123456789",
    "integer": b"-0123456789",
    "object": b"{",
    "array": b"[",
    "boolean": b"tf",
    "null": b"n",
}
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?", re.ASCII)
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)", re.ASCII)
_DIGITS = 15
"""As many as every reader of JSON numbers keeps; a longer number in quotes stays a text."""
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_DATE_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}(?:\.[0-9]{3})?"
    r"(?:Z|[+-][0-9]{2}:?[0-9]{2})",
    re.ASCII,
)
_SECONDS = len("2026-01-02T03:04:05")
_text = msgspec.json.Decoder(str)
_items = msgspec.json.Decoder(list[msgspec.Raw])


class MisfitError(Exception):
    """A value is not of its declared type, and cannot become so without loss."""


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
        self.fine = bytes(byte for byte in allowed if byte not in closer)

    @property
    def allows_all(self) -> bool:
        """Tell whether any JSON value is fine."""
        return set(self.fine) == set(b"".join(_BEGINNINGS.values()))

    @property
    def is_list(self) -> bool:
        """Tell whether an array is fine if its items are."""
        return self._items is not None and "array" in self._kinds

    def convert(self, value: msgspec.Raw) -> Any:
        """Return a value as the schema wants it; the very same one if it is so already.

        Raises:
            MisfitError: it is something else.
        """
        first = bytes(value)[0]
        if first in self.fine:
            return value
        if first in b'"':
            return self._of_text(value)
        if first in b"[" and self._items and self.is_list:
            return self._of_items(value, self._items)
        if first in _BEGINNINGS["number"] and "integer" in self._kinds:
            number = Decimal(bytes(value).decode())
            if number == number.to_integral_value():  # `1.0` is an integer in JSON Schema
                return value
        raise MisfitError

    def _is_number(self, text: str) -> bool:
        return bool(
            ("number" in self._kinds and _NUMBER.fullmatch(text))
            or ("integer" in self._kinds and _INTEGER.fullmatch(text))
        )

    def _of_text(self, value: msgspec.Raw) -> Any:
        text = _text.decode(value)
        if "string" in self._kinds:
            return self._moment(value, text)
        if self._is_number(text) and sum(map(str.isdigit, text)) <= _DIGITS:
            return msgspec.Raw(text.encode())
        if "object" in self._kinds and text.startswith(PREFIX):
            sprint = parse_sprint(text)
            if sprint is not None:
                return sprint
        raise MisfitError

    def _moment(self, value: msgspec.Raw, text: str) -> Any:
        """Hold a text against its format."""
        try:
            if self._format == "date" and _DATE.fullmatch(text):
                date.fromisoformat(text)
                return value
            if self._format == "date-time" and _DATE_TIME.fullmatch(text):
                datetime.fromisoformat(text[:_SECONDS])
                return self._to_utc(text)
        except (AnswerError, ValueError, OverflowError) as error:
            raise MisfitError from error
        raise MisfitError

    def _of_items(self, value: msgspec.Raw, rule: Rule) -> Any:
        items = _items.decode(value)
        fine = rule.fine
        # Nearly always all of them are, and a loop is cheaper than a call for each.
        for item in items:
            if bytes(item)[0] not in fine:
                break
        else:
            return value
        made = [rule.convert(item) for item in items]
        return value if all(new is old for new, old in zip(made, items, strict=True)) else made
