"""An issue as Jira sends it -> a record that conforms to the schema. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_jira_oauth.errors import AnswerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

NEEDED = ("project", "created", "updated")
"""Fields that every record is built from; asked for even where `fields` is narrower."""


def fields_to_ask(wanted: Iterable[str], deselected: Iterable[str]) -> list[str]:
    """Return Jira's `fields` parameter: what is wanted, what is needed, less what is deselected."""
    wanted = list(wanted)
    ask = [*wanted, *(name for name in NEEDED if name not in wanted)]
    left_out = [name for name in deselected if name not in NEEDED]
    return [name for name in ask if name not in left_out] + [
        f"-{name}" for name in left_out if f"-{name}" not in ask
    ]


def date_time_fields(schema: Mapping[str, Any]) -> frozenset[str]:
    """Return the names in `fields` that the stream's schema declares as `date-time`."""
    properties = schema["properties"]["fields"]["properties"]
    return frozenset(name for name, kind in properties.items() if kind.get("format") == "date-time")


def record(
    issue: Mapping[str, Any], date_times: frozenset[str], to_utc: Callable[[str], str]
) -> dict[str, Any]:
    """Return the record of one issue; only values that the schema calls `date-time` are rewritten.

    Raises:
        AnswerError: the issue lacks what every issue has.
    """
    try:
        values = issue["fields"]
        project = values["project"]
        result = {
            "id": issue["id"],
            "key": issue["key"],
            "self": issue["self"],
            "project_id": project["id"],
            "project_key": project["key"],
            "created": to_utc(values["created"]),
            "updated": to_utc(values["updated"]),
        }
    except (KeyError, TypeError) as error:
        raise AnswerError(
            f"Issue {issue.get('key', 'without key')} came without {error}, which every issue has."
        ) from error
    result["fields"] = rewritten = dict(values)
    for name in date_times.intersection(rewritten):
        rewritten[name] = result[name] if name in result else _in_utc(values[name], to_utc)
    return result


def _in_utc(value: Any, to_utc: Callable[[str], str]) -> Any:
    """Rewrite a datetime; what is none stays as it came, since Jira's declared types may lie."""
    if not isinstance(value, str):
        return value
    try:
        return to_utc(value)
    except AnswerError:
        return value
