"""The `deleted_issues` stream: what the last census had and this one has not.

The state holds the ids of the last census, a partition for each project. It is written once, at the
end: a run that is stopped or fails compares with the same census again.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk import SchemaDirectory, StreamSchema
from typing_extensions import override

from tap_jira_oauth.deleted import (
    Place,
    Remembered,
    Unseen,
    missing,
    outcome,
    refusal,
    refuse_too_large,
    remember,
    too_many,
)
from tap_jira_oauth.deleted_fetch import Lookup
from tap_jira_oauth.gate import StopRequestedError
from tap_jira_oauth.jql import format_datetime
from tap_jira_oauth.streams import schemas
from tap_jira_oauth.streams.paged import PagedStream

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context

    from tap_jira_oauth.census import Census
    from tap_jira_oauth.jira import Jira
    from tap_jira_oauth.streams.issue_census import Taking


@dataclass
class _Findings:
    """What a run found out: the ids that are still there by project, and the projects not believed."""

    living: dict[str, list[int]] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)


class DeletedIssuesStream(PagedStream):
    """Issues that were deleted, moved out of the projects to read, or hidden, each once."""

    name = "deleted_issues"
    primary_keys: ClassVar[tuple[str, ...]] = ("id",)
    schema = StreamSchema(SchemaDirectory(schemas))
    selected_by_default = False

    def __init__(self, tap: Tap, taking: Taking) -> None:
        """Connect to nothing yet."""
        super().__init__(tap)
        self._taking = taking

    @property
    @override
    def partitions(self) -> None:
        """None: those in the state are read at once."""

    @property
    def _jira(self) -> Jira:
        return self._taking.jira

    @override
    def get_records(self, context: Context | None) -> Iterator[dict[str, Any]]:
        """Yield what is gone, and remember the new census.

        Where more is gone from a project than can be believed, the run fails at its end.

        Raises:
            ConfigurationError: there are more issues than a state can remember.
        """
        census = self._taking.census
        refuse_too_large(census.size)
        old = self._comparable(census)
        if not old:
            self.logger.info("The first census: what is deleted from now on shows in the next run")
        findings = _Findings()
        gone = missing(old, census.projects)
        for each in old:
            yield from self._of_project(each, gone[each.project_id], findings)
        self._remember(census, old, findings)
        self.write_state()
        self._jira.unserved.extend(findings.refused.values())

    def _comparable(self, census: Census) -> list[Remembered]:
        """Return the last census of the projects that this one has, and of those that nobody sees any more.

        A project that `project_keys` leaves out, or that could not be read, is not compared.
        """
        counted = {each.project_id for each in census.projects}
        known = {project.id for project in self._jira.projects}
        wanted_all = not self._jira.settings.project_keys
        old = map(Remembered.from_state, self.stream_state.get("partitions", []))
        return [
            each
            for each in old
            if each is not None
            and (each.project_id in counted or (wanted_all and each.project_id not in known))
        ]

    def _of_project(
        self, old: Remembered, gone: Sequence[int], findings: _Findings
    ) -> Iterator[dict[str, Any]]:
        """Yield what became of the issues of one project."""
        percent = self._jira.settings.max_deleted_percent
        lookup = Lookup(
            self._jira.client, self._jira.settings.max_concurrent_requests, self._jira.is_cloud
        )
        found: dict[int, Place | Unseen] = {}
        absent: list[int] = []
        for ids, places in lookup.in_bulk(gone):
            found |= places
            absent += [id_ for id_ in ids if id_ not in places]
            if too_many(len(absent), len(old.ids), percent):
                findings.refused[old.project_id] = refusal(old.project_key, len(old.ids), percent)
                return
            self._heed_signals()
        for id_, look in lookup.singly(absent):
            found[id_] = look
            self._heed_signals()
        noticed_at = format_datetime(self._jira.clock()) if found else ""
        visible = {project.id for project in self._jira.visible.values()}
        for id_, look in sorted(found.items()):
            if isinstance(look, Place) and self._is_read(look):
                findings.living.setdefault(look.project_id, []).append(id_)
                continue
            what = outcome(look, project_visible=old.project_id in visible)
            yield _record(id_, what, old, noticed_at, look)

    def _is_read(self, place: Place) -> bool:
        """Tell whether an issue is in a project to read: a search, whose index lags, has not found it."""
        keys, ids = self._read
        return not keys or place.project_key.upper() in keys or place.project_id in ids

    @functools.cached_property
    def _read(self) -> tuple[set[str], set[str]]:
        """The keys that the settings name, and the ids of the projects to read."""
        keys = {key.upper() for key in self._jira.settings.project_keys}
        return keys, {project.id for project in self._jira.projects}

    def _remember(self, census: Census, old: Sequence[Remembered], findings: _Findings) -> None:
        """Put the new census in the place of the old one, but for projects that were not believed."""
        counted = {each.project_id for each in census.projects}
        left = {each.project_id for each in old} - counted - findings.refused.keys()
        partitions = self.stream_state.get("partitions", [])
        partitions[:] = [p for p in partitions if p["context"].get("project_id") not in left]
        for each in census.projects:
            if each.project_id not in findings.refused:
                state = self.get_context_state({"project_id": each.project_id})
                living = findings.living.get(each.project_id, [])
                remember(state, each.project_key, census.taken_at, [*each.ids, *living])

    def _heed_signals(self) -> None:
        if self._jira.client.stopping:
            raise StopRequestedError


def _record(
    id_: int, what: str, old: Remembered, noticed_at: str, look: Place | Unseen
) -> dict[str, Any]:
    """Return the record of one issue that is gone; where it is now is known if it was moved."""
    place = look if isinstance(look, Place) else None
    return {
        "id": str(id_),
        "outcome": what,
        "noticed_at": noticed_at,
        "last_seen_at": format_datetime(old.taken_at),
        "project_id": old.project_id,
        "project_key": old.project_key,
        "new_key": place.key if place else None,
        "new_project_id": place.project_id if place else None,
        "new_project_key": place.project_key if place else None,
    }
