"""The resources below issues: comments, worklogs, changelogs, remote links, and the server-wide lists of worklogs.

Paging differs: comments page, worklogs come whole on Data Center, changelogs page on Cloud and exist on Data Center only
inside an issue (`expand=changelog`), `worklog/updated` walks in time by pages of 1,000.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from werkzeug.routing import Rule

from sandbox import times
from sandbox.issue import BASE
from sandbox.pages import PageError, Slice
from sandbox.reference import STATUSES
from sandbox.render import localised
from sandbox.rest import answer, nowhere, refusal, unauthorised
from sandbox.worklog_log import WorklogLog

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from werkzeug import Response

    from sandbox.asked import Asked
    from sandbox.children import Children
    from sandbox.issue import Issue
    from sandbox.rest import Rest

    Body = dict[str, Any]

CHANGELOG_PAGE: Final = 100
BULK_PAGE: Final = 1000
BULK_ISSUES: Final = 1000
BULK_FIELDS: Final = 10
LISTED_WORKLOGS: Final = 1000
_UNPAGED: Final = 1_048_576
"""What Data Center echoes as `maxResults` of comments when nobody asked for a page."""
_CLOUD_CHILDREN: Final = 5000
_API: Final = "/rest/api/<any('2','3',latest):version>"

RULES: Final = (
    Rule(f"{_API}/issue/<name>/comment", endpoint="comments", methods=["GET"]),
    Rule(f"{_API}/issue/<name>/comment/<id_>", endpoint="comment", methods=["GET"]),
    Rule(f"{_API}/issue/<name>/worklog", endpoint="worklogs", methods=["GET"]),
    Rule(f"{_API}/issue/<name>/worklog/<id_>", endpoint="worklog", methods=["GET"]),
    Rule(f"{_API}/issue/<name>/changelog", endpoint="changelog", methods=["GET"]),
    Rule(f"{_API}/issue/<name>/remotelink", endpoint="remote_links", methods=["GET"]),
    Rule(f"{_API}/issue/<name>/watchers", endpoint="watchers", methods=["GET"]),
    Rule(f"{_API}/issue/<name>/votes", endpoint="votes", methods=["GET"]),
    Rule(f"{_API}/issue/<name>/transitions", endpoint="transitions", methods=["GET"]),
    Rule(f"{_API}/changelog/bulkfetch", endpoint="bulk_changelogs", methods=["POST"]),
    Rule(f"{_API}/worklog/updated", endpoint="worklog/updated", methods=["GET"]),
    Rule(f"{_API}/worklog/deleted", endpoint="worklog/deleted", methods=["GET"]),
    Rule(f"{_API}/worklog/list", endpoint="worklog/list", methods=["POST"]),
)


@dataclass(frozen=True)
class IssueResources:
    """One method a resource."""

    rest: Rest
    cloud: bool
    _log: WorklogLog = field(default_factory=WorklogLog)

    def endpoints(self) -> dict[str, Callable[..., Response]]:
        """The handlers by the names in `RULES`."""
        return {
            "comments": self.comments,
            "comment": self.comment,
            "worklogs": self.worklogs,
            "worklog": self.worklog,
            "changelog": self.changelog,
            "remote_links": self.remote_links,
            "watchers": self.watchers,
            "votes": self.votes,
            "transitions": self.transitions,
            "bulk_changelogs": self.bulk_changelogs,
            "worklog/updated": self.worklogs_updated,
            "worklog/deleted": self.worklogs_deleted,
            "worklog/list": self.worklog_list,
        }

    @property
    def children(self) -> Children:
        """Where they come from."""
        return self.rest.corpus.children

    def comments(self, asked: Asked, name: str) -> Response:
        """`startAt`, `maxResults`, `orderBy` (`created` or `-created`); all of them where no page is asked for."""
        issue = self._issue(asked, name)
        if issue is None:
            return _no_issue()
        order = asked.request.args.get("orderBy", "created")
        if order not in {"created", "-created", "+created"}:
            return refusal(400, f"The value '{order}' of 'orderBy' is not supported.")
        found = self.children.comments(issue)
        if order == "-created":
            found.reverse()
        most = _CLOUD_CHILDREN if self.cloud else _UNPAGED
        return self._page(asked, "comments", found, most)

    def comment(self, asked: Asked, name: str, id_: str) -> Response:
        """One comment."""
        issue = self._issue(asked, name)
        return self._one(asked, "comment", self.children.comments(issue) if issue else [], id_)

    def worklogs(self, asked: Asked, name: str) -> Response:
        """All worklogs; Cloud also takes `startAt` and `maxResults`, which Data Center passes over."""
        issue = self._issue(asked, name)
        if issue is None:
            return _no_issue()
        found = self.children.worklogs(issue)
        if self.cloud or self.rest.list_cap:
            return self._page(asked, "worklogs", found, _CLOUD_CHILDREN)
        return self._shown(asked, Slice(0, len(found)).named("worklogs", found))

    def worklog(self, asked: Asked, name: str, id_: str) -> Response:
        """One worklog."""
        issue = self._issue(asked, name)
        return self._one(asked, "worklog", self.children.worklogs(issue) if issue else [], id_)

    def changelog(self, asked: Asked, name: str) -> Response:
        """Cloud's pages of at most 100, oldest first. Data Center has no such resource."""
        if not self.cloud:
            return _nothing(asked)
        issue = self._issue(asked, name)
        if issue is None:
            return _no_issue()
        try:
            part = Slice.of(asked.request.args, usual=CHANGELOG_PAGE, most=CHANGELOG_PAGE)
        except PageError as error:
            return refusal(400, str(error))
        url = f"{BASE}/rest/api/2/issue/{issue.key}/changelog"
        return self._shown(asked, part.values(url, self.children.histories(issue)))

    def bulk_changelogs(self, asked: Asked) -> Response:
        """Cloud's `changelog/bulkfetch`: up to 1,000 issues and 10 fields, histories with `created` in milliseconds.

        A page holds `maxResults` histories, whatever issues they belong to; `nextPageToken` counts them.
        """
        if not self.cloud:
            return _nothing(asked)
        sent = asked.request.get_json(silent=True)
        sent = sent if isinstance(sent, dict) else {}
        names, wanted = sent.get("issueIdsOrKeys"), sent.get("fieldIds") or []
        if not isinstance(names, list) or not 0 < len(names) <= BULK_ISSUES:
            return refusal(400, f"issueIdsOrKeys must hold 1 to {BULK_ISSUES} issue ids or keys.")
        if not isinstance(wanted, list) or len(wanted) > BULK_FIELDS:
            return refusal(400, f"fieldIds must hold at most {BULK_FIELDS} field ids.")
        size, token = sent.get("maxResults", BULK_PAGE), sent.get("nextPageToken") or "0"
        if not isinstance(size, int) or size < 1 or not str(token).isdecimal():
            return refusal(400, "maxResults or nextPageToken is invalid.")
        start, found = int(token), self._histories(asked, names, frozenset(map(str, wanted)))
        grouped: dict[str, list[Body]] = {}
        for id_, history in found[start : start + size]:
            at = times.parse(history["created"])
            grouped.setdefault(id_, []).append({**history, "created": at})
        logs = [{"issueId": id_, "changeHistories": several} for id_, several in grouped.items()]
        end = start + size
        more = {"nextPageToken": str(end)} if end < len(found) else {}
        return self._shown(asked, {"issueChangeLogs": logs, **more})

    def remote_links(self, asked: Asked, name: str) -> Response:
        """A bare array."""
        issue = self._issue(asked, name)
        return self._shown(asked, self.children.remote_links(issue)) if issue else _no_issue()

    def watchers(self, asked: Asked, name: str) -> Response:
        """How many watch an issue, and who."""
        return self._people(asked, name, "watchers", ("watchCount", "watchers"))

    def votes(self, asked: Asked, name: str) -> Response:
        """How many have voted for an issue, and who."""
        return self._people(asked, name, "votes", ("votes", "voters"))

    def transitions(self, asked: Asked, name: str) -> Response:
        """One to each other status."""
        issue = self._issue(asked, name)
        if issue is None:
            return _no_issue()
        found = [
            {"id": f"{status['id']}1", "name": f"To {status['name']}", "to": status}
            for status in STATUSES
            if status["id"] != issue.fields["status"]["id"]
        ]
        return self._shown(asked, {"expand": "transitions", "transitions": found})

    def _people(self, asked: Asked, name: str, kind: str, members: tuple[str, str]) -> Response:
        issue = self._issue(asked, name)
        if issue is None:
            return _no_issue()
        found = self.children.people(kind, issue.id)
        link = {"self": f"{BASE}/rest/api/2/issue/{issue.key}/{kind}"}
        return self._shown(asked, {**link, members[0]: len(found), members[1]: found})

    def worklogs_updated(self, asked: Asked) -> Response:
        """Ids and moments of worklogs from `since` on, 1,000 a page."""
        log = self._log.of(self.rest.corpus)
        return self._moments(asked, "updated", log.updated)

    def worklogs_deleted(self, asked: Asked) -> Response:
        """Ids and moments of deletions from `since` on, 1,000 a page."""
        log = self._log.of(self.rest.corpus)
        return self._moments(asked, "deleted", log.deleted)

    def worklog_list(self, asked: Asked) -> Response:
        """The worklogs of up to 1,000 ids, without those that the user may not see or that are gone."""
        if asked.identity.anonymous:
            return unauthorised(asked.base)
        sent = asked.request.get_json(silent=True)
        ids = sent.get("ids") if isinstance(sent, dict) else None
        if not isinstance(ids, list) or not all(isinstance(id_, int) for id_ in ids):
            return refusal(400, "'ids' must be an array of worklog ids.")
        if len(ids) > LISTED_WORKLOGS:
            return refusal(400, f"At most {LISTED_WORKLOGS} worklogs can be asked for at once.")
        log, snapshot = self._log.of(self.rest.corpus), self.rest.corpus.snapshot()
        wanted = dict.fromkeys(map(str, ids))
        homes = dict.fromkeys(log.issue_of[id_] for id_ in wanted if id_ in log.issue_of)
        issues = [snapshot.find(home, asked.identity.user) for home in homes]
        held = [body for issue in issues if issue for body in self.children.worklogs(issue)]
        found = [body for body in held if body["id"] in wanted]
        return self._shown(asked, found)

    def _moments(self, asked: Asked, name: str, entries: Sequence[tuple[int, str]]) -> Response:
        if asked.identity.anonymous:
            return unauthorised(asked.base)
        since = asked.request.args.get("since", "0")
        if not since.isdecimal():
            return refusal(400, f"The value '{since}' of 'since' is not a number of milliseconds.")
        url = f"{BASE}/rest/api/2/worklog/{name}"
        body = WorklogLog.page(url, entries, int(since), self.rest.clock.now_ms())
        return answer(body, asked)

    def _histories(
        self, asked: Asked, names: Sequence[Any], wanted: frozenset[str]
    ) -> list[tuple[str, Body]]:
        snapshot = self.rest.corpus.snapshot()
        issues = [snapshot.find(str(name), asked.identity.user) for name in names]
        return [
            (issue.id, history)
            for issue in issues
            if issue is not None
            for history in self.children.histories(issue)
            if not wanted or wanted & {item["field"] for item in history["items"]}
        ]

    def _issue(self, asked: Asked, name: str) -> Issue | None:
        return self.rest.corpus.snapshot().find(name, asked.identity.user)

    def _one(self, asked: Asked, kind: str, found: Sequence[Body], id_: str) -> Response:
        for body in found:
            if body["id"] == id_:
                return self._shown(asked, body)
        return refusal(404, f"Can not find a {kind} for the id: {id_}.")

    def _page(self, asked: Asked, name: str, found: Sequence[Body], most: int) -> Response:
        most = self.rest.list_cap or most
        try:
            part = Slice.of(asked.request.args, usual=most, most=most)
        except PageError as error:
            return refusal(400, str(error))
        return self._shown(asked, part.named(name, found))

    def _shown(self, asked: Asked, value: object) -> Response:
        return answer(localised(value, asked.identity.user.zone), asked)


def _no_issue() -> Response:
    return refusal(404, "Issue Does Not Exist")


def _nothing(asked: Asked) -> Response:
    return nowhere(asked.request.base_url)
