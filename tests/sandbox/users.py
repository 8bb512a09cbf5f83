"""Who may ask: users with a time zone and the projects they see, and how a request names one."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from sandbox.clock import Clock
from sandbox.issue import BASE
from sandbox.problems import CaptchaError, OAuthProblemError

if TYPE_CHECKING:
    from werkzeug.datastructures import Authorization

Scheme = Literal["oauth1", "oauth2", "personal_token", "basic", "anonymous"]

ATTEMPTS: Final = 3
"""How many wrong passwords in a row Jira takes before it wants a CAPTCHA solved."""


@dataclass(frozen=True)
class User:
    """A user of the sandbox.

    Attributes:
        time_zone: IANA name; JQL literals are read and datetimes rendered in it.
        projects: keys of the projects the user sees; None for all.
        password: for basic authentication; None when it is not allowed.
        personal_token: for `Authorization: Bearer`; None when there is none.
        personal_token_expires: seconds since 1970; None for never.
        administrator: whether the lists of administrators are shown.
    """

    name: str
    display_name: str
    time_zone: str = "Europe/Berlin"
    projects: frozenset[str] | None = None
    password: str | None = None
    personal_token: str | None = None
    personal_token_expires: float | None = None
    administrator: bool = True

    def __post_init__(self) -> None:
        """ValueError for a time zone that does not exist, or no name."""
        if not self.name:
            raise ValueError("a user needs a name")
        try:
            ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(
                f"user {self.name!r}: {self.time_zone!r} is no IANA time zone such as Europe/Berlin"
            ) from error

    @property
    def anonymous(self) -> bool:
        """Whether nobody is signed in."""
        return self is NOBODY

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
        return self.user.anonymous


class UserOrder(msgspec.Struct, forbid_unknown_fields=True):
    """A user as JSON, on the command line and from `/_sandbox/users`; see `User`. Without `projects` he sees all."""

    name: str
    display_name: str = ""
    time_zone: str = "Europe/Berlin"
    projects: frozenset[str] | None = None
    password: str | None = None
    personal_token: str | None = None
    personal_token_expires: float | None = None
    administrator: bool = True

    def user(self) -> User:
        """The user; ValueError for a time zone that does not exist."""
        return User(
            **{**msgspec.structs.asdict(self), "display_name": self.display_name or self.name}
        )


def read_user(text: str) -> User:
    """The user in a JSON text; ValueError says what is wrong with it."""
    try:
        return msgspec.json.decode(text, type=UserOrder).user()
    except msgspec.MsgspecError as error:
        raise ValueError(f"{text!r} is no user: {error}") from error


@dataclass
class Directory:
    """The users; the first is the one who consents on the authorize page unless the page is told another.

    Safe to use from many threads.
    """

    users: tuple[User, ...]
    clock: Clock = field(default_factory=Clock)
    _refused: set[str] = field(default_factory=set)
    _failures: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

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

    def put(self, user: User) -> None:
        """Add a user, or give the one of that name other properties; tokens keep working and follow."""
        with self._lock:
            names = [other.name for other in self.users]
            if user.name in names:
                self.users = tuple(
                    user if user.name == other.name else other for other in self.users
                )
            else:
                self.users = (*self.users, user)

    def remove(self, name: str) -> None:
        """Delete a user: his passwords end, his OAuth tokens answer 403. LookupError when there is none."""
        gone = self.named(name)
        with self._lock:
            if len(self.users) == 1:
                raise ValueError(f"{name!r} is the only user; the sandbox needs one")
            self.users = tuple(user for user in self.users if user is not gone)

    def refuse(self, name: str, *, refused: bool) -> None:
        """Turn a user away with `user_refused`, or no longer; LookupError when there is none."""
        self.named(name)
        with self._lock:
            (self._refused.add if refused else self._refused.discard)(name)

    def solve_captcha(self, name: str) -> None:
        """Forget the wrong passwords of a user, as if he had signed in with the CAPTCHA; LookupError for nobody."""
        self.named(name)
        with self._lock:
            del self._failures[name]

    def behind_token(self, name: str) -> User:
        """The user for whom an OAuth token stands, as he is now; OAuthProblemError when he is gone or refused."""
        found = next((user for user in self.users if user.name == name), None)
        if found is None:
            raise OAuthProblemError("user_unknown")
        if name in self._refused:
            raise OAuthProblemError("user_refused")
        return found

    def identify(self, authorization: Authorization | None) -> Identity:
        """The user of a bearer token or of basic credentials; wrong ones make the request anonymous.

        CaptchaError for basic credentials, right or wrong, of a user with too many failures.
        """
        if authorization is None or authorization.type not in {"bearer", "basic"}:
            return Identity(NOBODY, "anonymous")
        if authorization.type == "basic":
            return self._basic(authorization.username or "", authorization.password or "")
        for user in self.users:
            if user.personal_token is not None and authorization.token == user.personal_token:
                expires = user.personal_token_expires
                if expires is None or expires > self.clock.now():
                    return Identity(user, "personal_token")
        return Identity(NOBODY, "anonymous", failed=True)

    def _basic(self, name: str, password: str) -> Identity:
        user = next((user for user in self.users if user.name == name), None)
        if user is None or user.password is None:
            return Identity(NOBODY, "anonymous", failed=True)
        with self._lock:
            if self._failures[name] >= ATTEMPTS:
                raise CaptchaError
            if password != user.password:
                self._failures[name] += 1
                return Identity(NOBODY, "anonymous", failed=True)
            del self._failures[name]
        return Identity(user, "basic")
