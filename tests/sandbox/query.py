"""A JQL tree to an answer: which issues match for which user, in which order. Pure."""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from sandbox import jql, times
from sandbox.jql import JqlError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from random import Random

    from sandbox.issue import Issue, Project
    from sandbox.users import User

    Test = Callable[[Issue], bool]
    Values = Callable[[Issue], frozenset[str]]

_ALIASES: Final = {"issuekey": "key", "issue": "key", "id": "key", "type": "issuetype"} | {
    "updateddate": "updated",
    "createddate": "created",
}
_KEY: Final = re.compile(r"([A-Za-z][A-Za-z0-9_]*)-(\d+)", re.ASCII)
_COMPARE: Final = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
_POSITIVE: Final = {"=", "in", "is"}
_FIELDS: Final = {
    "project",
    "key",
    "updated",
    "created",
    "status",
    "issuetype",
    "labels",
    "assignee",
}
_DATES: Final = {"updated", "created"}


@dataclass(frozen=True, eq=False)
class Snapshot:
    """Every issue at one moment; the corpus hands out the same object until something changes.

    Attributes:
        version: grows with each change.
        former_keys: issue ids by the keys they had before they moved.
    """

    version: int
    issues: tuple[Issue, ...]
    projects: tuple[Project, ...]
    former_keys: dict[str, str]

    @cached_property
    def by_id(self) -> dict[str, Issue]:
        """Issues by id."""
        return {issue.id: issue for issue in self.issues}

    @cached_property
    def by_key(self) -> dict[str, Issue]:
        """Issues by key; a key from before a move still leads to its issue, as in Jira."""
        moved = {key: self.by_id[id_] for key, id_ in self.former_keys.items() if id_ in self.by_id}
        return moved | {issue.key: issue for issue in self.issues}

    @cached_property
    def names(self) -> dict[str, frozenset[str]]:
        """The values that exist, folded, for the fields whose unknown values Jira refuses."""
        return {
            field: frozenset().union(*map(_values(field), self.issues))
            for field in ("status", "issuetype", "assignee")
        }

    def find(self, text: str, user: User) -> Issue | None:
        """The issue of that id or key, if the user sees it."""
        issue = self.by_id.get(text) or self.by_key.get(text.upper())
        return issue if issue is not None and user.sees(issue.project.key) else None

    def project(self, text: str, user: User) -> Project | None:
        """The project of that key, name or id, if the user sees it."""
        for project in self.projects:
            names = {project.key.casefold(), project.name.casefold(), project.id}
            if text.casefold() in names and user.sees(project.key):
                return project
        return None


@dataclass(frozen=True)
class Result:
    """What a query found. Without a key in ORDER BY, issues that tie come in another order at every request."""

    issues: tuple[Issue, ...]
    order: tuple[tuple[Callable[[Issue], Any], bool], ...]
    stable: bool

    def ordered(self, chance: Random) -> tuple[Issue, ...]:
        """The issues in order; ties by `chance` unless the query settles them."""
        if self.stable:
            return self.issues
        return tuple(_sorted(chance.sample(self.issues, len(self.issues)), self.order))


def run(text: str, snapshot: Snapshot, user: User) -> Result:
    """Every issue that matches and that the user sees; JqlError as Jira would word it."""
    query = jql.parse(text)
    matches: Test = _Compiler(snapshot, user).node(query.where) if query.where else _always
    order = tuple(_sort_key(sort) for sort in query.order) or ((_place, True),)
    stable = any(by is _place for by, _ in order)
    found = [issue for issue in snapshot.issues if user.sees(issue.project.key) and matches(issue)]
    return Result(tuple(_sorted(found, order)), order, stable)


def _sorted(
    issues: Iterable[Issue], order: Iterable[tuple[Callable[[Issue], Any], bool]]
) -> list[Issue]:
    result = list(issues)
    for by, descending in reversed(tuple(order)):
        result.sort(key=by, reverse=descending)
    return result


def _sort_key(sort: jql.Sort) -> tuple[Callable[[Issue], Any], bool]:
    keys: dict[str, Callable[[Issue], Any]] = {
        "key": _place,
        "updated": lambda issue: issue.updated_ms,
        "created": lambda issue: issue.created_ms,
        "project": lambda issue: issue.project.name.casefold(),
    }
    field = _ALIASES.get(sort.field.lower(), sort.field.lower())
    if field not in keys:
        raise JqlError(f"Not able to sort using field '{sort.field}'.")
    # Jira sorts dates newest first and everything else upwards where the query does not say.
    return keys[field], field in _DATES if sort.descending is None else sort.descending


def _place(issue: Issue) -> tuple[str, int]:
    return issue.place


def _always(_issue: Issue) -> bool:
    return True


def _values(field: str) -> Values:
    """What an issue holds in a field that has a set of values, folded for comparison."""

    def named(issue: Issue) -> frozenset[str]:
        value = issue.fields.get(field)
        return frozenset([value["name"].casefold()]) if value else frozenset()

    readers: dict[str, Values] = {
        "project": lambda issue: frozenset([issue.project.id]),
        "key": lambda issue: frozenset([issue.id]),
        "labels": lambda issue: frozenset(map(str.casefold, issue.fields.get("labels") or ())),
    }
    return readers.get(field, named)


@dataclass(frozen=True)
class _Compiler:
    """Trees to predicates, for one user and one snapshot."""

    snapshot: Snapshot
    user: User

    def node(self, node: jql.Node) -> Test:
        if isinstance(node, jql.Clause):
            return self.clause(node)
        if isinstance(node, jql.Not):
            inner = self.node(node.node)
            return lambda issue: not inner(issue)
        tests = tuple(map(self.node, node.nodes))
        if isinstance(node, jql.And):
            return lambda issue: all(test(issue) for test in tests)
        return lambda issue: any(test(issue) for test in tests)

    def clause(self, clause: jql.Clause) -> Test:
        field = _ALIASES.get(clause.field.lower(), clause.field.lower())
        if field not in _FIELDS:
            raise JqlError(
                f"Field '{clause.field}' does not exist or you do not have permission to view it."
            )
        if clause.operator in _COMPARE:
            return self.comparison(field, clause)
        if field in _DATES:
            return self.moment_in(field, clause)
        read = _values(field)
        wanted = frozenset(
            self.resolve(field, clause.field, o.text)
            for o in clause.operands
            if isinstance(o, jql.Value)
        )
        if clause.operator in _POSITIVE:
            empty = any(isinstance(operand, jql.Empty) for operand in clause.operands)
            return lambda issue: bool(read(issue) & wanted) or (empty and not read(issue))
        # A field without a value is not "different" in JQL: != and NOT IN pass over it.
        return lambda issue: bool(read(issue)) and not read(issue) & wanted

    def comparison(self, field: str, clause: jql.Clause) -> Test:
        compare = _COMPARE[clause.operator]
        operand = clause.operands[0]
        if field not in _DATES | {"key"} or isinstance(operand, jql.Empty):
            raise JqlError(
                f"The operator '{clause.operator}' is not supported by the '{clause.field}' field."
            )
        if field == "key":
            match = _KEY.fullmatch(operand.text)
            if match is None:
                raise JqlError(
                    f"The issue key '{operand.text}' for field '{clause.field}' is invalid."
                )
            place = match[1].upper(), int(match[2])
            return lambda issue: compare(issue.place, place)
        bound = self.moment(clause.field, operand)
        return lambda issue: compare(_moment_of(issue, field), bound)

    def moment_in(self, field: str, clause: jql.Clause) -> Test:
        moments = frozenset(
            self.moment(clause.field, o) for o in clause.operands if isinstance(o, jql.Value)
        )
        if clause.operator in _POSITIVE:
            return lambda issue: _moment_of(issue, field) in moments
        return lambda issue: _moment_of(issue, field) not in moments

    def moment(self, name: str, operand: jql.Value) -> int:
        try:
            return times.read_literal(operand.text, self.user.zone)
        except ValueError as error:
            raise JqlError(
                f"Date value '{operand.text}' for field '{name}' is invalid. Valid formats include: 'yyyy/MM/dd HH:mm', 'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or epoch milliseconds."
            ) from error

    def resolve(self, field: str, name: str, text: str) -> str:
        """What `_values` would give for a value written in the query; unknown ones are refused as in Jira."""
        if field == "labels":
            return text.casefold()
        if field == "key":
            issue = self.snapshot.find(text, self.user)
            if issue is None:
                raise JqlError(f"An issue with key '{text}' does not exist for field '{name}'.")
            return issue.id
        if field == "project":
            project = self.snapshot.project(text, self.user)
            if project is None:
                raise JqlError(f"The value '{text}' does not exist for the field 'project'.")
            return project.id
        if text.casefold() not in self.snapshot.names[field]:
            raise JqlError(f"The value '{text}' does not exist for the field '{name}'.")
        return text.casefold()


def _moment_of(issue: Issue, field: str) -> int:
    return issue.updated_ms if field == "updated" else issue.created_ms
