"""JQL text to tokens: quotation marks, escapes, symbols, and the words that JQL reserves. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final


class JqlError(ValueError):
    """The query cannot be answered; the text is what Jira puts into `errorMessages`."""


_WORDS: Final = """
abort access add after alias all alter and any as asc audit avg before begin between boolean break
by byte catch cf char character check checkpoint collate collation column commit connect continue
count create current date decimal declare decrement default defaults define delete delimiter desc
difference distinct divide do double drop else empty encoding end equals escape exclusive exec
execute exists explain false fetch file field first float for from function go goto grant greater
group having identified if immediate in increment index initial inner inout input insert int
integer intersect intersection into is isempty isnull join last left less like limit lock long max
min minus mode modify modulo more multiply next noaudit not notin nowait null number object of on
option or order outer output power previous prior privileges public raise raw remainder rename
resource return returns revoke right row rowid rownum rows select session set share size sqrt
start strict string subtract sum synonym table then to trans transaction trigger true uid union
unique unlock update user validate values view when whenever where while with
"""
RESERVED: Final = frozenset(_WORDS.split())
"""Words that JQL wants quoted wherever a name or a value stands."""

_TOKEN: Final = re.compile(
    r"""
      (?P<space>\s+)
    | (?P<quoted>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    | (?P<symbol>!=|<=|>=|!~|&&|\|\||[=<>()~,!&|])
    | (?P<word>[^\s"'=<>!&|~(),;?*/%^$\#@\[\]{}+`\\]+)
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE: Final = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPES: Final = {'"': '"', "'": "'", "\\": "\\", " ": " ", "n": "\n", "r": "\r", "t": "\t"}


@dataclass(frozen=True)
class Token:
    """A piece of the query; the last one is of the kind `end`."""

    kind: str
    text: str
    start: int

    def keyword(self) -> str:
        """The lower-case word, symbols as they are, nothing for quoted text."""
        return "" if self.kind == "quoted" else self.text.lower()


def _unescape(match: re.Match[str]) -> str:
    code = match[1]
    if code[0] == "u" and len(code) == 5:
        return chr(int(code[1:], 16))
    if code not in _ESCAPES:
        raise JqlError(f"Error in the JQL Query: '\\{code}' is an illegal JQL escape sequence.")
    return _ESCAPES[code]


def tokens(text: str) -> list[Token]:
    """The tokens in order; JqlError for a character or an escape that JQL does not have."""
    found: list[Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise JqlError(
                f"Error in the JQL Query: The character '{text[at]}' must be surrounded in quotation marks or escaped. {position(text, at)}"
            )
        kind = match.lastgroup or ""
        if kind == "quoted":
            found.append(Token(kind, _ESCAPE.sub(_unescape, match[0][1:-1]), at))
        elif kind != "space":
            found.append(Token(kind, match[0], at))
        at = match.end()
    return [*found, Token("end", "", len(text))]


def position(text: str, at: int) -> str:
    """Line and character as error messages name them, counted from one."""
    before = text[:at].split("\n")
    return f"(line {len(before)}, character {len(before[-1]) + 1})"
