"""Takes a census: asks for the ids and keys of all projects, several of them at a time.

`POST /rest/api/2/search` with `fields: [issuekey]` answers without any field (Jira REST API 10.3), up
to 1,000 issues at once unless the server's cap is lower. Cloud's `/rest/api/2/search/jql` gives up to
5,000 where nothing but id and key is asked for (its OpenAPI, `maxResults`).
"""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any

import msgspec

from tap_jira_oauth import cloud_search, offset_search
from tap_jira_oauth.census import Census, Counted, KeyReader, hit, united
from tap_jira_oauth.client import decode
from tap_jira_oauth.errors import AccessError, BadRequestError
from tap_jira_oauth.fetch import overlapped
from tap_jira_oauth.gate import StopRequestedError
from tap_jira_oauth.jql import by_key_jql
from tap_jira_oauth.page_size import PageSize

if TYPE_CHECKING:
    from tap_jira_oauth.census import KeyAsk
    from tap_jira_oauth.jira import Jira, Project

logger = logging.getLogger("tap-jira-oauth")

PAGE = 1_000
"""Ids to ask a Data Center for at once."""

CLOUD_PAGE = 5_000
"""The same of Cloud."""


class _Hit(msgspec.Struct, gc=False):
    id: str
    key: str


class _Page(msgspec.Struct):
    """The envelope of both flavours' searches; only Data Center has a `total`, and echoes its cap."""

    issues: list[_Hit]
    total: int = 0
    max_results: int = msgspec.field(name="maxResults", default=0)
    token: str | None = msgspec.field(name="nextPageToken", default=None)
    is_last: bool = msgspec.field(name="isLast", default=True)

    @property
    def more(self) -> bool:
        """Tell whether something follows.

        A page of Data Center may show fewer issues than it covers: its index may count deleted ones.
        """
        covered = max(self.max_results, len(self.issues))
        return self.total > covered or self.token is not None or not self.is_last


_decoder = msgspec.json.Decoder(_Page)


def take_census(jira: Jira) -> Census:
    """Count every issue that the user sees in the projects to read, whatever `jql` and dates say.

    Raises:
        AccessError: one of the projects cannot be read, and `on_inaccessible_project` is not 'skip'.
        TapError: Jira refused, did not answer, or answered something else. There is no half census.
        StopRequestedError: the run was asked to stop.
    """
    projects = jira.projects
    if jira.invisible and jira.settings.on_inaccessible_project == "fail":
        raise AccessError(
            f"{jira.invisible} So there is no census. To take one of the other projects, set "
            "on_inaccessible_project to 'skip'."
        )
    taking = _Taking(jira)
    taken_at = jira.clock()
    width = jira.settings.max_concurrent_requests
    found = overlapped([partial(taking.read, project) for project in projects], width)
    readers = zip(projects, found, strict=True)
    there = {project: reader for project, reader in readers if reader is not None}
    for _ in overlapped([partial(taking.read_on, *each) for each in there.items()], width):
        pass
    counted = [
        Counted(project.id, project.key, reader.ids, reader.numbers)
        for project, reader in there.items()
    ]
    moved = chain.from_iterable(reader.elsewhere.values() for reader in there.values())
    united(counted, list(moved), {project.key for project in jira.visible.values()})
    census = Census(uuid.uuid4().hex, taken_at, counted)
    logger.info("Census: issues %d, projects %d", census.size, len(counted))
    return census


@dataclass(frozen=True)
class _Taking:
    """One census under way; its methods run at the same time for several projects."""

    jira: Jira

    def read(self, project: Project) -> KeyReader | None:
        """Read a project to its end; None where it cannot be read and may be left out."""
        reader = KeyReader(project.key)
        try:
            self._read(project, reader)
        except AccessError as error:
            if self.jira.settings.on_inaccessible_project == "fail":
                raise
            logger.warning("%s is not in the census: %s", project.key, error)
            return None
        logger.info("%s: %d issues counted", project.key, len(reader.ids))
        return reader

    def read_on(self, project: Project, reader: KeyReader) -> None:
        """Read what has come behind the last row."""
        reader.again()
        self._read(project, reader)

    def _read(self, project: Project, reader: KeyReader) -> None:
        size = PageSize(CLOUD_PAGE if self.jira.is_cloud else PAGE)
        while not reader.done:
            if self.jira.client.stopping:
                raise StopRequestedError
            ask = reader.ask
            try:
                page = self._page(project, ask, size)
            except (AccessError, BadRequestError):
                # Without key and token the question names nothing but the project.
                if ask.key is None and ask.token is None:
                    raise
                reader.refuse()
            else:
                hits = [hit(each.id, each.key) for each in page.issues]
                reader.take(hits, page.token, more=page.more)

    def _page(self, project: Project, ask: KeyAsk, size: PageSize) -> _Page:
        cloud = self.jira.is_cloud
        path = cloud_search.SEARCH if cloud else offset_search.SEARCH
        jql = by_key_jql(project.key, ask.key)
        asked = size.current

        def payload() -> dict[str, Any]:
            nonlocal asked
            asked = size.current
            more = {} if ask.token is None else {"nextPageToken": ask.token}
            fields = ["key"] if cloud else ["issuekey"]
            return {"jql": jql, "maxResults": asked, "fields": fields, **more}

        answer = self.jira.client.search(path, payload, lambda: size.shrink(asked))
        size.worked()
        return decode(answer, path, _decoder)
