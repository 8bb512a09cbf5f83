"""Who may ask: users with a time zone and the projects they see, and how a request names one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from zoneinfo import ZoneInfo

from sandbox.issue import BASE

if TYPE_CHECKING:
    from werkzeug.datastructures import Authorization

Scheme = Literal["oauth1", "personal_token", "basic", "anonymous"]


@dataclass(frozen=True)
class User:
    """A user of the sandbox.

    Attributes:
        time_zone: IANA name; JQL literals are read and datetimes rendered in it.
        projects: keys of the projects the user sees; None for all.
        password: for basic authentication; None when it is not allowed.
        personal_token: for `Authorization: Bearer`; None when there is none.
    """

    name: str
    display_name: str
    time_zone: str = "Europe/Berlin"
    projects: frozenset[str] | None = None
    password: str | None = None
    personal_token: str | None = None

    @property
    def zone(self) -> ZoneInfo:
        """The user's time zone."""
        return ZoneInfo(self.time_zone)

    def sees(self, project_key: str) -> bool:
        """Whether the project exists for this user."""
        return self.projects is None or project_key in self.projects

    def myself(self) -> dict[str, Any]:
        """The answer of `/rest/api/2/myself` on Data Center: `name` and `key`, no `accountId`."""
        avatar = f"{BASE}/secure/useravatar?avatarId=10122"
        sizes = {
            "48x48": "",
            "24x24": "&size=small",
            "16x16": "&size=xsmall",
            "32x32": "&size=medium",
        }
        groups = [
            {
                "name": "jira-software-users",
                "self": f"{BASE}/rest/api/2/group?groupname=jira-software-users",
            }
        ]
        return {
            "self": f"{BASE}/rest/api/2/user?username={self.name}",
            "key": "JIRAUSER10000",
            "name": self.name,
            "emailAddress": f"{self.name}@example.com",
            "avatarUrls": {size: avatar + suffix for size, suffix in sizes.items()},
            "displayName": self.display_name,
            "active": True,
            "deleted": False,
            "timeZone": self.time_zone,
            "locale": "en_US",
            "groups": {"size": 1, "items": groups},
            "applicationRoles": {"size": 1, "items": []},
            "expand": "groups,applicationRoles",
        }


NOBODY = User("anonymous", "Anonymous", time_zone="UTC", projects=frozenset())
"""Who asks when nobody signed in: sees no project."""


@dataclass(frozen=True)
class Identity:
    """Who a request comes from, and how it said so.

    Attributes:
        failed: credentials came and were wrong, which Jira serves as anonymous with a header that says so.
    """

    user: User
    scheme: Scheme
    failed: bool = False

    @property
    def anonymous(self) -> bool:
        """Whether nobody is signed in."""
        return self.user is NOBODY


@dataclass(frozen=True)
class Directory:
    """The users; the first is the one who consents on the authorize page."""

    users: tuple[User, ...]

    @property
    def default(self) -> User:
        """The user behind the browser."""
        return self.users[0]

    def named(self, name: str) -> User:
        """The user of that name; LookupError when there is none."""
        for user in self.users:
            if user.name == name:
                return user
        raise LookupError(f"the sandbox has no user {name!r}")

    def identify(self, authorization: Authorization | None) -> Identity:
        """The user of a bearer token or of basic credentials; wrong ones make the request anonymous."""
        if authorization is None or authorization.type not in {"bearer", "basic"}:
            return Identity(NOBODY, "anonymous")
        for user in self.users:
            if authorization.type == "bearer" and user.personal_token is not None:
                if authorization.token == user.personal_token:
                    return Identity(user, "personal_token")
            elif authorization.type == "basic" and user.password is not None:
                given = (authorization.username, authorization.password)
                if given == (user.name, user.password):
                    return Identity(user, "basic")
        return Identity(NOBODY, "anonymous", failed=True)
