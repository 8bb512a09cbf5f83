"""A JQL condition to a predicate over issues, for one user, one moment and one snapshot. Pure."""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from sandbox import jql, moments, readers, times
from sandbox.cloud import account_id
from sandbox.jql import JqlError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.issue import Issue
    from sandbox.query import Snapshot
    from sandbox.users import User

    Test = Callable[[Issue], bool]

_KEY: Final = re.compile(r"([A-Za-z][A-Za-z0-9_]*)-(\d+)", re.ASCII)
_COMPARE: Final = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
_CURRENT_USER: Final = "currentuser"
_POSITIVE: Final = {"=", "in", "is"}


def depends_on_now(node: jql.Node | None) -> bool:
    """Whether the same condition may find other issues a moment later."""
    if isinstance(node, jql.Clause):
        return any(
            (isinstance(operand, jql.Function) and operand.name.lower() != _CURRENT_USER)
            or (isinstance(operand, jql.Value) and moments.is_period(operand.text))
            for operand in node.operands
        )
    if isinstance(node, jql.Not):
        return depends_on_now(node.node)
    return node is not None and any(map(depends_on_now, node.nodes))


@dataclass(frozen=True)
class Dialect:
    """How one server reads JQL.

    Attributes:
        accounts: whether people go by account id, as on Cloud, and not by user name.
        epoch_literals: whether a number is a date, as epoch milliseconds.
    """

    accounts: bool = False
    epoch_literals: bool = True


DATA_CENTER: Final = Dialect()


@dataclass(frozen=True)
class Compiler:
    """Trees to predicates.

    Attributes:
        now_ms: what functions and relative dates count from.
        validate: whether a clause about what does not exist is a JqlError; otherwise it matches nothing.
        warnings: what such clauses would have been refused with.
    """

    snapshot: Snapshot
    user: User
    now_ms: int
    validate: bool = True
    dialect: Dialect = DATA_CENTER
    warnings: list[str] = field(default_factory=list)

    def node(self, node: jql.Node) -> Test:
        """The predicate of a tree; JqlError as Jira would word it."""
        if isinstance(node, jql.Clause):
            return self._clause_or_nothing(node)
        if isinstance(node, jql.Not):
            inner = self.node(node.node)
            return lambda issue: not inner(issue)
        tests = tuple(map(self.node, node.nodes))
        return _every(tests) if isinstance(node, jql.And) else _some(tests)

    def _clause_or_nothing(self, clause: jql.Clause) -> Test:
        try:
            return self._clause(clause)
        except JqlError as error:
            if self.validate:
                raise
            self.warnings.append(str(error))
            return lambda _issue: False

    def _clause(self, clause: jql.Clause) -> Test:
        name = readers.field_named(clause.field)
        nobody = self.user.anonymous
        if name not in readers.FIELDS or (nobody and name in readers.UNSEEN_BY_NOBODY):
            why = (
                "this field cannot be viewed by anonymous users"
                if nobody
                else "you do not have permission to view it"
            )
            raise JqlError(f"Field '{clause.field}' does not exist or {why}.")
        if clause.operator in _COMPARE:
            return self._comparison(name, clause)
        if name in readers.DATES:
            return self._moment_in(name, clause)
        return self._value_in(name, clause)

    def _value_in(self, name: str, clause: jql.Clause) -> Test:
        read = readers.values(name)
        wanted: set[str] = set()
        empty = False
        for operand in clause.operands:
            if isinstance(operand, jql.Function):
                wanted |= self._called(name, clause, operand)
            elif isinstance(operand, jql.Empty) or _means_empty(name, operand):
                empty = True
            else:
                wanted |= self._resolved_or_nothing(name, clause, operand.text)
        if clause.operator in _POSITIVE:
            return lambda issue: bool(read(issue) & wanted) or (empty and not read(issue))
        # A field without a value is not "different" in JQL: != and NOT IN pass over it.
        return lambda issue: bool(read(issue)) and not read(issue) & wanted

    def _resolved_or_nothing(self, name: str, clause: jql.Clause, text: str) -> set[str]:
        """Of a list that is not to be validated, a value that does not exist is left out alone."""
        try:
            return {self._resolve(name, clause.field, text)}
        except JqlError as error:
            if self.validate or clause.operator != "in":
                raise
            self.warnings.append(str(error))
            return set()

    def _called(self, name: str, clause: jql.Clause, function: jql.Function) -> set[str]:
        """The user names that a function gives: `currentUser()` is the only one here, and nobody has no name."""
        if function.name.lower() != _CURRENT_USER or name not in readers.PEOPLE:
            raise _wrong_function(clause, function)
        if function.arguments:
            raise JqlError(
                f"Function '{function.name}' expected '0' arguments but received '{len(function.arguments)}'."
            )
        return set() if self.user.anonymous else {self.user.name.casefold()}

    def _comparison(self, name: str, clause: jql.Clause) -> Test:
        compare = _COMPARE[clause.operator]
        operand = clause.operands[0]
        if name not in readers.DATES | {"key"} or isinstance(operand, jql.Empty):
            raise JqlError(
                f"The operator '{clause.operator}' is not supported by the '{clause.field}' field."
            )
        if name == "key":
            if isinstance(operand, jql.Function):
                raise _wrong_function(clause, operand)
            match = _KEY.fullmatch(operand.text)
            if match is None:
                raise JqlError(
                    f"The issue key '{operand.text}' for field '{clause.field}' is invalid."
                )
            # The key is looked up: that of a deleted issue is refused, that of a moved one is read as its new one,
            # and only issues of the same project are compared.
            at = self.snapshot.by_id[self._resolve(name, clause.field, operand.text)]
            return lambda issue: (
                issue.project.id == at.project.id and compare(issue.number, at.number)
            )
        bound, read = self._moment(clause.field, operand), readers.moment(name)

        def test(issue: Issue) -> bool:
            at = read(issue)
            return at is not None and bool(compare(at, bound))

        return test

    def _moment_in(self, name: str, clause: jql.Clause) -> Test:
        read = readers.moment(name)
        wanted = {
            None if isinstance(o, jql.Empty) else self._moment(clause.field, o)
            for o in clause.operands
        }
        if clause.operator in _POSITIVE:
            return lambda issue: read(issue) in wanted
        return lambda issue: read(issue) not in wanted | {None}

    def _moment(self, name: str, operand: jql.Value | jql.Function) -> int:
        if isinstance(operand, jql.Function):
            return moments.call(operand.name, operand.arguments, self.user.zone, self.now_ms)
        if moments.is_period(operand.text):
            return moments.period(operand.text, self.now_ms)
        try:
            return times.read_literal(
                operand.text, self.user.zone, epoch=self.dialect.epoch_literals
            )
        except ValueError as error:
            raise JqlError(
                f"Date value '{operand.text}' for field '{name}' is invalid. Valid formats include: 'yyyy/MM/dd HH:mm', 'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period format e.g. '-5d', '4w 2d'."
            ) from error

    def _resolve(self, name: str, shown: str, text: str) -> str:
        """What `readers.values` would give for a value written in the query; unknown ones are refused as in Jira."""
        if name == "labels":
            return text.casefold()
        if name == "key":
            issue = self.snapshot.find(text, self.user)
            if issue is None:
                raise JqlError(f"An issue with key '{text}' does not exist for field '{shown}'.")
            return issue.id
        if name == "project":
            project = self.snapshot.project(text, self.user)
            if project is None:
                raise JqlError(f"The value '{text}' does not exist for the field 'project'.")
            return project.id
        names = {value: value for value in self.snapshot.names(name)}
        known = {**self.snapshot.numbered(name), **names}
        if self.dialect.accounts and name in readers.PEOPLE:
            known = {account_id(value): value for value in known}
        if text.casefold() in known:
            return known[text.casefold()]
        reason = f"The value '{text}' does not exist for the field '{shown}'."
        if self.dialect.accounts or name not in readers.PEOPLE:
            raise JqlError(reason)
        # A Data Center was seen to answer 200 with a warning for a person whom it does not know.
        self.warnings.append(reason)
        return text.casefold()


def _every(tests: tuple[Test, ...]) -> Test:
    # A loop takes half the time of `all`, which makes a generator for each issue.
    def test(issue: Issue) -> bool:
        for one in tests:  # noqa: SIM110 - see above
            if not one(issue):
                return False
        return True

    return test


def _some(tests: tuple[Test, ...]) -> Test:
    def test(issue: Issue) -> bool:
        for one in tests:  # noqa: SIM110 - as in `_every`
            if one(issue):
                return True
        return False

    return test


def _means_empty(name: str, operand: jql.Value) -> bool:
    return name == "resolution" and operand.text.casefold() == "unresolved"


def _wrong_function(clause: jql.Clause, function: jql.Function) -> JqlError:
    if function.name.lower() in moments.NAMES | {_CURRENT_USER}:
        return JqlError(
            f"A value provided by the function '{function.name}' is invalid for the field '{clause.field}'."
        )
    return JqlError(
        f"Unable to find JQL function '{function.name}({', '.join(function.arguments)})'."
    )
