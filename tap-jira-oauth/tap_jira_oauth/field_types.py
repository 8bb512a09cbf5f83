"""Jira's list of fields -> the schema of `fields`. Pure.

An entry has `id`, `name`, `clauseNames`, and `schema` with the declared `type`, `items` of an array and the
custom field's own `custom` key; one of Cloud's search of fields has `description`, but no `clauseNames`.
Every type is nullable; what is declared as something else than below may be anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from tap_jira_oauth.field_names import CUSTOM_FIELD, property_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Naming = Literal["id", "name"]
"""What the properties of custom fields are called by."""


class Declared(msgspec.Struct, gc=False):
    """What a field says about its type."""

    type: str = "any"
    items: str | None = None
    custom: str | None = None


class Field(msgspec.Struct, gc=False):
    """One entry of Jira's lists of fields. `description` is what administrators wrote about it."""

    id: str
    name: str
    description: str | None = None
    clauses: list[str] = msgspec.field(name="clauseNames", default_factory=list)
    declared: Declared = msgspec.field(name="schema", default_factory=Declared)


@dataclass(frozen=True)
class Discovered:
    """A stream's schema, and which properties of its `fields` are not worth reading, by field id."""

    schema: dict[str, Any]
    volatile: Mapping[str, str]


_ALL = ["string", "number", "boolean", "object", "array", "null"]
_TEXTS: dict[str, dict[str, Any]] = {
    "string": {"type": ["string", "null"]},
    "date": {"type": ["string", "null"], "format": "date"},
    "datetime": {"type": ["string", "null"], "format": "date-time"},
    "number": {"type": ["number", "null"]},
}
_OBJECTS = frozenset(
    {
        *("option", "option-with-child", "user", "group", "version", "project", "component"),
        *("issuetype", "priority", "resolution", "securitylevel", "status"),
        *("attachment", "issuelinks", "sd-servicelevelagreement"),
    }
)
_SPRINT = "com.pyxis.greenhopper.jira:gh-sprint"
"""An array, of texts by Data Center's declaration and of objects by Cloud's."""

_VOLATILE = frozenset({"com.atlassian.jira.plugins.jira-development-integration-plugin:devsummary"})
"""Texts with the identity hashes of Java objects: other ones on every read of the same issue."""


def completed(listed: Iterable[Field], searched: Iterable[Field]) -> list[Field]:
    """Return the fields of both lists, each once: as it is listed, described as the search has it."""
    found = {field.id: field for field in searched}
    known = list(listed)
    for field in known:
        other = found.pop(field.id, field)
        field.description = field.description or other.description
    return [*known, *found.values()]


def typed(schema: Mapping[str, Any], listed: Iterable[Field], naming: Naming = "id") -> Discovered:
    """Return the stream's schema with the fields that Jira lists, and no others, in its `fields`.

    System fields that the schema knows keep their types.
    """
    listed = list(listed)
    properties = dict(schema["properties"]["fields"]["properties"])
    customs = {field.id: field.name for field in listed if CUSTOM_FIELD.fullmatch(field.id)}
    system = {*properties, *(field.id for field in listed if field.id not in customs)}
    names = property_names(customs, system) if naming == "name" else {}
    volatile: dict[str, str] = {}
    for field in listed:
        name = names.get(field.id, field.id)
        known = properties.get(field.id) or _json_schema(field.declared)
        properties[name] = {"title": field.name, "description": _description(field), **known}
        if field.declared.custom in _VOLATILE:
            volatile[field.id] = name
    fields = {
        **schema["properties"]["fields"],
        "properties": properties,
        "additionalProperties": False,
    }
    return Discovered(
        {**schema, "properties": {**schema["properties"], "fields": fields}}, volatile
    )


def field_ids(properties: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Return the name of each property of `fields` by Jira's field id.

    The name of a custom field is its id, or else the id begins its description: a catalog keeps the
    names that it was made with.
    """
    found = {}
    for name, declared in properties.items():
        described = CUSTOM_FIELD.match(declared.get("description") or "")
        found[described[0] if described else name] = name
    return found


def _json_schema(declared: Declared) -> dict[str, Any]:
    if declared.custom == _SPRINT:
        return {"type": ["array", "null"], "items": _of_type("option")}
    if declared.type == "array":
        items = _of_type(declared.items or "any")
        return {"type": ["array", "null"], **({} if items["type"] == _ALL else {"items": items})}
    return _of_type(declared.type)


def _of_type(declared: str) -> dict[str, Any]:
    if declared in _OBJECTS:
        return {"type": ["object", "null"], "additionalProperties": True}
    return dict(_TEXTS.get(declared, {"type": list(_ALL)}))


def _description(field: Field) -> str:
    """Return id, types, names in JQL and what administrators wrote; also why a field is left out."""
    declared = field.declared
    kind = f"array of {declared.items or 'any'}" if declared.type == "array" else declared.type
    parts = [field.id, kind]
    if declared.custom:
        parts.append(declared.custom)
    if field.clauses:
        parts.append(f"in JQL {' or '.join(field.clauses)}")
    if declared.custom in _VOLATILE:
        parts.append("not selected by default, since its text differs on every read")
    if field.description:
        parts.append(" ".join(field.description.split()))
    return "; ".join(parts)
