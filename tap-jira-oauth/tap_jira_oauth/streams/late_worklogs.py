"""Worklogs that changed without their issue: those of the server's log that no issue of the run has brought.

Jira moves the `updated` of an issue when people log work on its pages. Apps that write worklogs by
themselves, and whoever migrates them, need not. So after the issues a run reads the log of changed
worklogs, which has a bookmark of its own, and prints those that did not come with an issue, with the
version that their issue is in.
"""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING

from tap_jira_oauth.bookmark import Bookmark
from tap_jira_oauth.child_lists import identity
from tap_jira_oauth.errors import AccessError, AuthenticationError, NotFoundError
from tap_jira_oauth.gate import StopRequestedError
from tap_jira_oauth.issue_versions import Versions
from tap_jira_oauth.jql import parse_datetime
from tap_jira_oauth.span import MINUTE
from tap_jira_oauth.worklog_log import (
    LISTED,
    UPDATED,
    ChangeLog,
    bodies,
    changed_at,
    issue_id,
    recent,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any

    from tap_jira_oauth.child_lists import Item, Parent
    from tap_jira_oauth.jira import Jira
    from tap_jira_oauth.worklog_log import Change

logger = logging.getLogger("tap-jira-oauth")

SECOND = 1000


class LateWorklogs:
    """What one run has printed of worklogs, and what is still to be printed by the log.

    `state` is that of the stream, where the bookmark of the log is kept; `requests` counts those for the log.
    """

    def __init__(self, jira: Jira, state: dict[str, Any]) -> None:
        """Begin where the run before stopped, or with what changes from now on: the rest comes with its issues."""
        self._jira = jira
        self._state = state
        self._old = Bookmark.from_state(state)
        # The clock of an answer is the end of its second, which may still be to come.
        self._horizon = (self._old.updated if self._old else jira.started - SECOND) - MINUTE
        self._printed: dict[str, int] = {}
        self._young: set[Parent] = set()
        self.requests = 0
        if self._old is None:
            # With the first STATE, so that a run that is killed and begun again leaves no gap.
            self._keep(Bookmark(self._horizon + MINUTE))

    def note(self, issue: Parent, items: Iterable[Item]) -> None:
        """Note worklogs that are printed with their issue."""
        if parse_datetime(issue.updated) > self._jira.started:
            self._young.add(issue)
        for item in items:
            at = changed_at(item)
            if at is not None and at >= self._horizon:
                self._printed[identity(item)] = at

    def pages(self) -> Iterator[list[tuple[Parent, Item]]]:
        """Yield page by page the worklogs that are late, each with its issue; the bookmark follows.

        In a first run there is nothing to be late for, but for the bookmark.

        Raises:
            TapError: Jira did not answer, or answered something else.
            StopRequestedError: the run was asked to stop.
        """
        if self._old is None:
            self._keep(Bookmark(self._horizon + MINUTE))
            return
        log = ChangeLog(self._jira.client, UPDATED, self._old)
        try:
            for changes in log.pages():
                self.requests += 1
                yield list(self._late(changes))
                self._keep(log.bookmark)
                if self._jira.client.stopping:
                    raise StopRequestedError
        except (AccessError, AuthenticationError, NotFoundError) as error:
            if isinstance(error, AuthenticationError):
                self._jira.confirm_sign_in()
            logger.warning("Worklogs that changed without their issue are not seen: %s", error)

    def _keep(self, bookmark: Bookmark) -> None:
        """Write the bookmark; what the next run's look-back shows again is known there."""
        seen = recent({**bookmark.seen, **self._printed}, bookmark.updated)
        Bookmark(bookmark.updated, seen).write(self._state)

    def _late(self, changes: Sequence[Change]) -> Iterator[tuple[Parent, Item]]:
        late = {each.key: each.at for each in changes if self._is_new(each.key, each.at)}
        self.requests += math.ceil(len(late) / LISTED)
        found = [
            item
            for item in bodies(self._jira.client, list(late))
            if self._is_new(identity(item), changed_at(item))
        ]
        issues = {each.id: each for each in self._versions([issue_id(item) for item in found])}
        for item in found:
            if issue := issues.get(issue_id(item)):
                self._printed[identity(item)] = changed_at(item) or late.get(identity(item), 0)
                yield issue, item

    def _is_new(self, id_: str, at: int | None) -> bool:
        return at is None or self._printed.get(id_, -1) < at

    def _versions(self, ids: Sequence[str]) -> Iterator[Parent]:
        """Yield the issues that the run is about: those of its projects, condition and dates.

        One that was changed since the run began comes with the next run, and all its worklogs with it,
        unless this one has printed that very version.
        """
        jira, settings = self._jira, self._jira.settings
        projects = {project.id for project in jira.projects}
        versions = Versions(jira.client, jira.is_cloud, settings.jql)
        for issue in versions.of(sorted(set(map(int, ids)))):
            at = parse_datetime(issue.updated)
            after = settings.start_date is None or at >= settings.start_date
            before = settings.end_date is None or at < settings.end_date
            known = at <= jira.started or issue in self._young
            if issue.project_id in projects and after and before and known:
                yield issue
        self.requests += versions.requests
