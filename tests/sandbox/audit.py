"""The audit log of a Jira: who was put into which group, one record an hour of the server's life so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from werkzeug.routing import Rule

from sandbox import times
from sandbox.render import localised
from sandbox.rest import answer, refusal, unauthorised

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from werkzeug import Response

    from sandbox.asked import Asked
    from sandbox.rest import Rest

    Body = dict[str, Any]

MADE: Final = 1_205
"""Records with which a sandbox begins: more than an answer holds."""
MOST: Final = 1000
_HOUR: Final = 3_600_000

RULES: Final = (Rule("/rest/api/<any('2','3',latest):version>/auditing/record", endpoint="audit"),)


@dataclass
class AuditLog:
    """Moments (epoch ms) of the records, the newest first; `add` appends one that happens now."""

    moments: list[int] = field(default_factory=list)

    def add(self, at: int) -> None:
        """Log one more."""
        self.moments.insert(0, at)


@dataclass(frozen=True)
class Audit:
    """One method a resource."""

    rest: Rest
    log: AuditLog

    def endpoints(self) -> dict[str, Callable[..., Response]]:
        """The handlers by the names in `RULES`."""
        return {"audit": self.records}

    def records(self, asked: Asked) -> Response:
        """`offset`, `limit` (at most 1,000), `from` and `to`, both included."""
        if asked.identity.anonymous:
            return unauthorised(asked.base)
        args = asked.request.args
        try:
            since, until = (
                times.parse(args[name]) if name in args else usual
                for name, usual in (("from", 0), ("to", self.rest.clock.now_ms()))
            )
            offset, limit = int(args.get("offset", 0)), int(args.get("limit", MOST))
        except ValueError as error:
            return refusal(400, str(error))
        log = self._moments()
        found = [(len(log) - i, at) for i, at in enumerate(log) if since <= at <= until]
        cut = found[offset : offset + min(limit, MOST)]
        records = [_record(number, at) for number, at in cut]
        envelope = {"offset": offset, "limit": min(limit, MOST), "total": len(found)}
        return answer({**envelope, "records": localised(records, asked.identity.user.zone)}, asked)

    def _moments(self) -> Sequence[int]:
        if not self.log.moments:
            now = self.rest.clock.now_ms()
            self.log.moments += [now - _HOUR * age for age in range(1, MADE + 1)]
        return self.log.moments


def _record(number: int, at: int) -> Body:
    return {
        "id": number,
        "summary": "User added to group",
        "remoteAddress": "192.0.2.7",
        "authorKey": "admin",
        "created": times.render(at),
        "category": "group management",
        "eventSource": "",
        "objectItem": {"name": "developers", "typeName": "GROUP", "parentId": "1"},
        "associatedItems": [{"id": "alice", "name": "alice", "typeName": "USER"}],
    }
