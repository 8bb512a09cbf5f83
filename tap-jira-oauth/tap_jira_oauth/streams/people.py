"""Who is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import override

from tap_jira_oauth.paging import Slices
from tap_jira_oauth.streams.reference import ReferenceStream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_jira_oauth.jira import Jira
    from tap_jira_oauth.paging import Item


class UsersStream(ReferenceStream):
    """Everybody whom the user may browse, inactive ones, too. `id` is what other records refer to."""

    name = "users"
    path = "/rest/api/2/user/search?username=.&includeInactive=true"
    paging = Slices(1000)

    @override
    def items(self, jira: Jira) -> Iterator[Item]:
        """Ask as the flavour wants it; Data Center takes "." for everybody."""
        path = "/rest/api/2/users/search" if jira.is_cloud else self.path
        for user in self.listed(jira, path, self.paging):
            # A deleted user of Data Center may have nothing left but the name.
            key = user.get("accountId") or user.get("key") or user["name"]
            yield {"id": key, **user}


PEOPLE_STREAMS = (UsersStream,)
