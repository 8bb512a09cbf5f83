"""JQL text to a tree: the grammar, and the refusal of everything the sandbox does not know. Pure.

The grammar is Atlassian's for the part that is here: `field operator value`, AND, OR, NOT, parentheses, ORDER BY.
Text search and history operators are refused with a message, never ignored.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sandbox.lexer import RESERVED, JqlError, Token, position, tokens

__all__ = [
    "And",
    "Clause",
    "Empty",
    "Function",
    "JqlError",
    "Node",
    "Not",
    "Operand",
    "Or",
    "Query",
    "Sort",
    "Value",
    "parse",
]


@dataclass(frozen=True)
class Value:
    """A literal; a quoted one is never a keyword."""

    text: str
    quoted: bool = False


@dataclass(frozen=True)
class Empty:
    """The keyword EMPTY or NULL."""


@dataclass(frozen=True)
class Function:
    """A call as `startOfDay("-1d")`."""

    name: str
    arguments: tuple[str, ...]


Operand = Value | Function | Empty


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


_OPERATORS: Final = ("=", "!=", "<", "<=", ">", ">=")
_DEEPEST: Final = 100


def parse(text: str) -> Query:
    """The tree of a query; JqlError says what and where it is wrong."""
    return _Parser(text).query()


class _Parser:
    """Recursive descent, one method a rule."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokens(text)
        self.at = 0
        self.depth = 0

    @property
    def next(self) -> Token:
        return self.tokens[self.at]

    def take(self) -> Token:
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
            f"Error in the JQL Query: Expecting {wanted} but got {got}. {position(self.text, self.next.start)}"
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
        if quoted or not self.accept("("):
            return Value(text, quoted)
        arguments: list[str] = []
        while not self.accept(")"):
            if arguments and not self.accept(","):
                raise self.refusal("',' or ')'")
            arguments.append(self.name("an argument"))
        return Function(text, tuple(arguments))

    def name(self, wanted: str) -> str:
        token = self.next
        if token.kind not in {"word", "quoted"}:
            raise self.refusal(wanted)
        if token.keyword() in RESERVED:
            raise JqlError(
                f"Error in the JQL Query: '{token.text}' is a reserved JQL word. You must surround it in quotation marks to use it in a query. {position(self.text, token.start)}"
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
