"""When each worklog of the server last changed, and which are gone: what `worklog/updated` and `worklog/deleted` walk.

`since` is inclusive, a page holds 1,000 entries, and the last minute is held back, so that a client that goes on from
`until` meets every change. More than 1,000 worklogs of one millisecond cannot be passed, as on a real server.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sandbox import times

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox.corpus import Corpus
    from sandbox.query import Snapshot

PAGE: Final = 1000
HELD_BACK_MS: Final = 60_000


@dataclass(frozen=True)
class Log:
    """Moments (ms) and ids in the order of time; `issue_of` gives the issue id of a worklog that exists."""

    updated: tuple[tuple[int, str], ...]
    deleted: tuple[tuple[int, str], ...]
    issue_of: dict[str, str]


@dataclass
class WorklogLog:
    """The log of a corpus, made when it is first asked for and again after a change."""

    _lock: threading.Lock = field(default_factory=threading.Lock)
    _made: tuple[Snapshot, Log] | None = None

    def of(self, corpus: Corpus) -> Log:
        """The log as of now."""
        snapshot = corpus.snapshot()
        with self._lock:
            if self._made is None or self._made[0] is not snapshot:
                self._made = snapshot, _read(corpus, snapshot)
            return self._made[1]

    @staticmethod
    def page(
        url: str, entries: Sequence[tuple[int, str]], since: int, now_ms: int
    ) -> dict[str, Any]:
        """One page from `since` (ms) on."""
        limit = now_ms - HELD_BACK_MS
        found = [entry for entry in entries if since <= entry[0] <= limit]
        shown = found[:PAGE]
        last = len(found) <= PAGE
        until = shown[-1][0] if shown else since
        values = [{"worklogId": int(id_), "updatedTime": at, "properties": []} for at, id_ in shown]
        following = {} if last else {"nextPage": f"{url}?since={until}"}
        head = {"values": values, "since": since, "until": until}
        return {**head, "self": f"{url}?since={since}", **following, "lastPage": last}


def _read(corpus: Corpus, snapshot: Snapshot) -> Log:
    updated, deleted, issue_of = [], [], {}
    for issue in snapshot.issues:
        for body in corpus.children.worklogs(issue):
            updated.append((times.parse(body["updated"]), body["id"]))
            issue_of[body["id"]] = issue.id
        deleted += [(at, id_) for id_, at in corpus.children.deleted_worklogs(issue)]
    return Log(tuple(sorted(updated)), tuple(sorted(deleted)), issue_of)
