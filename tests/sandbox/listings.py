"""The lists of administrators and of what people have saved, each with the paging and the right that Jira has for it.

A list is one entry of a table. Whoever is not signed in gets 401, who is no administrator 403 where that is asked for;
what only one flavour has is "null for uri" on the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from werkzeug.routing import Rule

from sandbox.administration import API
from sandbox.listed_people import PEOPLE_LISTINGS
from sandbox.listed_schemes import SCHEME_LISTINGS
from sandbox.listing import Wanted
from sandbox.pages import PageError
from sandbox.rest import answer, refusal, unauthorised

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug import Response

    from sandbox.asked import Asked
    from sandbox.listing import Listing
    from sandbox.rest import Rest

_RULE: Final = "/rest/api/<any('2','3',latest):version>/"
_NOT_ADMIN: Final = (
    "You are not authorized to perform this action. Administrator privileges are required."
)

LISTINGS: Final = (*PEOPLE_LISTINGS, *SCHEME_LISTINGS)

RULES: Final = tuple(
    Rule(_RULE + path, endpoint=path, methods=["GET"])
    for path in dict.fromkeys(listing.path for listing in LISTINGS)
)


@dataclass(frozen=True)
class Listings:
    """The handlers of the table."""

    rest: Rest
    cloud: bool

    def endpoints(self) -> dict[str, Callable[..., Response]]:
        """By the names in `RULES`."""
        mine = [listing for listing in LISTINGS if self.cloud in listing.flavors]
        return {listing.path: self._handler(listing) for listing in mine}

    def _handler(self, listing: Listing) -> Callable[..., Response]:
        def handler(asked: Asked, *parts: str) -> Response:
            user = asked.identity.user
            if user.anonymous:
                return unauthorised(asked.base)
            if not (listing.everybody or user.administrator):
                return refusal(listing.refused, _NOT_ADMIN)
            wanted = Wanted(self.rest.corpus.administration, asked)
            found = listing.find(wanted, *parts)
            if found is None:
                return refusal(404, f"There is nothing at {asked.request.path}.")
            try:
                shown = listing.shown(asked.request.args, found, f"{API}/{listing.path}")
            except PageError as error:
                return refusal(400, str(error))
            return answer(shown, asked)

        return handler
