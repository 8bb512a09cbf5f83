"""Keeps secrets out of everything that is logged: the known values, and what looks like one.

The last line of defence. Our own messages name no secret; libraries below print headers at DEBUG,
and a server may repeat in an error what it was sent.
"""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterable

SHORTEST = 4
"""A shorter value would be found in every other word, and is no secret."""

HIDDEN = "***"

_SHAPES = (
    (re.compile(r"(?i)(authorization\W{1,8}(?:basic|bearer|oauth)\s+)[^\r\n]+"), rf"\1{HIDDEN}"),
    (re.compile(r"\b(Bearer\s+)[\w+/=.~-]{8,}"), rf"\1{HIDDEN}"),
    (
        re.compile(
            r"\b((?:oauth_(?:signature|signature_base_string|token|token_secret|verifier|"
            r"session_handle)|access_token|refresh_token|client_secret|code_verifier|password)"
            r"['\"]?\s*[=:]\s*['\"]?)[^&\"'\s,]+"
        ),
        rf"\1{HIDDEN}",
    ),
    (re.compile(r"\b(?:GET|POST)(?:&|%26)https?%(?:25)?3A[^\s\"']+"), HIDDEN),
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END[^\n]*|$)", re.DOTALL), HIDDEN),
    (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), HIDDEN),
)
"""Headers, form and JSON values of sign-ins, OAuth's signature base string, keys, e-mail addresses."""


class Redaction:
    """The secrets of this process, and a text without them."""

    def __init__(self) -> None:
        """Know no secret yet."""
        self._known: tuple[str, ...] = ()

    def learn(self, *values: str | None) -> None:
        """Remember values that must never be seen, also as URLs and with several lines."""
        spelled = {
            spelling
            for value in values
            for line in (value or "").replace("\\n", "\n").splitlines()
            for spelling in (line.strip(), quote(line.strip(), safe=""))
            if len(spelling) >= SHORTEST and not spelling.startswith("-----")
        }
        # Longest first: a value may be a part of another one.
        self._known = tuple(sorted({*self._known, *spelled}, key=len, reverse=True))

    def hide(self, text: str) -> str:
        """Return the text with every secret replaced."""
        for value in self._known:
            text = text.replace(value, HIDDEN)
        for shape, replacement in _SHAPES:
            text = shape.sub(replacement, text)
        return text


REDACTION = Redaction()
"""Of this process: logging is one for the whole process, too."""


class RedactingFormatter(logging.Formatter):
    """Formats as another formatter does, and hides secrets in the whole text, tracebacks included."""

    def __init__(self, inner: logging.Formatter, redaction: Redaction) -> None:
        """Wrap a formatter."""
        super().__init__()
        self._inner = inner
        self._redaction = redaction

    def format(self, record: logging.LogRecord) -> str:
        """Return the line to print."""
        return self._redaction.hide(self._inner.format(record))


def guard(handlers: Iterable[logging.Handler], redaction: Redaction = REDACTION) -> None:
    """Let handlers print nothing secret."""
    for handler in handlers:
        inner = handler.formatter or logging.Formatter()
        if not isinstance(inner, RedactingFormatter):
            handler.setFormatter(RedactingFormatter(inner, redaction))


def quieten(*names: str) -> None:
    """Switch off what libraries say at DEBUG and INFO, where they print what they sign and read."""
    for name in names:
        logging.getLogger(name).setLevel(logging.WARNING)
