"""An issue as Jira sends it -> a record that conforms to the schema. Pure.

Values that need no change stay the bytes that Jira sent: they are neither decoded nor encoded.
"""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from tap_jira_oauth.conformance import FINE, MISFIT, Rule
from tap_jira_oauth.errors import AnswerError
from tap_jira_oauth.field_redaction import redaction
from tap_jira_oauth.field_types import field_ids

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

NEEDED = ("project", "created", "updated")
"""Fields that every record is built from; asked for even where `fields` is narrower."""

_MOMENTS = ("created", "updated")
_NULL = msgspec.Raw(b"null")

_SHORT, _REMEMBERED = 500, 1024
"""So many values of so many bytes are remembered with what they were converted into."""


class Issue(msgspec.Struct, gc=False):
    """An issue in the answer to a search; the values of its fields are JSON text.

    What comes by `expand`, from `changelog` on, is empty where nobody asked for it.
    """

    id: str
    key: str
    address: str = msgspec.field(name="self")
    fields: dict[str, msgspec.Raw]
    changelog: msgspec.Raw = msgspec.Raw()
    rendered: msgspec.Raw = msgspec.field(name="renderedFields", default=msgspec.Raw())
    transitions: msgspec.Raw = msgspec.Raw()
    operations: msgspec.Raw = msgspec.Raw()
    editmeta: msgspec.Raw = msgspec.Raw()
    versions: msgspec.Raw = msgspec.field(name="versionedRepresentations", default=msgspec.Raw())


class _Project(msgspec.Struct, gc=False):
    id: str
    key: str


_text = msgspec.json.Decoder(str)
_project = msgspec.json.Decoder(_Project)
_plain = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)
_encode = msgspec.json.Encoder().encode
_lines = msgspec.json.Encoder().encode_lines


def fields_to_ask(wanted: Iterable[str], deselected: Iterable[str]) -> list[str]:
    """Return Jira's `fields` parameter: what is wanted, what is needed, less what is deselected."""
    wanted = list(wanted)
    ask = [*wanted, *(name for name in NEEDED if name not in wanted)]
    left_out = [name for name in deselected if name not in NEEDED]
    return [name for name in ask if name not in left_out] + [
        f"-{name}" for name in left_out if f"-{name}" not in ask
    ]


class Shape:
    """What the records of issues look like by a stream's schema: names, types, what is left out.

    A field that the schema does not know stays where the schema's `fields` is open, as it is without
    a discovery by a signed-in user; else it goes into `unconformed`.
    """

    def __init__(
        self,
        schema: Mapping[str, Any],
        to_utc: Callable[[str], str],
        deselected: Iterable[str] = (),
        redact: Iterable[str] = (),
    ) -> None:
        """Read a stream's schema; `deselected` are properties of its `fields`.

        Raises:
            ConfigurationError: what `redact` names cannot be left out.
        """
        # A catalog made by hand may say nothing of them.
        declared = schema.get("properties", {}).get("fields", {})
        properties = declared.get("properties", {})
        names = field_ids(properties)
        titles = {field: properties[name].get("title") for field, name in names.items()}
        rules = {field: Rule(properties[name], to_utc) for field, name in names.items()}
        self.to_utc = to_utc
        self.names = {field: name for field, name in names.items() if field != name}
        self.known = None if declared.get("additionalProperties", True) else frozenset(names)
        self.redaction = redaction(redact, titles, NEEDED)
        deselected = frozenset(deselected)
        gone = {field for field, name in names.items() if name in deselected}
        self.left_out = sorted((gone | self.redaction.whole).difference(NEEDED))
        # Those that every record is built from are read first; most others need no closer look.
        self.rules = {
            field: rule
            for field, rule in rules.items()
            if field not in _MOMENTS and not rule.allows_all
        }
        self.fine = {field: rule.fine for field, rule in self.rules.items()}
        self.lists = {field for field, rule in self.rules.items() if rule.is_list}
        self._moments = {field for field, rule in self.rules.items() if rule.is_moment}
        provers = {field: self.rules[field].prover() for field in self.lists}
        self._provers = {field: prover for field, prover in provers.items() if prover}
        # Numbers in quotes, days and sprints of old servers come again and again; moments do not.
        self._known = lru_cache(_REMEMBERED)(self._convert)

    def conform(self, values: dict[str, Any]) -> dict[str, Any]:
        """Change the values of an issue's fields into what the schema says; return what did not fit."""
        fine, lists, provers, null = self.fine.get, self.lists, self._provers.get, _NULL
        # The one loop over all values: what is no miss is not looked at any closer.
        odd = [
            field
            for field, value in values.items()
            if value != null
            and (allowed := fine(field)) is not None
            and (text := bytes(value))[0] not in allowed
            and not (text == b"[]" and field in lists)
        ]
        unconformed: dict[str, Any] = {}
        if self.known is not None and not self.known.issuperset(values):
            for field in [field for field in values if field not in self.known]:
                unconformed[field] = values.pop(field)
        for field in odd:
            value = values[field]
            if (prove := provers(field)) is not None:
                try:
                    prove(value)
                except msgspec.DecodeError:
                    pass  # `convert` looks closer
                else:
                    continue
            json = bytes(value)
            convert = self._convert if len(json) > _SHORT or field in self._moments else self._known
            made = convert(field, json)
            if made is MISFIT:
                unconformed[self.names.get(field, field)] = values.pop(field)
            elif made is not FINE:
                values[field] = made
        return unconformed

    def _convert(self, field: str, json: bytes) -> Any:
        return self.rules[field].convert(json)


def record(issue: Issue, shape: Shape) -> dict[str, Any]:
    """Return the record of one issue, with `unconformed` where a value is not what the schema says.

    In `fields` values that need no change are `msgspec.Raw`.

    Raises:
        AnswerError: the issue lacks what every issue has.
    """
    values: dict[str, Any] = issue.fields
    try:
        project = _project.decode(values["project"])
        created = shape.to_utc(_text.decode(values["created"]))
        updated = shape.to_utc(_text.decode(values["updated"]))
    except (KeyError, TypeError, msgspec.ValidationError) as error:
        missing = next((name for name in NEEDED if name not in values), error)
        raise AnswerError(
            f"Issue {issue.key} came without {missing!r}, which every issue has."
        ) from error
    for field in shape.left_out:
        values.pop(field, None)
    shape.redaction.apply(values)
    unconformed = shape.conform(values)
    values["created"], values["updated"] = created, updated
    if shape.names:
        values = {shape.names.get(field, field): value for field, value in values.items()}
    made = {
        "id": issue.id,
        "key": issue.key,
        "self": issue.address,
        "project_id": project.id,
        "project_key": project.key,
        "created": created,
        "updated": updated,
        "fields": values,
    }
    if unconformed:
        made["unconformed"] = unconformed
    return made


def plain(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record with all its values decoded; numbers keep every digit."""
    return _plain.decode(_encode(record))


class _Message(msgspec.Struct, tag_field="type", tag="RECORD", gc=False):
    stream: str
    record: dict[str, Any]
    time_extracted: str


def record_lines(stream: str, records: Iterable[dict[str, Any]], extracted: datetime) -> bytes:
    """Return the RECORD messages of a stream, a line each."""
    moment = extracted.isoformat()
    return _lines([_Message(stream, record, moment) for record in records])
