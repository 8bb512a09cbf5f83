"""Which node of the cluster answers: the one that the session cookie names, else one after the other."""

from __future__ import annotations

import itertools
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

SESSION = "JSESSIONID"
NODE = "X-ANODEID"


@dataclass
class Nodes:
    """The load balancer in front of the nodes. Sessions stick to a node by the suffix of their id, as Tomcat's do."""

    names: tuple[str, ...]
    _turn: itertools.count[int] = field(default_factory=itertools.count)

    def chosen(self, cookies: Mapping[str, str]) -> str:
        """The node for a request."""
        session = cookies.get(SESSION, "").partition(".")[2]
        for name in (cookies.get(NODE, ""), session):
            if name in self.names:
                return name
        return self.names[next(self._turn) % len(self.names)]

    def session(self, node: str) -> str:
        """A new session id on a node."""
        return f"{secrets.token_hex(16).upper()}.{node}"
