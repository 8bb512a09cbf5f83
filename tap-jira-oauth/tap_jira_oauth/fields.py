"""An issue as Jira sends it -> a record that conforms to the schema. Pure.

Values that need no change stay the bytes that Jira sent: they are neither decoded nor encoded.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from msgspec.structs import astuple

from tap_jira_oauth.answered_issue import ABSENT, Issue, Values
from tap_jira_oauth.conformance import FINE, MISFIT, Rule
from tap_jira_oauth.errors import AnswerError
from tap_jira_oauth.field_redaction import redaction
from tap_jira_oauth.field_types import field_ids

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

NEEDED = ("project", "created", "updated")
"""Fields that every record is built from; asked for even where `fields` is narrower."""

_MOMENTS = ("created", "updated")

_SHORT, _REMEMBERED = 500, 1024
"""So many values of so many bytes are remembered with what they were converted into."""


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


class Place(NamedTuple):
    """A field whose values may not be what the schema says.

    `fine` are the first bytes of those that need no closer look.
    """

    field: str
    attribute: str
    fine: bytes
    is_list: bool


@dataclass(frozen=True)
class Plan:
    """What is done with the values of issues that have the same members.

    `bones` returns those that every record is built from. `places` are in the order of the members,
    None where any value is fine. `left_out` are attributes, `unknown` fields that the schema does not
    know and their attributes.
    """

    bones: Callable[[Values], tuple[Any, ...]]
    left_out: Sequence[str]
    places: Sequence[Place | None]
    unknown: Sequence[tuple[str, str]]


def _bones(attributes: Mapping[str, str]) -> Callable[[Values], tuple[Any, ...]]:
    if attributes.keys() >= set(NEEDED):
        return attrgetter(*(attributes[name] for name in NEEDED))
    return lambda _: (ABSENT,) * len(NEEDED)


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
        self._moments = {field for field, rule in self.rules.items() if rule.is_moment}
        provers = {field: rule.prover() for field, rule in self.rules.items() if rule.is_list}
        self._provers = {field: prover for field, prover in provers.items() if prover}
        # Numbers in quotes, days and sprints of old servers come again and again; moments do not.
        self._known = lru_cache(_REMEMBERED)(self._convert)
        self._plans: dict[type[Values], Plan] = {}

    def plan(self, kind: type[Values]) -> Plan:
        """Return what is done with values of a kind; made once."""
        if kind not in self._plans:
            self._plans[kind] = self._made(kind.attributes)
        return self._plans[kind]

    def _made(self, attributes: Mapping[str, str]) -> Plan:
        known = self.known
        unknown = [] if known is None else [field for field in attributes if field not in known]
        rules = [self.rules.get(field) for field in attributes]
        return Plan(
            bones=_bones(attributes),
            left_out=[attributes[field] for field in self.left_out if field in attributes],
            places=[
                Place(field, attribute, rule.fine, rule.is_list) if rule else None
                for (field, attribute), rule in zip(attributes.items(), rules, strict=True)
            ],
            unknown=[(field, attributes[field]) for field in unknown],
        )

    def conform(self, values: Values, plan: Plan) -> dict[str, Any]:
        """Change the values of an issue's fields into what the schema says; return what did not fit."""
        provers, null = self._provers.get, ABSENT
        # The one loop over all values: what is no miss is not looked at any closer.
        odd = [
            (place, text)
            for place, value in zip(plan.places, astuple(values), strict=True)
            if value != null
            and place is not None
            and (text := bytes(value))[0] not in place.fine
            and not (place.is_list and text == b"[]")
        ]
        unconformed: dict[str, Any] = {}
        for field, attribute in plan.unknown:
            if (value := getattr(values, attribute)) is not ABSENT:
                unconformed[field] = value
                setattr(values, attribute, ABSENT)
        for (field, attribute, _, _), text in odd:
            if (prove := provers(field)) is not None:
                try:
                    prove(getattr(values, attribute))
                except msgspec.DecodeError:
                    pass  # `convert` looks closer
                else:
                    continue
            convert = self._convert if len(text) > _SHORT or field in self._moments else self._known
            made = convert(field, text)
            if made is MISFIT:
                unconformed[self.names.get(field, field)] = getattr(values, attribute)
                setattr(values, attribute, ABSENT)
            elif made is not FINE:
                setattr(values, attribute, made)
        return unconformed

    def _convert(self, field: str, json: bytes) -> Any:
        return self.rules[field].convert(json)


def record(issue: Issue[Values], shape: Shape) -> dict[str, Any]:
    """Return the record of one issue, with `unconformed` where a value is not what the schema says.

    In `fields` values that need no change are `msgspec.Raw`.

    Raises:
        AnswerError: the issue lacks what every issue has.
    """
    values = issue.fields
    plan = shape.plan(type(values))
    try:
        bones = plan.bones(values)
        project = _project.decode(bones[0])
        created = shape.to_utc(_text.decode(bones[1]))
        updated = shape.to_utc(_text.decode(bones[2]))
    except msgspec.ValidationError as error:
        missing = next((name for name in NEEDED if name not in values), error)
        raise AnswerError(
            f"Issue {issue.key} came without {missing!r}, which every issue has."
        ) from error
    for attribute in plan.left_out:
        setattr(values, attribute, ABSENT)
    shape.redaction.apply(values)
    unconformed = shape.conform(values, plan)
    values["created"], values["updated"] = created, updated
    made = {
        "id": issue.id,
        "key": issue.key,
        "self": issue.address,
        "project_id": project.id,
        "project_key": project.key,
        "created": created,
        "updated": updated,
        "fields": values if not shape.names else _named(values, shape.names),
    }
    if unconformed:
        made["unconformed"] = unconformed
    return made


def _named(values: Values, names: Mapping[str, str]) -> dict[str, Any]:
    return {names.get(field, field): value for field, value in values.items()}


def plain(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record with all its values decoded; numbers keep every digit."""
    return from_json(as_json(record))


def from_json(record: bytes) -> dict[str, Any]:
    """Return a record out of `as_json`, decoded likewise."""
    return _plain.decode(record)


class _Message(msgspec.Struct, tag_field="type", tag="RECORD", gc=False):
    stream: str
    record: dict[str, Any]
    time_extracted: str


def as_json(record: Mapping[str, Any]) -> bytes:
    """Return a record as JSON text."""
    return _encode(record)


def record_line(stream: str, record: dict[str, Any], extracted: datetime) -> bytes:
    """Return the RECORD message of a stream, without a newline."""
    return _encode(_Message(stream, record, extracted.isoformat()))


def record_lines(stream: str, records: Iterable[dict[str, Any]], extracted: datetime) -> bytes:
    """Return the RECORD messages of a stream, a line each."""
    moment = extracted.isoformat()
    return _lines([_Message(stream, record, moment) for record in records])
