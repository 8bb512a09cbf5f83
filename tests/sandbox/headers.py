"""The headers that Jira's own filters put on every answer of a resource."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote_plus

from sandbox.nodes import SESSION, Nodes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from werkzeug import Request, Response

    from sandbox.clock import Clock
    from sandbox.users import Identity


@dataclass
class Headers:
    """Request number, node, user, reason of the sign-in, rate limit, session."""

    clock: Clock
    nodes: Nodes
    path: str
    cloud: bool
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    def put(
        self,
        response: Response,
        request: Request,
        identity: Identity,
        node: str,
        limits: Mapping[str, str],
    ) -> None:
        """Add them; `limits` are those of the rate limit, empty where it does not show."""
        headers = response.headers
        number = f"{int(self.clock.now()) // 60 % 1440}x{next(self._numbers)}x1"
        headers.setdefault("X-AREQUESTID", number)
        headers.setdefault("Cache-Control", "no-cache, no-store, no-transform")
        if not self.cloud:
            headers.setdefault("X-ANODEID", node)
            headers["X-AUSERNAME"] = quote_plus(identity.user.name)
        if identity.failed:
            headers["X-Seraph-LoginReason"] = "AUTHENTICATED_FAILED"
        elif not identity.anonymous:
            headers["X-Seraph-LoginReason"] = "OK"
        for name, value in limits.items():
            headers.setdefault(name, value)
        if SESSION not in request.cookies and not self.cloud:
            session = self.nodes.session(node)
            response.set_cookie(SESSION, session, path=self.path, httponly=True)
