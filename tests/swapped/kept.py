"""What other targets make of a value, written down: the rule by which each kept value is compared with what was sent.

A rule says what it forgives, and nothing else passes: `(sent, found, schema of the property)`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Rule = Callable[[Any, Any, "Mapping[str, Any]"], bool]
Row = dict[str, Any]


def read_json(text: str | bytes) -> Any:
    """Decode with every digit of every number."""
    return json.loads(text, parse_float=Decimal)


def moment(text: str) -> datetime:
    """Read a moment as anybody spells it; one without a zone is in UTC."""
    found = datetime.fromisoformat(_six_digits(text.replace("Z", "+00:00")))
    return found if found.tzinfo else found.replace(tzinfo=timezone.utc)


def _six_digits(text: str) -> str:
    """Python 3.10 reads fractions of three and six digits only."""
    whole, point, rest = text.partition(".")
    digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
    return f"{whole}.{digits:0<6}{rest[len(digits) :]}" if point else whole


def is_moment(schema: Mapping[str, Any]) -> bool:
    """Tell whether a property is declared as a moment."""
    return schema.get("format") == "date-time"


def same(sent: Any, found: Any) -> bool:
    """Tell whether two values of JSON are one; Python alone takes `true` for 1."""
    if isinstance(sent, dict) and isinstance(found, dict):
        return sent.keys() == found.keys() and all(same(sent[name], found[name]) for name in sent)
    if isinstance(sent, list) and isinstance(found, list):
        return len(sent) == len(found) and all(map(same, sent, found))
    return isinstance(sent, bool) == isinstance(found, bool) and bool(sent == found)


def as_json(sent: Any, found: Any, _schema: Mapping[str, Any]) -> bool:
    """The same value, whatever its spelling in JSON."""
    return same(sent, found)


def as_column(sent: Any, found: Any, schema: Mapping[str, Any]) -> bool:
    """In SQL: the same value, objects and lists as JSON; a moment is the same moment, to the microsecond."""
    if isinstance(sent, str) and is_moment(schema):
        return isinstance(found, str) and moment(found) == moment(sent)
    return same(sent, found)


def as_loaded_text(sent: Any, found: Any, schema: Mapping[str, Any]) -> bool:
    """As a column that was loaded from a text without quotes: an empty text is NULL."""
    return found is None if sent == "" else as_column(sent, found, schema)


def as_cell(sent: Any, found: Any, schema: Mapping[str, Any]) -> bool:
    """In CSV: text as it is; null and the empty text are an empty cell; a number and a moment have the same value, a list or an object is JSON."""
    if sent is None:
        return bool(found == "")
    if isinstance(sent, bool):
        return bool(found == str(sent))
    if isinstance(sent, str):
        return moment(found) == moment(sent) if is_moment(schema) else bool(found == sent)
    if isinstance(sent, (int, Decimal)):
        return Decimal(found) == sent
    return same(sent, read_json(found))


def columns(record: Row, schema: Mapping[str, Any], depth: int) -> Iterator[tuple[str, Any, Any]]:
    """Yield what must be found: the name of each property, its value (None where it is absent), its schema; declared objects laid flat to a depth."""
    properties = schema["properties"]
    for name, declared in properties.items():
        value = record.get(name)
        if depth and "properties" in declared:
            for below, inner, its_schema in columns(value or {}, declared, depth - 1):
                yield f"{name}__{below}", inner, its_schema
        else:
            yield name, value, declared
    assert record.keys() <= properties.keys(), "the record has what its schema has not"
