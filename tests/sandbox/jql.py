"""JQL text to a tree: tokens, grammar, and the refusal of everything the sandbox does not know. Pure.

The grammar is Atlassian's for the part that is here: `field operator value`, AND, OR, NOT, parentheses, ORDER BY.
Functions, relative dates, text search and history operators are refused with a message, never ignored.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final


class JqlError(ValueError):
    """The query cannot be answered; the text is what Jira puts into `errorMessages`."""


@dataclass(frozen=True)
class Value:
    """A literal; a quoted one is never a keyword."""

    text: str
    quoted: bool = False


@dataclass(frozen=True)
class Empty:
    """The keyword EMPTY or NULL."""


Operand = Value | Empty


@dataclass(frozen=True)
class Clause:
    """One comparison; `in` and `not in` have several operands, every other operator has one."""

    field: str
    operator: str
    operands: tuple[Operand, ...]


@dataclass(frozen=True)
class Not:
    """Negation."""

    node: Node


@dataclass(frozen=True)
class And:
    """Every one of them."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True)
class Or:
    """At least one of them."""

    nodes: tuple[Node, ...]


Node = Clause | Not | And | Or


@dataclass(frozen=True)
class Sort:
    """One key of ORDER BY; `descending` is None where the query leaves it to the field."""

    field: str
    descending: bool | None


@dataclass(frozen=True)
class Query:
    """A whole query; `where` is None when it has no condition."""

    where: Node | None
    order: tuple[Sort, ...]


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
    | (?P<word>[^\s"'=<>!&|~(),;?*/%^$\#@\[\]{}+.`\\]+)
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE: Final = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPES: Final = {'"': '"', "'": "'", "\\": "\\", " ": " ", "n": "\n", "r": "\r", "t": "\t"}
_OPERATORS: Final = ("=", "!=", "<", "<=", ">", ">=")
_DEEPEST: Final = 100


@dataclass(frozen=True)
class _Token:
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


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise JqlError(
                f"Error in the JQL Query: The character '{text[at]}' must be surrounded in quotation marks or escaped. {_where(text, at)}"
            )
        kind = match.lastgroup or ""
        if kind == "quoted":
            found.append(_Token(kind, _ESCAPE.sub(_unescape, match[0][1:-1]), at))
        elif kind != "space":
            found.append(_Token(kind, match[0], at))
        at = match.end()
    return [*found, _Token("end", "", len(text))]


def _where(text: str, at: int) -> str:
    before = text[:at].split("\n")
    return f"(line {len(before)}, character {len(before[-1]) + 1})"


def parse(text: str) -> Query:
    """The tree of a query; JqlError says what and where it is wrong."""
    return _Parser(text).query()


class _Parser:
    """Recursive descent, one method a rule."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = _tokens(text)
        self.at = 0
        self.depth = 0

    @property
    def next(self) -> _Token:
        return self.tokens[self.at]

    def take(self) -> _Token:
        token = self.next
        self.at += token.kind != "end"
        return token

    def accept(self, *keywords: str) -> bool:
        """Whether the next token is one of the keywords or symbols, which it then takes."""
        hit = self.next.keyword() in keywords and self.next.kind != "end"
        self.at += hit
        return hit

    def refusal(self, wanted: str) -> JqlError:
        got = f"'{self.next.text}'" if self.next.kind != "end" else "the end of the query"
        return JqlError(
            f"Error in the JQL Query: Expecting {wanted} but got {got}. {_where(self.text, self.next.start)}"
        )

    def query(self) -> Query:
        where = None
        if self.next.kind != "end" and self.next.keyword() != "order":
            where = self.any_of()
        order: list[Sort] = []
        if self.accept("order"):
            if not self.accept("by"):
                raise self.refusal("'BY'")
            order.append(self.sort())
            while self.accept(","):
                order.append(self.sort())
        if self.next.kind != "end":
            raise self.refusal("'AND', 'OR' or 'ORDER BY'")
        return Query(where, tuple(order))

    def any_of(self) -> Node:
        nodes = [self.all_of()]
        while self.accept("or", "||", "|"):
            nodes.append(self.all_of())
        return nodes[0] if len(nodes) == 1 else Or(tuple(nodes))

    def all_of(self) -> Node:
        nodes = [self.term()]
        while self.accept("and", "&&", "&"):
            nodes.append(self.term())
        return nodes[0] if len(nodes) == 1 else And(tuple(nodes))

    def term(self) -> Node:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise JqlError(f"The JQL query nests deeper than {_DEEPEST} levels.")
        try:
            if self.accept("not", "!"):
                return Not(self.term())
            if self.accept("("):
                node = self.any_of()
                self.close()
                return node
            return self.clause()
        finally:
            self.depth -= 1

    def clause(self) -> Clause:
        field = self.name("a field name")
        if self.accept("is"):
            operator = "is not" if self.accept("not") else "is"
            if not self.accept("empty", "null"):
                raise self.refusal("'EMPTY' or 'NULL'")
            return Clause(field, operator, (Empty(),))
        if self.accept("in"):
            return Clause(field, "in", self.several())
        if self.accept("not"):
            if not self.accept("in"):
                raise self.refusal("'IN'")
            return Clause(field, "not in", self.several())
        for operator in _OPERATORS:
            if self.accept(operator):
                return Clause(field, operator, (self.operand(),))
        raise self.refusal("one of the operators =, !=, <, >, <=, >=, IN, NOT IN, IS, IS NOT")

    def several(self) -> tuple[Operand, ...]:
        if not self.accept("("):
            raise self.refusal("'('")
        operands = [self.operand()]
        while self.accept(","):
            operands.append(self.operand())
        self.close()
        return tuple(operands)

    def operand(self) -> Operand:
        if self.accept("empty", "null"):
            return Empty()
        quoted = self.next.kind == "quoted"
        text = self.name("a value")
        if self.next.keyword() == "(" and not quoted:
            raise JqlError(f"The function '{text}' is not one that this server knows.")
        return Value(text, quoted)

    def name(self, wanted: str) -> str:
        token = self.next
        if token.kind not in {"word", "quoted"}:
            raise self.refusal(wanted)
        if token.keyword() in RESERVED:
            raise JqlError(
                f"Error in the JQL Query: '{token.text}' is a reserved JQL word. You must surround it in quotation marks to use it in a query. {_where(self.text, token.start)}"
            )
        return self.take().text

    def sort(self) -> Sort:
        field = self.name("a field name")
        if self.accept("asc"):
            return Sort(field, descending=False)
        return Sort(field, descending=True if self.accept("desc") else None)

    def close(self) -> None:
        if not self.accept(")"):
            raise self.refusal("')'")
