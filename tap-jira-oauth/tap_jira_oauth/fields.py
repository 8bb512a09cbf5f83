"""An issue as Jira sends it -> a record that conforms to the schema. Pure.

Values that need no change stay the bytes that Jira sent: they are neither decoded nor encoded.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from tap_jira_oauth.errors import AnswerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

NEEDED = ("project", "created", "updated")
"""Fields that every record is built from; asked for even where `fields` is narrower."""


class Issue(msgspec.Struct, gc=False):
    """An issue in the answer to a search; the values of its fields are JSON text.

    `changelog` is empty where nobody asked for it.
    """

    id: str
    key: str
    address: str = msgspec.field(name="self")
    fields: dict[str, msgspec.Raw]
    changelog: msgspec.Raw = msgspec.Raw()


class _Project(msgspec.Struct, gc=False):
    id: str
    key: str


_text = msgspec.json.Decoder(str)
_project = msgspec.json.Decoder(_Project)
_plain = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)
_encode = msgspec.json.Encoder().encode


def fields_to_ask(wanted: Iterable[str], deselected: Iterable[str]) -> list[str]:
    """Return Jira's `fields` parameter: what is wanted, what is needed, less what is deselected."""
    wanted = list(wanted)
    ask = [*wanted, *(name for name in NEEDED if name not in wanted)]
    left_out = [name for name in deselected if name not in NEEDED]
    return [name for name in ask if name not in left_out] + [
        f"-{name}" for name in left_out if f"-{name}" not in ask
    ]


def date_time_fields(schema: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names in `fields` that the stream's schema declares as `date-time`."""
    properties = schema["properties"]["fields"]["properties"]
    return tuple(name for name, kind in properties.items() if kind.get("format") == "date-time")


def record(issue: Issue, date_times: Iterable[str], to_utc: Callable[[str], str]) -> dict[str, Any]:
    """Return the record of one issue; only values that the schema calls `date-time` are rewritten.

    In `fields` all other values are `msgspec.Raw`.

    Raises:
        AnswerError: the issue lacks what every issue has.
    """
    values: dict[str, Any] = issue.fields
    try:
        project = _project.decode(values["project"])
        created = values["created"] = to_utc(_text.decode(values["created"]))
        updated = values["updated"] = to_utc(_text.decode(values["updated"]))
    except (KeyError, TypeError, msgspec.ValidationError) as error:
        missing = next((name for name in NEEDED if name not in values), error)
        raise AnswerError(
            f"Issue {issue.key} came without {missing!r}, which every issue has."
        ) from error
    for name in date_times:
        value = values.get(name)
        if isinstance(value, msgspec.Raw):
            values[name] = _in_utc(value, to_utc)
    return {
        "id": issue.id,
        "key": issue.key,
        "self": issue.address,
        "project_id": project.id,
        "project_key": project.key,
        "created": created,
        "updated": updated,
        "fields": values,
    }


def plain(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record with all its values decoded; numbers keep every digit."""
    return _plain.decode(_encode(record))


def record_line(stream: str) -> Callable[[Mapping[str, Any], bytes], bytes]:
    """Return what writes RECORD messages of a stream; its second argument is `time_extracted`."""
    head = b'{"type":"RECORD","stream":%b,"record":' % _encode(stream)

    def line(record: Mapping[str, Any], extracted: bytes) -> bytes:
        return b'%b%b,"time_extracted":"%b"}\n' % (head, _encode(record), extracted)

    return line


def _in_utc(value: msgspec.Raw, to_utc: Callable[[str], str]) -> str | msgspec.Raw:
    """Rewrite a datetime; what is none stays as it came, since Jira's declared types may lie."""
    try:
        return to_utc(_text.decode(value))
    except (AnswerError, msgspec.ValidationError):
        return value
