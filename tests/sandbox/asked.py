"""A request as the resources see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from werkzeug import Request

    from sandbox.users import Identity


@dataclass(frozen=True)
class Asked:
    """A request with who asks, the base URL he used, the node that answers, and whether this is Cloud."""

    request: Request
    identity: Identity
    base: str
    node: str
    cloud: bool = False

    @property
    def documents(self) -> bool:
        """Whether long texts are documents: in version 3 of Cloud's API."""
        return self.cloud and "/rest/api/3/" in self.request.path
