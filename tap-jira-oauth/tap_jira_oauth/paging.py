"""How Jira hands out lists: each way of paging is one class. Pure: what asks is a parameter.

Offsets shift when somebody adds or deletes an entry meanwhile, as in every client: such lists are
read whole in each run, so the next run has what this one missed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from tap_jira_oauth.errors import AccessError, AnswerError

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
    """All entries in one array: the answer itself, or its `member`."""

    member: str | None = None

    def items(self, get: Get, path: str) -> Iterator[Item]:
        """Ask once."""
        answer = get(path)
        yield from _entries(
            _member(answer, self.member, list, path) if self.member else answer, path
        )


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
class Links:
    """One object of addresses by name; an entry is an object with `name` and `self`."""

    def items(self, get: Get, path: str) -> Iterator[Item]:
        """Ask once."""
        links = get(path)
        if not isinstance(links, dict) or not all(isinstance(each, str) for each in links.values()):
            raise _strange(path)
        yield from ({"name": name, "self": address} for name, address in links.items())


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
        for entries in _pages(get, path, self.size, self.member):
            yield from _entries(entries, path)


@dataclass(frozen=True)
class PagesOrArrays:
    """Pages under a `member`, or bare arrays: Jira's versions differ, and some may ignore `startAt`."""

    size: int
    member: str

    def items(self, get: Get, path: str) -> Iterator[Item]:
        """Ask until a page is the last, empty, or the one before it once more."""
        before: list[Item] = []

        def enveloped(part: str) -> Any:
            page = get(part)
            return {self.member: page} if isinstance(page, list) else page

        for entries in _pages(enveloped, path, self.size, self.member):
            if entries == before:
                return
            yield from _entries(entries, path)
            before = entries


@dataclass(frozen=True)
class Texts:
    """Pages whose `values` are bare texts; an entry is an object with the text as `name`."""

    size: int

    def items(self, get: Get, path: str) -> Iterator[Item]:
        """Ask until a page is the last, or empty."""
        for texts in _pages(get, path, self.size, "values"):
            if not all(isinstance(text, str) for text in texts):
                raise _strange(path)
            yield from ({"name": text} for text in texts)


@dataclass(frozen=True)
class Numbered:
    """Pages by number, the first is 1, with `total`; Jira may put fewer on one than asked for."""

    member: str
    size: int

    def items(self, get: Get, path: str) -> Iterator[Item]:
        """Ask until `total` entries came.

        Raises:
            AnswerError: a page brings nothing new before that; the list would be cut short.
        """
        count, number, total = 0, 0, 1
        entries: list[Item] = []
        while count < total:
            number += 1
            page = get(f"{path}{_joint(path)}page={number}&maxResults={self.size}")
            before, entries = entries, _entries(_member(page, self.member, list, path), path)
            total = _member(page, "total", int, path)
            if count < total and entries == before:
                raise AnswerError(
                    f"{path}: Jira says that there are {total} entries, and lists {count}. "
                    "Run again; if it stays so, report it."
                )
            yield from entries
            count += len(entries)


@dataclass(frozen=True)
class Picker:
    """What a picker of the web page offers: no pages, and no more than Jira's settings allow."""

    member: str
    size: int = 10_000

    def items(self, get: Get, path: str) -> Iterator[Item]:
        """Ask once.

        Raises:
            AccessError: there are more than Jira lists, which were yielded.
        """
        page = get(f"{path}{_joint(path)}maxResults={self.size}")
        entries = _entries(_member(page, self.member, list, path), path)
        yield from entries
        if (total := _member(page, "total", int, path)) > len(entries):
            raise AccessError(
                f"{path}: Jira lists {len(entries)} of {total} entries and has no further pages. Ask "
                "a Jira administrator to raise jira.ajax.autocomplete.limit in the advanced "
                "settings, or deselect the stream."
            )


def _pages(get: Get, path: str, size: int, member: str) -> Iterator[list[Any]]:
    start = 0
    while True:
        page = get(_part(path, start, size))
        entries = _member(page, member, list, path)
        yield entries
        start += len(entries)
        if not entries or page.get("isLast", start >= page.get("total", start + 1)):
            return


def _part(path: str, start: int, size: int) -> str:
    return f"{path}{_joint(path)}startAt={start}&maxResults={size}"


def _joint(path: str) -> str:
    return "&" if "?" in path else "?"


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
