"""How Jira hands out lists: each way of paging is one class. Pure: what asks is a parameter.

Offsets shift when somebody adds or deletes an entry meanwhile, as in every client: such lists are
read whole in each run, so the next run has what this one missed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from tap_jira_oauth.errors import AnswerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Item = dict[str, Any]
    Get = Callable[[str], Any]
    """Asks for a path below Jira's base URL and returns the decoded JSON."""


class Paging(Protocol):
    """Reads a list to its end."""

    def items(self, get: Get, path: str) -> Iterator[Item]:
        """Yield every entry.

        Raises:
            AnswerError: Jira's answer has another shape.
        """


@dataclass(frozen=True)
class Whole:
    """All entries in one bare array."""

    def items(self, get: Get, path: str) -> Iterator[Item]:
        """Ask once."""
        yield from _entries(get(path), path)


@dataclass(frozen=True)
class Single:
    """No list, but one object."""

    def items(self, get: Get, path: str) -> Iterator[Item]:
        """Ask once."""
        yield from _entries([get(path)], path)


@dataclass(frozen=True)
class Mapped:
    """One object whose `member` holds the entries by their keys."""

    member: str

    def items(self, get: Get, path: str) -> Iterator[Item]:
        """Ask once."""
        yield from _entries(list(_member(get(path), self.member, dict, path).values()), path)


@dataclass(frozen=True)
class Slices:
    """Bare arrays by `startAt`, as long as they hold anything: one may be shorter than asked."""

    size: int

    def items(self, get: Get, path: str) -> Iterator[Item]:
        """Ask until nothing comes."""
        start = 0
        while entries := _entries(get(_part(path, start, self.size)), path):
            yield from entries
            start += len(entries)


@dataclass(frozen=True)
class Values:
    """Pages with `values` and `isLast`; a `total` is not always there.

    Older resources call the `member` by what it holds, and have a `total` and no `isLast`.
    """

    size: int = 50
    member: str = "values"

    def items(self, get: Get, path: str) -> Iterator[Item]:
        """Ask until a page is the last, or empty."""
        start = 0
        while True:
            page = get(_part(path, start, self.size))
            entries = _entries(_member(page, self.member, list, path), path)
            yield from entries
            start += len(entries)
            if not entries or page.get("isLast", start >= page.get("total", start + 1)):
                return


def _part(path: str, start: int, size: int) -> str:
    return f"{path}{'&' if '?' in path else '?'}startAt={start}&maxResults={size}"


def _entries(answer: object, path: str) -> list[Item]:
    if isinstance(answer, list) and all(isinstance(each, dict) for each in answer):
        return answer
    raise _strange(path)


def _member(page: object, name: str, kind: type, path: str) -> Any:
    found = page.get(name) if isinstance(page, dict) else None
    if isinstance(found, kind):
        return found
    raise _strange(path)


def _strange(path: str) -> AnswerError:
    return AnswerError(
        f"{path}: Jira's answer has an unexpected shape. Is a proxy or another program at this address?"
    )
