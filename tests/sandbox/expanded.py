"""What `expand` adds to a search and to an issue: names, schemas, the changelog, transitions, and rendered fields.

Rendered values are for people: HTML, and dates in words. The other names that Jira knows (`operations`, `editmeta`,
`versionedRepresentations`) add nothing here.
"""

from __future__ import annotations

import html
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from sandbox import times
from sandbox.render import localised

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from zoneinfo import ZoneInfo

    from sandbox.issue import Issue

HISTORIES_ON_CLOUD: Final = 100
OF_SEARCHES: Final = frozenset({"names", "schema"})
OF_ISSUES: Final = frozenset({"changelog", "renderedFields", "transitions"})


def described(
    wanted: Collection[str], field_list: Iterable[dict[str, Any]], shown: Callable[[str], bool]
) -> dict[str, Any]:
    """`names` and `schema` by field id, for the fields that are shown."""
    fields = [field for field in field_list if shown(field["id"])]
    parts = {
        "names": {field["id"]: field["name"] for field in fields},
        "schema": {field["id"]: field["schema"] for field in fields if "schema" in field},
    }
    return {name: part for name, part in parts.items() if name in wanted}


def changelog(
    histories: list[dict[str, Any]], zone: ZoneInfo, *, cloud: bool, cap: int | None = None
) -> dict[str, Any]:
    """Oldest first and complete, or `cap` of them, on Data Center; on Cloud the newest 100, newest first."""
    shown = histories[::-1][:HISTORIES_ON_CLOUD] if cloud else histories[:cap]
    size = HISTORIES_ON_CLOUD if cloud else len(shown)
    return {
        "startAt": 0,
        "maxResults": size,
        "total": len(histories),
        "histories": localised(shown, zone),
    }


def transitions(
    statuses: Iterable[dict[str, Any]], present: dict[str, Any] | None, *, cloud: bool
) -> list[dict[str, Any]]:
    """A workflow in which every status leads to every other, in the order of the buttons; Cloud tells more of each."""
    found: list[dict[str, Any]] = []
    for number, status in enumerate(statuses, start=1):
        if present and status["id"] == present["id"]:
            continue
        head = {"id": f"{number}1", "name": status["name"]}
        on_cloud = {
            "hasScreen": False,
            "isGlobal": True,
            "isInitial": False,
            "isAvailable": True,
            "isConditional": False,
            "isLooped": False,
        }
        own = on_cloud if cloud else {"description": "", "opsbarSequence": 10 * number}
        found.append({**head, **own, "to": status})
    return found


def rendered(
    issue: Issue, keep: Callable[[str], bool], texts: Collection[str], zone: ZoneInfo
) -> dict[str, Any]:
    """`renderedFields`: HTML for long texts, dates in words, null for everything else."""

    def value(name: str) -> str | None:
        held = issue.fields[name]
        if not isinstance(held, str):
            return None
        if times.DATETIME.fullmatch(held):
            moment = datetime.fromtimestamp(times.parse(held) / 1000, zone)
            return f"{moment:%d/%b/%y} {moment.hour % 12 or 12}:{moment:%M %p}"
        return f"<p>{html.escape(held)}</p>" if name in texts else None

    return {name: value(name) for name in issue.fields if keep(name)}
