"""The fields of an issue that are made when somebody reads them: 50,000 issues fit in memory and are ready at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


class Content(Mapping[str, Any]):
    """Field values by id: those that queries and short reads want at hand, all others from `make`.

    `make` must give equal values at every call; nobody may change what a `Content` hands out.
    """

    __slots__ = ("_known", "_make", "_names")

    def __init__(
        self,
        names: tuple[str, ...],
        known: Mapping[str, Any],
        make: Callable[[], Mapping[str, Any]],
    ) -> None:
        """`names` gives the order of the fields, those in `known` included."""
        self._names = names
        self._known = known
        self._make = make

    def __getitem__(self, name: str) -> Any:
        """The value; KeyError for a field that the issue does not have."""
        if name in self._known:
            return self._known[name]
        return self._make()[name]

    def __iter__(self) -> Iterator[str]:
        """The field ids in their order."""
        return iter(self._names)

    def __len__(self) -> int:
        """How many fields there are, null ones included."""
        return len(self._names)

    def __contains__(self, name: object) -> bool:
        """Whether the issue has the field, without making its value."""
        return name in self._known or name in self._names

    def picked(self, keep: Callable[[str], bool]) -> dict[str, Any]:
        """The values of the fields that `keep` wants, in their order: one making of the issue at most."""
        names = _wanted(self._names, keep)
        values = self._known
        if not values.keys() >= names.keys():
            values = {**self._make(), **values}
        return {name: values[name] for name in names}

    def replaced(self, fields: Mapping[str, Any]) -> Content:
        """The same content with some values replaced or added; the rest stays unmade."""
        added = [name for name in fields if name not in self]
        names = (*self._names, *added) if added else self._names
        return Content(names, {**self._known, **fields}, self._make)


@lru_cache(maxsize=256)
def _wanted(names: tuple[str, ...], keep: Callable[[str], bool]) -> dict[str, None]:
    """Those of the names that are wanted; the issues of a project share their names."""
    return dict.fromkeys(filter(keep, names))
