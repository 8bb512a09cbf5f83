"""Who is there, in which groups, and with access to which applications."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar
from urllib.parse import quote

from typing_extensions import override

from tap_jira_oauth.errors import AccessError
from tap_jira_oauth.paging import Picker, Slices, Values
from tap_jira_oauth.streams.reference import OfParentsStream, Parent, ReferenceStream
from tap_jira_oauth.streams.rights import ADMINISTER_JIRA, BROWSE_USERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_jira_oauth.jira import Jira
    from tap_jira_oauth.paging import Item


def _some(entries: Iterator[Item]) -> Iterator[Item]:
    """Yield entries of which there are some on every Jira.

    Raises:
        AccessError: there are none: to who may not browse them Jira shows an empty list.
    """
    first = next(entries, None)
    if first is None:
        raise AccessError("Jira lists none.")
    yield first
    yield from entries


def as_user(body: Item) -> Item:
    """Give a user the id that other records refer to; a deleted one may have nothing but the name."""
    return {"id": body.get("accountId") or body.get("key") or body["name"], **body}


class UsersStream(ReferenceStream):
    """Everybody whom the user may browse, inactive ones, too. Data Center takes "." for everybody."""

    name = "users"
    path = "/rest/api/2/user/search?username=.&includeInactive=true"
    paging = Slices(1000)
    cloud_path = "/rest/api/2/users/search"
    right = BROWSE_USERS

    @override
    def items(self, jira: Jira) -> Iterator[Item]:
        """Yield them with an id that both flavours have."""
        return map(as_user, _some(super().items(jira)))


class GroupsStream(ReferenceStream):
    """Every group. Data Center lists them only as its group picker does."""

    name = "groups"
    path = "/rest/api/2/groups/picker?query="
    paging = Picker("groups")
    cloud_path = "/rest/api/2/group/bulk"
    cloud_paging = Values()
    right = BROWSE_USERS

    @override
    def items(self, jira: Jira) -> Iterator[Item]:
        """Yield them with an id that both flavours have; on Data Center it is the name."""
        for group in _some(super().items(jira)):
            yield {"id": group.get("groupId") or group["name"], **group}


class GroupMembersStream(OfParentsStream):
    """Who is in each group, or in a group within it; inactive users, too."""

    name = "group_members"
    primary_keys: ClassVar[tuple[str, ...]] = ("group_id", "id")
    path = "/rest/api/2/group/member?groupname={}&includeInactiveUsers=true"
    paging = Values()
    cloud_path = "/rest/api/2/group/member?groupId={}&includeInactiveUsers=true"
    right = ADMINISTER_JIRA

    @override
    def parents(self, jira: Jira) -> Iterator[Parent]:
        """Each group."""
        for group in _some(self.listed(jira, *GroupsStream.at(jira))):
            key, name = group.get("groupId") or group["name"], group["name"]
            keys = {"group_id": key, "group_name": name}
            yield Parent(quote(key, safe=""), f"group {name}", keys)

    @override
    def items(self, jira: Jira) -> Iterator[Item]:
        """Yield them with the id of the user."""
        return map(as_user, super().items(jira))


class ApplicationRolesStream(ReferenceStream):
    """Which groups may use which application, and how many seats are taken."""

    name = "application_roles"
    primary_keys: ClassVar[tuple[str, ...]] = ("key",)
    path = "/rest/api/2/applicationrole"
    right = ADMINISTER_JIRA


PEOPLE_STREAMS = (
    ApplicationRolesStream,
    GroupMembersStream,
    GroupsStream,
    UsersStream,
)
