"""Reads a sandbox Jira over HTTP as the stream does, in this process, and keeps what a target would store."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tap_jira_oauth.answered_page import IssueMaker, row
from tap_jira_oauth.auth import build_auth
from tap_jira_oauth.client import JiraClient
from tap_jira_oauth.fetch import Fetcher, Reading
from tap_jira_oauth.jira import Project
from tap_jira_oauth.offset_search import OffsetSearch
from tap_jira_oauth.page_size import PageSize
from tap_jira_oauth.settings import Settings
from tap_jira_oauth.span import MINUTE, Row, Span, lower_bound
from tap_jira_oauth.window import Reader

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox import Sandbox
    from tap_jira_oauth.jql import Literal

LOOKBACK = 5 * MINUTE
FIELDS = ("project", "created", "updated")

MakeReader = Callable[[Span, "Mapping[str, int]"], Reader]
"""Makes what decides which page comes next."""


@dataclass
class Lake:
    """The emitted versions, and the state of each project: its bookmark and the rows at that boundary."""

    versions: list[Row] = field(default_factory=list)
    states: dict[str, tuple[int, dict[str, int]]] = field(default_factory=dict)

    def missing(self, jira: Sandbox) -> dict[str, tuple[int | None, int]]:
        """Return the living issues whose newest version never came: that one, and what came."""
        newest: dict[str, int] = {}
        for version in self.versions:
            newest[version.id] = max(version.updated, newest.get(version.id, 0))
        living = {issue.id: issue.updated_ms for issue in jira.corpus.snapshot().by_id.values()}
        return {
            id_: (newest.get(id_), updated)
            for id_, updated in living.items()
            if newest.get(id_) != updated
        }


@dataclass(frozen=True)
class Journey:
    """How a sandbox is read: in pages of which size, how many under way, times written how."""

    jira: Sandbox
    size: int
    width: int
    literal: Literal
    make_reader: MakeReader = Reader

    def run(self, lake: Lake, pages: int | None = None) -> list[Row]:
        """Read all projects from the lake's state; `pages` kills the run after so many."""
        settings = Settings.from_config(
            {
                "api_url": self.jira.url,
                "auth_method": "personal_token",
                "personal_token": "sandbox-token",
                "max_concurrent_requests": self.width,
            }
        )
        client = JiraClient(settings, build_auth(settings))
        search = OffsetSearch(
            client, IssueMaker(row), FIELDS, PageSize(self.size), None, self.literal
        )
        fetcher = Fetcher(search, self.width, self._pass)
        projects, _ = client.get("/rest/api/2/project", list[Project])
        readings = [self._reading(project.key, lake) for project in projects]
        emitted: list[Row] = []
        for index, reading in enumerate(readings):
            old = lake.states.get(reading.key)
            upcoming = functools.partial(itertools.islice, readings, index + 1, None)
            for page in fetcher.pages(reading, upcoming):
                emitted += page.issues
                lake.versions += page.issues
                known = [reading.reader.bookmark, old[0] if old else None]
                newest = max((moment for moment in known if moment is not None), default=None)
                if newest is not None:
                    lake.states[reading.key] = (newest, reading.reader.boundary(newest))
                if pages is not None and (pages := pages - 1) <= 0:
                    return emitted
        return emitted

    def _pass(self, seconds: float) -> None:
        """Let the time pass for which the tap would wait."""
        self.jira.clock.offset += seconds

    def _reading(self, key: str, lake: Lake) -> Reading:
        bookmark, seen = lake.states.get(key, (None, {}))
        since = None if bookmark is None else lower_bound(bookmark, LOOKBACK)
        span = Span(since, None, self.jira.clock.now_ms(), LOOKBACK)
        return Reading(key, self.make_reader(span, seen))
