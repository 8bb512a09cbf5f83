"""A JQL tree to an answer: which issues match for which user, in which order. Pure."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from sandbox import jql, readers
from sandbox.conditions import DATA_CENTER, Compiler, Dialect, depends_on_now
from sandbox.jql import JqlError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from random import Random

    from sandbox.issue import Issue, Project
    from sandbox.readers import SortKey
    from sandbox.users import User

    Order = tuple[tuple[SortKey, bool], ...]


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
    def _names(self) -> dict[str, frozenset[str]]:
        return {}

    def names(self, name: str) -> frozenset[str]:
        """The values that exist in a field whose unknown values Jira refuses, folded; collected when first asked."""
        if name not in self._names:
            self._names[name] = frozenset().union(*map(readers.values(name), self.issues))
        return self._names[name]

    @cached_property
    def _numbers(self) -> dict[str, dict[str, str]]:
        return {}

    def numbered(self, name: str) -> dict[str, str]:
        """The same values by id."""
        if name not in self._numbers:
            pairs = map(readers.numbered(name), self.issues)
            self._numbers[name] = dict(itertools.chain.from_iterable(pairs))
        return self._numbers[name]

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
    """What a query found. Without a key in ORDER BY, issues that tie come in another order at every request.

    Attributes:
        order: what it is sorted by, each with whether it descends.
        warnings: what was wrong with a query that was not to be validated.
    """

    issues: tuple[Issue, ...]
    order: Order
    stable: bool
    warnings: tuple[str, ...] = ()

    def ordered(self, chance: Random) -> tuple[Issue, ...]:
        """The issues in order; ties by `chance` unless the query settles them."""
        if self.stable:
            return self.issues
        return tuple(sorted_by(chance.sample(self.issues, len(self.issues)), self.order))


@dataclass(frozen=True)
class Question:
    """A query as somebody asks it; equal questions over one snapshot have equal answers.

    Attributes:
        now_ms: what `now()` means; None where the query does not depend on it.
        validate: whether clauses about what does not exist are refused or match nothing.
        dialect: how the server reads JQL.
    """

    text: str
    user: User
    now_ms: int | None
    validate: bool = True
    dialect: Dialect = DATA_CENTER

    @classmethod
    def at(
        cls,
        text: str,
        user: User,
        now_ms: int,
        *,
        validate: bool = True,
        dialect: Dialect = DATA_CENTER,
    ) -> Question:
        """The question at a moment, which is forgotten where the query does not depend on it. JqlError."""
        relative = depends_on_now(jql.parse(text).where)
        return cls(text, user, now_ms if relative else None, validate, dialect)


def run(question: Question, snapshot: Snapshot) -> Result:
    """Every issue that matches and that the user sees; JqlError as Jira would word it."""
    query = jql.parse(question.text)
    user = question.user
    compiler = Compiler(snapshot, user, question.now_ms or 0, question.validate, question.dialect)
    matches = compiler.node(query.where) if query.where else None
    order = tuple(_sort_key(sort, user) for sort in query.order) or ((readers.place, True),)
    stable = any(by is readers.place for by, _ in order)
    found = [
        issue
        for issue in snapshot.issues
        if user.sees(issue.project.key) and (matches is None or matches(issue))
    ]
    return Result(tuple(sorted_by(found, order)), order, stable, tuple(compiler.warnings))


def sorted_by(issues: Iterable[Issue], order: Order) -> list[Issue]:
    """The issues by the keys in turn; what ties stays in the order in which it came."""
    result = list(issues)
    for by, descending in reversed(order):
        result.sort(key=by, reverse=descending)
    return result


def _sort_key(sort: jql.Sort, user: User) -> tuple[SortKey, bool]:
    field = readers.field_named(sort.field)
    by = readers.sort_key(field)
    if by is None or (user.anonymous and field in readers.UNSEEN_BY_NOBODY):
        raise JqlError(f"Not able to sort using field '{sort.field}'.")
    return by, readers.descends(field) if sort.descending is None else sort.descending
