"""What a run leaves for the next one, per project, and its form in Singer state. Pure.

```json
{"context": {"project_id": "10001"}, "replication_key": "updated",
 "replication_key_value": "2026-01-02T03:04:05.678Z", "project_key": "ABC",
 "seen": {"20017": 1767322984678}, "state_version": 1}
```

`seen` holds the issues (id: `updated` in epoch ms) that were emitted within the look-back, so that
looking again repeats nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from tap_jira_oauth.errors import AnswerError, ConfigurationError
from tap_jira_oauth.jql import format_datetime, parse_datetime

if TYPE_CHECKING:
    from collections.abc import Mapping


class _Partition(msgspec.Struct):
    context: dict[str, Any]


class _StreamState(msgspec.Struct):
    partitions: list[_Partition] = []


class _State(msgspec.Struct):
    bookmarks: dict[str, _StreamState] = {}


def check_state(state: Any) -> None:
    """Refuse what is no Singer state, as far as the SDK relies on its shape.

    The SDK would read some of it as no state at all, and stumble over the rest.

    Raises:
        ConfigurationError: it is none, or holds a partition twice.
    """
    try:
        checked = msgspec.convert(state, _State)
    except msgspec.ValidationError as error:
        raise ConfigurationError(
            f"The state is no Singer state: {error}. Correct it, or remove it to load everything "
            "again."
        ) from error
    for stream, bookmark in checked.bookmarks.items():
        contexts = [partition.context for partition in bookmark.partitions]
        if any(contexts.count(context) > 1 for context in contexts):
            raise ConfigurationError(
                f"The state is no Singer state: it holds a partition of '{stream}' twice. Remove "
                "one of the two."
            )


STATE_VERSION = 1
"""Rises when a reader of the old form would misread the new one."""


@dataclass(frozen=True)
class Bookmark:
    """How far one project was read (epoch ms, UTC), and the rows at that boundary."""

    updated: int
    seen: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Bookmark | None:
        """Read the bookmark of one partition; None where there is none.

        Raises:
            ConfigurationError: the state cannot be read. To ignore it would silently load
                everything again, or skip what nobody read.
        """
        value = state.get("replication_key_value")
        if value is None:
            return None
        version = state.get("state_version", STATE_VERSION)
        if not isinstance(version, int) or version > STATE_VERSION:
            raise ConfigurationError(
                f"The state was written by a newer version of this tap (state_version {version}). "
                "Update the tap."
            )
        try:
            seen = {str(id_): int(updated) for id_, updated in state.get("seen", {}).items()}
            return cls(parse_datetime(value), seen)
        except (AnswerError, AttributeError, TypeError, ValueError) as error:
            raise ConfigurationError(
                f"The state's bookmark '{value}' of issues is unreadable. Correct the state, or "
                "remove it to load everything again."
            ) from error

    def write(
        self,
        state: dict[str, Any],
        project_key: str | None = None,
        replication_key: str | None = "updated",
    ) -> None:
        """Write the bookmark into a state, of a project's partition its key, too; other keys stay."""
        state["replication_key"] = replication_key
        state["replication_key_value"] = format_datetime(self.updated)
        if project_key is not None:
            state["project_key"] = project_key
        state["seen"] = dict(self.seen)
        state["state_version"] = STATE_VERSION


def take_over(state: dict[str, Any], keys: Mapping[str, str]) -> dict[str, str]:
    """Take other taps' bookmarks out of a stream's state; return where each project begins, by id.

    `keys` are the keys of today's projects by id. Other taps keep one `replication_key_value` for
    all projects, or one `updated` (singer-io's tap-jira, whose `offset` beside it is no position,
    since rows move), or partitions by `project_key`. A bookmark for all must not stay: a project
    that becomes visible later would begin at it, too.

    Raises:
        ConfigurationError: one of them cannot be read.
    """
    begin = _of_partitions(state, {key: id_ for id_, key in keys.items()})
    value = state.get("replication_key_value") or state.get("updated")
    if value and Bookmark.from_state({"replication_key_value": value}):
        begin = dict.fromkeys(keys, value) | begin
        for name in ("replication_key", "replication_key_value", "updated", "offset"):
            state.pop(name, None)
    return begin


def _of_partitions(state: dict[str, Any], ids: Mapping[str, str]) -> dict[str, str]:
    """Take out the partitions by `project_key`; those of projects that are not read today stay."""
    begin: dict[str, str] = {}
    for partition in list(state.get("partitions", [])):
        context = partition["context"]
        if "project_id" in context:
            continue
        if "project_key" not in context:
            raise ConfigurationError(
                f"The state holds a bookmark of issues for {context}, which names no project. "
                "Correct the state, or remove it to load everything again."
            )
        id_ = ids.get(context["project_key"])
        if id_ is not None:
            state["partitions"].remove(partition)
            if Bookmark.from_state(partition):
                begin[id_] = partition["replication_key_value"]
    return begin
