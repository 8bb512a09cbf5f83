"""Where the reading of each project begins and ends, and which one is whose turn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_jira_oauth.bookmark import Bookmark
from tap_jira_oauth.cloud_window import CloudReader
from tap_jira_oauth.fetch import Reading
from tap_jira_oauth.span import MINUTE, Span, lower_bound
from tap_jira_oauth.window import Reader

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tap_jira_oauth.jira import Jira, Project


class Readings:
    """The readings of all projects: made when they are asked for, kept until they are forgotten."""

    def __init__(self, jira: Jira, state: Mapping[str, Any], *, whole: bool) -> None:
        """Begin where `state` of the stream tells, or at the very beginning where the `whole` is asked for."""
        self._jira = jira
        self._state = state
        self._whole = whole
        self._kept: dict[str, Reading] = {}

    def __getitem__(self, project: Project) -> Reading:
        """Return the reading of a project, begun or not."""
        if project.id not in self._kept:
            # The state is looked at and not made: it may never be this project's turn.
            context = {"project_id": project.id}
            known: list[dict[str, Any]] = self._state.get("partitions", [])
            state = next((each for each in known if each["context"] == context), {})
            self._kept[project.id] = self._begin(project, self.bookmark(state))
        return self._kept[project.id]

    def after(self, project: Project) -> Iterator[Reading]:
        """Return the readings of the projects that come after one."""
        projects = self._jira.projects
        return map(self.__getitem__, projects[projects.index(project) + 1 :])

    def forget(self, project: Project) -> None:
        """Let one go: what it remembers of a project is large, and nobody asks again."""
        del self._kept[project.id]

    def bookmark(self, state: Mapping[str, Any]) -> Bookmark | None:
        """Return where to go on by the state of a project; None for the beginning."""
        return None if self._whole else Bookmark.from_state(state)

    def _begin(self, project: Project, old: Bookmark | None) -> Reading:
        kind = CloudReader if self._jira.is_cloud else Reader
        return Reading(project.key, kind(self._span(old), old.seen if old else {}))

    def _span(self, old: Bookmark | None) -> Span:
        settings = self._jira.settings
        lookback = self._jira.lookback_minutes * MINUTE
        bounds = [settings.start_date, lower_bound(old.updated, lookback) if old else None]
        since = max((bound for bound in bounds if bound is not None), default=None)
        return Span(since, settings.end_date, self._jira.started, lookback)
