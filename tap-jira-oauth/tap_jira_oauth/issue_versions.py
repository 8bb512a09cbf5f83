"""Asks in which version issues are that are known by their ids, as far as they belong to what is read."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from tap_jira_oauth import cloud_search, offset_search
from tap_jira_oauth.child_lists import Parent
from tap_jira_oauth.client import decode
from tap_jira_oauth.errors import AccessError, BadRequestError
from tap_jira_oauth.jql import in_utc, of_ids_jql

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tap_jira_oauth.client import JiraClient

SEARCHED = 500
"""Ids in one search."""


class _Project(msgspec.Struct):
    id: str


class _Fields(msgspec.Struct):
    project: _Project
    updated: str


class _Issue(msgspec.Struct):
    id: str
    key: str
    fields: _Fields

    @property
    def version(self) -> Parent:
        return Parent(self.id, self.key, self.fields.project.id, in_utc(self.fields.updated))


class _Page(msgspec.Struct):
    """The envelope of both flavours' searches; only Data Center has a `total`."""

    issues: list[_Issue]
    total: int = 0
    token: str | None = msgspec.field(name="nextPageToken", default=None)


_decoder = msgspec.json.Decoder(_Page)


@dataclass
class Versions:
    """Looks issues up by the search of either flavour; `condition` is a clause that they have to meet."""

    client: JiraClient
    is_cloud: bool
    condition: str | None
    requests: int = 0

    def of(self, ids: Sequence[int]) -> Iterator[Parent]:
        """Yield the versions of those issues that the user sees and that meet the condition.

        Raises:
            TapError: Jira refused, did not answer, or answered something else.
        """
        for begin in range(0, len(ids), SEARCHED):
            for issue in self._found(ids[begin : begin + SEARCHED]):
                yield issue.version

    def _found(self, ids: Sequence[int]) -> list[_Issue]:
        try:
            return list(self._by_token(ids) if self.is_cloud else self._by_offset(ids))
        except (AccessError, BadRequestError):
            # Cloud refuses a query that names an issue which was deleted or hidden meanwhile.
            if not self.is_cloud:
                raise
            if len(ids) == 1:
                return []
            half = len(ids) // 2
            return self._found(ids[:half]) + self._found(ids[half:])

    def _by_offset(self, ids: Sequence[int]) -> Iterator[_Issue]:
        order = self._order(ids) | {"validateQuery": False}
        start, total = 0, 1
        while start < total:
            page = self._ask(offset_search.SEARCH, order | {"startAt": start})
            yield from page.issues
            start += len(page.issues)
            total = page.total if page.issues else 0

    def _by_token(self, ids: Sequence[int]) -> Iterator[_Issue]:
        order = self._order(ids)
        tokens: set[str | None] = {None}
        while True:
            page = self._ask(cloud_search.SEARCH, order)
            yield from page.issues
            if page.token in tokens:
                return
            tokens.add(page.token)
            order["nextPageToken"] = page.token

    def _order(self, ids: Sequence[int]) -> dict[str, Any]:
        jql = of_ids_jql(ids, self.condition)
        return {"jql": jql, "maxResults": len(ids), "fields": ["project", "updated"]}

    def _ask(self, path: str, order: dict[str, Any]) -> _Page:
        self.requests += 1
        answer = self.client.exchange("POST", path, partial(msgspec.json.encode, order))
        return decode(answer, path, _decoder)
