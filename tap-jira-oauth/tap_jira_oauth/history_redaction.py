"""What `redact_fields` takes out of histories, which hold the values that fields had. Pure.

Cloud says in `fieldId` which field an item is about. Data Center says only what the field was called
when it was changed, in words that are not always the field's name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from tap_jira_oauth.field_names import CUSTOM_FIELD
from tap_jira_oauth.field_redaction import CHANGELOG, Redaction

if TYPE_CHECKING:
    from collections.abc import Mapping

_CALLED = {
    "attachment": ("Attachment",),
    "comment": ("Comment",),
    "components": ("Component",),
    "fixVersions": ("Fix Version",),
    "issuelinks": ("Link",),
    "parent": ("Parent", "Parent Issue", "IssueParentAssociation"),
    "timetracking": ("timeoriginalestimate", "timeestimate", "timespent"),
    "versions": ("Version",),
    "worklog": ("WorklogId", "WorklogTimeSpent"),
}
"""What histories call system fields, where that is neither id nor name."""

_SAYS_WHO = frozenset({"accountId", "displayName", "id", "key", "name", "value"})
"""Parts of a value by which a history names the whole of it."""


class _Change(msgspec.Struct):
    field: str = ""
    field_id: str | None = msgspec.field(name="fieldId", default=None)
    kind: str | None = msgspec.field(name="fieldtype", default=None)


_changes = msgspec.json.Decoder(list[msgspec.Raw])
_change = msgspec.json.Decoder(_Change)
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True)
class HistoryRedaction:
    """The fields of which histories must not tell, by id and by what histories call them.

    `known` are the names of all fields. An item about a custom field that has none of these names
    any more may be about one of the fields; where one of them is custom, it is left out, too.
    """

    ids: frozenset[str]
    called: frozenset[str]
    known: frozenset[str]

    @classmethod
    def of(cls, redaction: Redaction, names: Mapping[str, str]) -> HistoryRedaction:
        """Find them; `names` are the human names of all fields by id."""
        by_part = {
            field
            for field, paths in redaction.parts.items()
            if any(path[-1] in _SAYS_WHO and len(path) == 1 for path in paths)
        }
        ids = (redaction.whole | by_part) - {CHANGELOG}
        called = {each for field in ids for each in (field, *_CALLED.get(field, ()))}
        called |= {names[field] for field in ids if field in names}
        return cls(
            frozenset(ids),
            frozenset(map(str.casefold, called)),
            frozenset(map(str.casefold, names.values())),
        )

    def apply(self, history: Mapping[str, msgspec.Raw]) -> Mapping[str, msgspec.Raw]:
        """Return a history without the items about these fields; the history itself stays."""
        if not self.ids or "items" not in history:
            return history
        try:
            items = _changes.decode(history["items"])
            kept = [item for item in items if not self._hides(_change.decode(item))]
        except msgspec.ValidationError:  # what nobody can read, nobody can redact
            kept = []
        return {**history, "items": msgspec.Raw(_encode(kept))}

    def _hides(self, change: _Change) -> bool:
        if change.field_id in self.ids:
            return True
        if change.field_id is not None and CUSTOM_FIELD.fullmatch(change.field_id):
            return False
        name = change.field.casefold()
        lost = change.kind == "custom" and name not in self.known
        return name in self.called or (lost and any(map(CUSTOM_FIELD.fullmatch, self.ids)))
