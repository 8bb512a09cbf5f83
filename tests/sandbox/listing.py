"""One list of the sandbox: its path, its entries, how it is paged, who has it and who may see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sandbox.pages import Slice

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sandbox.administration import Administration
    from sandbox.asked import Asked
    from sandbox.issue import Project

    Envelope = Callable[[Mapping[str, str], Sequence[Any], str], Any]
    """Makes an answer of the query's parameters, the entries and the address of the list."""

CLOUD: Final = frozenset({True})
DATA_CENTER: Final = frozenset({False})


@dataclass(frozen=True)
class Wanted:
    """What a request is about."""

    administration: Administration
    asked: Asked

    @property
    def args(self) -> Mapping[str, str]:
        """The query."""
        return self.asked.request.args

    def project(self, name: str) -> Project | None:
        """A project that the user sees, by id or key."""
        seen = self.asked.identity.user.sees
        found = (p for p in self.administration.projects if name in {p.id, p.key})
        return next((project for project in found if seen(project.key)), None)


@dataclass(frozen=True)
class Listing:
    """A list: its path, what is in it (None for a 404), how it is shown, who has it, and who may see it."""

    path: str
    find: Callable[..., Sequence[Any] | None]
    shown: Envelope
    flavors: frozenset[bool] = CLOUD | DATA_CENTER
    """Whether on Cloud."""
    everybody: bool = False
    refused: int = 403


def whole(member: str = "") -> Envelope:
    """One array, or an object that has it."""
    return lambda _args, found, _url: {member: [*found]} if member else [*found]


def single(_args: Mapping[str, str], found: Sequence[Any], _url: str) -> Any:
    """One object."""
    return found[0]


def values(most: int, usual: int = 50) -> Envelope:
    """Pages with `values`, `isLast` and a link to the next."""
    return lambda args, found, url: Slice.of(args, usual=min(usual, most), most=most).values(
        url, found
    )


def pages(member: str, most: int, usual: int) -> Envelope:
    """Pages with a name of their own and `total`."""
    return lambda args, found, _url: Slice.of(args, usual=usual, most=most).named(member, found)


def numbered(member: str, most: int) -> Envelope:
    """Pages by number, the first is 1."""

    def shown(args: Mapping[str, str], found: Sequence[Any], _url: str) -> Any:
        size = min(int(args.get("maxResults", most)), most)
        start = (int(args.get("page", 1)) - 1) * size
        return {member: [*found[start : start + size]], "total": len(found)}

    return shown


def picker(member: str, most: int) -> Envelope:
    """No pages: the first ones, and how many there are."""

    def shown(args: Mapping[str, str], found: Sequence[Any], _url: str) -> Any:
        some = found[: min(int(args.get("maxResults", 20)), most)]
        header = f"Showing {len(some)} of {len(found)} matching groups"
        return {"header": header, "total": len(found), member: [*some]}

    return shown


def held(name: str) -> Callable[[Wanted], Sequence[Any]]:
    """Find the entries under a name of the administration."""

    def find(wanted: Wanted) -> Sequence[Any]:
        found: Sequence[Any] = getattr(wanted.administration, name)
        return found

    return find
