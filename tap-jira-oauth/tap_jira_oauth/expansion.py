"""What `expand` adds to an issue: where it stands in the answer, and in the record. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from tap_jira_oauth.errors import AnswerError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tap_jira_oauth.answered_issue import Issue, Values
    from tap_jira_oauth.field_redaction import Redaction

Members = Mapping[str, msgspec.Raw]
Redact = Callable[[Members], Members]
"""Returns one history without what nobody may see."""

_ATTRIBUTES = {"renderedFields": "rendered", "versionedRepresentations": "versions"}
"""What `Issue` calls them, where that is not Jira's own name."""

_object = msgspec.json.Decoder(dict[str, msgspec.Raw])
_array = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_encode = msgspec.json.Encoder().encode


def declared(schema: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Return the schema of issues with a property for each expansion."""
    properties = {
        name: {
            "type": ["array" if name == "transitions" else "object", "null"],
            "description": f"What Jira adds by `expand={name}`, as it sends it.",
        }
        for name in names
    }
    return {**schema, "properties": {**schema.get("properties", {}), **properties}}


@dataclass(frozen=True)
class Expansion:
    """What is added to each issue, by Jira's own names, and what is redacted of it."""

    names: Sequence[str]
    redaction: Redaction
    history: Redact

    def of(self, issue: Issue[Values]) -> dict[str, msgspec.Raw]:
        """Return what an issue has of it, by the names in the record.

        Raises:
            AnswerError: it has another shape.
        """
        found = {}
        for name in self.names:
            raw = getattr(issue, _ATTRIBUTES.get(name, name))
            if bytes(raw) not in (b"", b"null"):
                try:
                    found[name] = _redacted(name, raw, self.redaction, self.history)
                except msgspec.ValidationError as error:
                    raise AnswerError(
                        f"Issue {issue.key} came with a strange {name}: {error}."
                    ) from error
        return found


def _redacted(name: str, raw: msgspec.Raw, redaction: Redaction, history: Redact) -> msgspec.Raw:
    if name in {"transitions", "operations"} or not (redaction.whole or redaction.parts):
        return raw
    members = _object.decode(raw)
    if name == "changelog":
        histories = _array.decode(members.get("histories", b"[]"))
        return _raw({**members, "histories": [history(each) for each in histories]})
    if name == "renderedFields":
        redaction.apply(members)
        return _raw(members)
    gone = {*redaction.whole, *redaction.parts}
    if name == "editmeta":
        fields = _object.decode(members.get("fields", b"{}"))
        kept = {field: meta for field, meta in fields.items() if field not in gone}
        return _raw({**members, "fields": kept})
    return _raw({field: value for field, value in members.items() if field not in gone})


def _raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(_encode(value))
