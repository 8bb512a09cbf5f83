"""What the last census had and this one has not: what became of it, and whether to believe that. Pure.

Jira says of a deleted issue what it says of one that the user may not see, so a lost permission looks
like a great deletion. No more than a share of a project is therefore called gone in one run.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import msgspec

from tap_jira_oauth.census_ids import packed, unpacked
from tap_jira_oauth.errors import AnswerError, ConfigurationError
from tap_jira_oauth.jql import format_datetime, parse_datetime
from tap_jira_oauth.settings import FEW

if TYPE_CHECKING:
    from array import array
    from collections.abc import Iterable, Mapping, Sequence

    from tap_jira_oauth.census import Counted

LARGEST = 2_000_000
"""Issues in all that a state can remember: 0.4 to 4 MB of it, in every STATE message."""

STATE_VERSION = 1
"""Rises when a reader of the old form would misread the new one."""

Outcome = Literal["deleted", "moved", "invisible"]


class Place(NamedTuple):
    """Where an issue is now."""

    key: str
    project_id: str
    project_key: str


class Unseen(Enum):
    """What else Jira answers for an issue: that there is none, or that the user may not see it."""

    ABSENT = 404
    HIDDEN = 403


class _Context(msgspec.Struct):
    project_id: str


class _Partition(msgspec.Struct):
    context: _Context
    project_key: str
    taken_at: str
    issues: int
    ids: str


@dataclass(frozen=True)
class Remembered:
    """What a census found in one project; `taken_at` in epoch ms."""

    project_id: str
    project_key: str
    taken_at: int
    ids: array[int]

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Remembered | None:
        """Read the partition of a project; None where it holds no census.

        Raises:
            ConfigurationError: it cannot be read. To ignore it would miss what was deleted.
        """
        if "ids" not in state:
            return None
        version = state.get("state_version")
        if not isinstance(version, int) or version > STATE_VERSION:
            raise ConfigurationError(
                f"The state of deleted_issues was written by a newer version of this tap "
                f"(state_version {version}). Update the tap."
            )
        try:
            found = msgspec.convert(state, _Partition)
            ids = unpacked(found.ids, found.issues)
            taken_at = parse_datetime(found.taken_at)
        except (AnswerError, ValueError, msgspec.ValidationError) as error:
            raise ConfigurationError(
                f"The state of deleted_issues is unreadable ({error}). Correct the state, or remove "
                "its bookmark 'deleted_issues': then deletions show from the run after the next on."
            ) from error
        return cls(found.context.project_id, found.project_key, taken_at, ids)


def remember(state: dict[str, Any], project_key: str, taken_at: int, ids: Iterable[int]) -> None:
    """Write a project's census into its partition of the state."""
    known = set(ids)
    state["project_key"] = project_key
    state["taken_at"] = format_datetime(taken_at)
    state["issues"] = len(known)
    state["ids"] = packed(known)
    state["state_version"] = STATE_VERSION


def refuse_too_large(issues: int) -> None:
    """Refuse to remember more issues than a state is made for.

    Raises:
        ConfigurationError: there are more.
    """
    if issues > LARGEST:
        raise ConfigurationError(
            f"There are {issues} issues, and a state can remember {LARGEST}. Deselect "
            "deleted_issues, and compare issue_census in SQL, as the README shows."
        )


def missing(old: Sequence[Remembered], new: Sequence[Counted]) -> dict[str, list[int]]:
    """Return by project id what a census had and the next one has in no project at all."""
    now = {each.project_id: each.ids for each in new}
    left = {}
    for each in old:
        ids = set(each.ids)
        ids.difference_update(now.get(each.project_id, ()))
        left[each.project_id] = ids
    anywhere = set().union(*left.values())
    for counted in new if anywhere else ():
        anywhere.difference_update(counted.ids)
    return {project: sorted(ids & anywhere) for project, ids in left.items()}


def too_many(gone: int, of: int, percent: int) -> bool:
    """Tell whether so many issues of a project are not gone, but more likely hidden."""
    return gone > max(FEW, of * percent / 100)


def refusal(project_key: str, of: int, percent: int) -> str:
    """Say why nothing of a project is called gone."""
    return (
        f"{project_key}: more than {percent} % of its {of} issues are gone at once. More likely the "
        "user may not see them any more: look at the permission 'Browse Projects' and at issue "
        "security levels. Nothing of it is called gone, and the next run compares with the same "
        "census again. If they were deleted indeed, set max_deleted_percent to 100 for one run."
    )


def outcome(found: Place | Unseen, *, project_visible: bool) -> Outcome:
    """Return what became of an issue that is not where it was; without doubt only if it was moved."""
    if isinstance(found, Place):
        return "moved"
    return "deleted" if found is Unseen.ABSENT and project_visible else "invisible"
