"""An issue as an answer holds it: the values of its fields stay JSON text. Pure.

Hundreds of fields come with every issue, and nearly the same ones with each. So a decoder learns
their names from the first page, and makes a struct with a member for each of them: that takes half
the time of a dictionary. Where an issue has a field that is new, its name is learnt, and the issue decoded again.
"""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - msgspec reads the annotations
from itertools import chain
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

ABSENT = msgspec.Raw(b"null")
"""Stands for a field that was not sent; this very object, not any null."""

F = TypeVar("F")


class Values(msgspec.Struct, gc=False, forbid_unknown_fields=True, omit_defaults=True):
    """The values of an issue's fields by their ids; each a member, whose order is that of the answer.

    `attributes` are the names of the members by field.
    """

    attributes: ClassVar[Mapping[str, str]] = {}

    def get(self, field: str) -> Any:
        """Return a value; None where it was not sent."""
        attribute = self.attributes.get(field)
        value = ABSENT if attribute is None else getattr(self, attribute)
        return None if value is ABSENT else value

    def __contains__(self, field: object) -> bool:
        """Tell whether a field was sent, and not taken out."""
        return isinstance(field, str) and self.get(field) is not None

    def __getitem__(self, field: str) -> Any:
        """Return a value.

        Raises:
            KeyError: it was not sent.
        """
        value = self.get(field)
        if value is None:
            raise KeyError(field)
        return value

    def __setitem__(self, field: str, value: object) -> None:
        """Replace a value; only those that an answer may have can be there."""
        setattr(self, self.attributes[field], value)

    def __delitem__(self, field: str) -> None:
        """Take a value out."""
        self[field] = ABSENT

    def items(self) -> Iterator[tuple[str, Any]]:
        """Return the fields and their values."""
        values = zip(self.attributes, msgspec.structs.astuple(self), strict=True)
        return filter(_is_there, values)


def _is_there(item: tuple[str, object]) -> bool:
    return item[1] is not ABSENT


class Issue(msgspec.Struct, Generic[F], gc=False):
    """An issue in the answer to a search; the values of its fields are JSON text.

    What comes by `expand`, from `changelog` on, is empty where nobody asked for it.
    """

    id: str
    key: str
    address: str = msgspec.field(name="self")
    fields: F
    changelog: msgspec.Raw = msgspec.Raw()
    rendered: msgspec.Raw = msgspec.field(name="renderedFields", default=msgspec.Raw())
    transitions: msgspec.Raw = msgspec.Raw()
    operations: msgspec.Raw = msgspec.Raw()
    editmeta: msgspec.Raw = msgspec.Raw()
    versions: msgspec.Raw = msgspec.field(name="versionedRepresentations", default=msgspec.Raw())


class IssueDecoder:
    """Decodes issues, given as JSON texts; learns which fields there are."""

    def __init__(self) -> None:
        """Know no field yet."""
        self._decoder: msgspec.json.Decoder[Issue[Values]] = msgspec.json.Decoder(Issue[Values])
        self._known: Sequence[str] = ()

    def decode(self, issue: msgspec.Raw, page: Iterable[msgspec.Raw]) -> Issue[Values]:
        """Decode an issue; if it has a field that is new, learn from all that came in its `page`.

        Raises:
            msgspec.ValidationError: it has another shape.
            msgspec.DecodeError: it is no JSON.
        """
        try:
            return self._decoder.decode(issue)
        except msgspec.ValidationError:
            self._learn(page)  # of many at once, since it takes as long as to decode them
            return self._decoder.decode(issue)

    def _learn(self, issues: Iterable[msgspec.Raw]) -> None:
        """Know the fields of these issues, too."""
        sent = chain.from_iterable(_names.decode(issue).fields for issue in issues)
        fields = tuple(dict.fromkeys(chain(self._known, sent)))
        if len(fields) > len(self._known):
            self._decoder = msgspec.json.Decoder(Issue[with_members(fields)])  # type: ignore[misc]  # a type made at run time
            self._known = fields


_names = msgspec.json.Decoder(Issue[dict[str, msgspec.Raw]])


def with_members(fields: Iterable[str]) -> type[Values]:
    """Return the struct of the values of some fields, in that order."""
    # An id need not be a name of Python's; an attribute is.
    attributes = {field: f"field_{place}" for place, field in enumerate(fields)}
    made = msgspec.defstruct(
        "SentValues",
        [
            (attribute, msgspec.Raw, msgspec.field(name=field, default=ABSENT))
            for field, attribute in attributes.items()
        ],
        bases=(Values,),
        namespace={"attributes": attributes},
    )
    return cast("type[Values]", made)
