"""The ways in which Jira's REST resources page: parameters, and the envelope around a slice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class PageError(ValueError):
    """A paging parameter is no whole number of at least 0; Jira answers 404 or 400 and names it."""


@dataclass(frozen=True)
class Slice:
    """`startAt` and `maxResults` of a request, the latter cut to what the resource gives."""

    start: int
    size: int

    @classmethod
    def of(cls, args: Mapping[str, str], *, usual: int, most: int) -> Slice:
        """From a query string; PageError for anything but whole numbers."""
        start, size = (_whole(args, "startAt", 0), _whole(args, "maxResults", usual))
        return cls(start, min(size, most))

    def cut(self, items: Sequence[Any]) -> list[Any]:
        """The items asked for."""
        return list(items[self.start : self.start + self.size])

    def named(self, name: str, items: Sequence[Any]) -> dict[str, Any]:
        """The old envelope: startAt, maxResults, total, and the items under their own name."""
        numbers = {"startAt": self.start, "maxResults": self.size, "total": len(items)}
        return {**numbers, name: self.cut(items)}

    def values(self, url: str, items: Sequence[Any], separator: str = "?") -> dict[str, Any]:
        """The newer envelope: `self`, `nextPage` unless it is the last, numbers, `isLast` and `values`.

        `url` is the resource with its other parameters; `separator` joins the paging ones to it.
        """
        end = self.start + self.size
        last = end >= len(items)

        def link(start: int) -> str:
            return f"{url}{separator}maxResults={self.size}&startAt={start}"

        head = {"self": link(self.start), **({} if last else {"nextPage": link(end)})}
        numbers = {"maxResults": self.size, "startAt": self.start, "total": len(items)}
        return {**head, **numbers, "isLast": last, "values": self.cut(items)}


def _whole(args: Mapping[str, str], name: str, usual: int) -> int:
    text = args.get(name, str(usual))
    if not (text.isascii() and text.isdecimal()):
        raise PageError(f"The value '{text}' of '{name}' is not a whole number of at least 0.")
    return int(text)
