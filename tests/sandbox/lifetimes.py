"""How long everything lives that a sign-in hands out, in seconds; a test shortens what it wants to see expire."""

from __future__ import annotations

from dataclasses import dataclass

_DAY = 86_400


@dataclass(frozen=True)
class Lifetimes:
    """The defaults are Jira's own; Data Center lets an administrator change each of its own by a system property.

    Attributes:
        request_token: OAuth 1.0a, between the first step and the last.
        access_token: OAuth 1.0a; five years.
        session: OAuth 1.0a, in which the session handle renews; the access token's and 30 days.
        code: the authorization code of Data Center's OAuth 2.0.
        bearer: an OAuth 2.0 access token, on Data Center and on Cloud.
        refresh_token: Data Center, and on Cloud as long as nobody uses it.
        cloud_code: the authorization code of Cloud.
        cloud_grant: on Cloud the end of all refreshing, however busy; then the user is asked again.
        cloud_reuse: on Cloud, in which a refresh token that was rotated away still works.
    """

    request_token: float = 600
    access_token: float = 157_680_000
    session: float = 160_272_000
    code: float = 10
    bearer: float = 3600
    refresh_token: float = 90 * _DAY
    cloud_code: float = 600
    cloud_grant: float = 365 * _DAY
    cloud_reuse: float = 600

    def __post_init__(self) -> None:
        """ValueError for a time that is not positive."""
        for name, seconds in vars(self).items():
            if seconds <= 0:
                raise ValueError(f"a lifetime is more than 0 seconds, not {name}={seconds}")
