"""How far each project is, as a row that people read and edit, and what an edit does to the state. Pure.

The row's `last_ingest_date` is written after the state, together with `last_saved`, the same date.
Where the two differ, a person has been there. An earlier date lowers the bookmarks of that project;
a row that no bookmark belongs to begins one.

Of a Singer state this knows partitions with a `project_key` (beside the bookmark or in the
context), `replication_key_value`, and `seen`, in which tap-jira-oauth keeps the issues at its
bookmark that need no repetition. A bookmark that goes back loses them, or they would be left out.
"""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from state_backend_dynamodb.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

Document = dict[str, Any]
"""What Meltano keeps: `completed` and `partial`, each empty or with the Singer state in `singer_state`."""

SINGER_STATE = "singer_state"

_PARTS = ("completed", "partial")

_START_STREAM = "issues"
"""Where a bookmark begins for a project of which there is none."""

ARTICLE_ROUNDING = timedelta(hours=1)
"""The AWS article's program rounds `last_ingest_date` up to the hour, past what it has read."""


@dataclass(frozen=True)
class Row:
    """A project in the table, as it is there."""

    key: str
    date: Any
    """`last_ingest_date`: a text, unless a person has made it something else."""
    saved: str | None = None
    """`last_saved`; None in a row that a person has made."""

    @property
    def edited(self) -> bool:
        """Whether a person has changed the date since it was written."""
        return bool(self.date != self.saved)


@dataclass(frozen=True)
class Progress:
    """How far a project is: what is written into its row."""

    date: str
    project_id: str | None = None


@dataclass(frozen=True)
class Merged:
    """A state after the edits, and the edits in it."""

    document: Document
    ignored: tuple[str, ...] = ()
    """Keys of the projects whose date was moved to a later one: that would skip what nobody read."""


def progress(document: Document) -> dict[str, Progress]:
    """Return how far each project is, by key: the earliest bookmark, where several streams have one."""
    found: dict[str, Progress] = {}
    for partition in _partitions(_merged(document)):
        key, date = _key(partition), _date_or_none(partition)
        if key and date and (key not in found or date < found[key].date):
            id_ = partition.get("context", {}).get("project_id")
            found[key] = Progress(date, None if id_ is None else str(id_))
    return found


def with_edits(document: Document, rows: Iterable[Row]) -> Merged:
    """Return the state in which each edited row is a bookmark.

    Raises:
        ConfigurationError: a date is none, or a key is no key of a project.
    """
    edited = {row.key: parse_date(row.date, row.key) for row in rows if row.edited}
    if not edited:
        return Merged(document)
    changed = copy.deepcopy(document)
    reached = progress(changed)
    ignored = []
    for key, date in edited.items():
        if key not in reached:
            _check_key(key)
            _begin(changed, key, date)
        elif date > reached[key].date:
            ignored.append(key)
        else:
            for part in _PARTS:
                _lower(changed.get(part) or {}, key, date)
    return Merged(changed, tuple(ignored))


def from_article(items: Iterable[Mapping[str, Any]]) -> Document:
    """Return a state that begins where the AWS article's table is; the hour that it rounds up goes off.

    Raises:
        ConfigurationError: an item has no `project` or no readable `last_ingest_date`.
    """
    document: Document = {"completed": {}, "partial": {}}
    for item in items:
        key = item.get("project")
        if not isinstance(key, str):
            raise ConfigurationError(
                "The table to import has an item without a text 'project'. It is no table of "
                "projects, or its attributes have other names."
            )
        date = parse_date(item.get("last_ingest_date"), key)
        begin = datetime.fromisoformat(date.replace("Z", "+00:00")) - ARTICLE_ROUNDING
        _begin(document, key.upper(), _format(begin))
    return document


def _check_key(key: str) -> None:
    """Refuse a row that a person has made for a project that Jira cannot have; it would wait for ever."""
    if key != key.upper():
        raise ConfigurationError(
            f"The table has a row for project '{key}', but Jira's project keys are upper case. Make "
            f"it '{key.upper()}', or remove it."
        )


def parse_date(text: Any, key: str) -> str:
    """Return a date as tap-jira-oauth writes it; one without a zone is UTC.

    Raises:
        ConfigurationError: it is none, so nobody knows where the person wants to begin.
    """
    try:
        return _canonical(text)
    except (TypeError, ValueError, OverflowError):
        raise ConfigurationError(
            f"The table says '{text}' as 'last_ingest_date' of project {key}, which is no date. "
            "Write one such as 2026-01-31 or 2026-01-31T10:00:00Z."
        ) from None


def _canonical(text: Any) -> str:
    if not isinstance(text, str):
        raise TypeError(text)
    normal = re.sub(r"(\d{4})/(\d\d)/(\d\d)", r"\1-\2-\3", text.strip())
    normal = re.sub(r"[Zz]$", "+00:00", normal)
    normal = re.sub(r"(:\d\d(?:[.,]\d+)?[+-]\d\d)(\d\d)$", r"\1:\2", normal)
    # Python 3.10 reads fractions of three or six digits only.
    normal = re.sub(r"[.,](\d+)", lambda match: "." + match[1][:6].ljust(6, "0"), normal)
    moment = datetime.fromisoformat(normal)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return _format(moment)


def _format(moment: datetime) -> str:
    utc = moment.astimezone(timezone.utc)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z".rjust(24, "0")


def _merged(document: Document) -> dict[str, Any]:
    """Return the bookmarks by stream that the next run gets: Meltano puts the partial state's over the others.

    Its merge goes into objects and replaces lists, so a stream's partitions are those of one part.
    """
    merged: dict[str, Any] = {}
    for part in _PARTS:
        for stream, bookmark in _bookmarks(document.get(part) or {}).items():
            if isinstance(bookmark, dict):
                merged[stream] = merged.get(stream, {}) | bookmark
    return merged


def _bookmarks(part: Mapping[str, Any]) -> dict[str, Any]:
    state = part.get(SINGER_STATE)
    bookmarks = state.get("bookmarks") if isinstance(state, dict) else None
    return bookmarks if isinstance(bookmarks, dict) else {}


def _partitions(bookmarks: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for bookmark in bookmarks.values():
        partitions = bookmark.get("partitions") if isinstance(bookmark, dict) else None
        for partition in partitions if isinstance(partitions, list) else []:
            if isinstance(partition, dict) and isinstance(partition.get("context", {}), dict):
                yield partition


def _key(partition: Mapping[str, Any]) -> str | None:
    key = partition.get("project_key") or partition.get("context", {}).get("project_key")
    return key if isinstance(key, str) else None


def _date_or_none(partition: Mapping[str, Any]) -> str | None:
    """Return the bookmark as a date; other taps' bookmarks may be numbers."""
    try:
        return _canonical(partition.get("replication_key_value"))
    except (TypeError, ValueError, OverflowError):
        return None


def _lower(part: Mapping[str, Any], key: str, date: str) -> None:
    for partition in _partitions(_bookmarks(part)):
        reached = _date_or_none(partition)
        if _key(partition) == key and reached is not None and reached > date:
            partition["replication_key_value"] = date
            partition.pop("seen", None)


def _begin(document: Document, key: str, date: str) -> None:
    """Add a bookmark; tap-jira-oauth takes over partitions by `project_key`."""
    partial = _bookmarks(document.get("partial") or {}).get(_START_STREAM, {})
    part = "partial" if "partitions" in partial else "completed"
    place = document[part] = document.get(part) or {}
    for name in (SINGER_STATE, "bookmarks", _START_STREAM):
        place = place.setdefault(name, {})
    place.setdefault("partitions", []).append(
        {
            "context": {"project_key": key},
            "replication_key": "updated",
            "replication_key_value": date,
        }
    )
