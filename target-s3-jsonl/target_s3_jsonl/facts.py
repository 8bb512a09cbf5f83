"""What a tap says about a stream beside its records, and what of it is kept with each object. Pure."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from target_s3_jsonl import encode

if TYPE_CHECKING:
    from target_s3_jsonl.batch import Sealed


@dataclass(frozen=True)
class Facts:
    """The last SCHEMA and the table versions of a stream.

    `version` is that of the records, `active` that of the last ACTIVATE_VERSION: records of others
    are no longer valid.
    """

    schema_hash: str
    key_properties: tuple[str, ...] = ()
    bookmark: str | None = None
    schema: bytes = b""
    """The SCHEMA as the catalog keeps it; `schema_hash` is of it."""
    version: str | None = None
    active: str | None = None

    def splits(self, later: Facts) -> bool:
        """Whether records before and after a change must not share an object; which version is active may change in one."""
        return dataclasses.replace(self, active=None) != dataclasses.replace(later, active=None)


def notes(sealed: Sealed, facts: Facts | None) -> dict[str, str]:
    """Return the metadata of an object. Bookmarks are the values of its first and last record, as they were sent."""
    if sealed.rejected:
        return {"rejected": "true"}
    if facts is None:
        return {}
    found = {
        "schema-hash": facts.schema_hash,
        "version": facts.version,
        "active-version": facts.active,
    }
    if facts.bookmark is not None:
        for place, line in (("first", sealed.first), ("last", sealed.last)):
            if line:
                found[f"{place}-bookmark"] = encode.member_text(line, facts.bookmark)
    return {name: value for name, value in found.items() if value is not None}
