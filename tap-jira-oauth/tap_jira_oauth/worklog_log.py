"""Asks Jira which worklogs have changed and which are gone: two logs of the whole server, in the order of time.

`GET /rest/api/2/worklog/updated?since=MS` and `.../worklog/deleted` (Jira REST API 10.3, Cloud's OpenAPI
version 2) give up to 1,000 entries, `since` included, and in `until` where to go on. They hold back what
happened within the last minute; so each run looks back by as much. `POST /rest/api/2/worklog/list` gives
up to 1,000 worklogs by id, those that the user may see.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from tap_jira_oauth.bookmark import Bookmark
from tap_jira_oauth.child_lists import Item, identity, part
from tap_jira_oauth.client import decode
from tap_jira_oauth.errors import AnswerError
from tap_jira_oauth.jql import parse_datetime
from tap_jira_oauth.span import MINUTE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tap_jira_oauth.client import JiraClient

logger = logging.getLogger("tap-jira-oauth")

UPDATED = "/rest/api/2/worklog/updated"
DELETED = "/rest/api/2/worklog/deleted"
LIST = "/rest/api/2/worklog/list"

LISTED = 1000
"""Worklogs in one answer of `LIST`."""


_decoder = msgspec.json.Decoder(msgspec.Raw)
_text = msgspec.json.Decoder(str)


class Change(msgspec.Struct):
    """A worklog that was added, edited or deleted, and when (epoch ms)."""

    id: int | str = msgspec.field(name="worklogId")
    at: int = msgspec.field(name="updatedTime")

    @property
    def key(self) -> str:
        """The id as the `id` of a worklog is spelled."""
        return str(self.id)


class ChangePage(msgspec.Struct):
    """An answer of both logs."""

    values: list[Change]
    until: int
    last: bool = msgspec.field(name="lastPage")


class ChangeLog:
    """One of the logs, from where a run before stopped on; `bookmark` covers what `pages` has yielded."""

    def __init__(self, client: JiraClient, path: str, old: Bookmark | None, start: int = 0) -> None:
        """Nothing is asked for yet. Without an `old` bookmark the log is read from `start` (epoch ms) on."""
        self.bookmark = old or Bookmark(start)
        self._client = client
        self._path = path
        self._since = old.updated - MINUTE if old else start

    def pages(self) -> Iterator[list[Change]]:
        """Yield the entries page by page, each change once, also in the runs before.

        Raises:
            TapError: Jira refused, did not answer, or answered something else.
        """
        while True:
            page, _ = self._client.get(f"{self._path}?since={self._since}", ChangePage)
            seen = dict(self.bookmark.seen)
            new = []
            for change in page.values:
                if seen.get(change.key, -1) < change.at:
                    seen[change.key] = change.at
                    new.append(change)
            newest = max(self.bookmark.updated, page.until)
            self.bookmark = Bookmark(newest, recent(seen, newest))
            yield new
            if page.last:
                return
            self._since = self._following(page)

    def _following(self, page: ChangePage) -> int:
        """Return where the next page begins."""
        if page.until > self._since:
            return page.until
        logger.warning(
            "%s: more worklogs than Jira lists in one answer have the millisecond %d; the rest of "
            "them it does not tell",
            *(self._path, self._since),
        )
        return self._since + 1


def recent(seen: dict[str, int], newest: int) -> dict[str, int]:
    """Return the changes that the next run's look-back from `newest` shows again."""
    return {key: at for key, at in seen.items() if at >= newest - MINUTE}


def bodies(client: JiraClient, ids: Sequence[str]) -> Iterator[Item]:
    """Yield the worklogs of these ids that are there and that the user may see.

    Raises:
        TapError: Jira refused, did not answer, or answered something else.
    """
    for begin in range(0, len(ids), LISTED):
        order = {"ids": [int(id_) for id_ in ids[begin : begin + LISTED]]}
        answer = client.exchange("POST", LIST, partial(msgspec.json.encode, order))
        yield from part("", decode(answer, LIST, _decoder)).items


def issue_id(worklog: Item) -> str:
    """Return the id of the issue that a worklog says that it is of.

    Raises:
        AnswerError: it says none.
    """
    return identity(worklog, ("issueId",))


def changed_at(worklog: Item) -> int | None:
    """Return when a worklog was last changed (epoch ms); None where it does not say."""
    try:
        return parse_datetime(_text.decode(worklog["updated"]))
    except (AnswerError, KeyError, msgspec.ValidationError):
        return None
