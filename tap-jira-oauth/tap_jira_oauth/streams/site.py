"""What this Jira is and allows."""

from __future__ import annotations

from typing import ClassVar

from tap_jira_oauth.paging import Mapped, Single
from tap_jira_oauth.streams.reference import ReferenceStream


class PermissionsStream(ReferenceStream):
    """Every permission that there is, whoever has it."""

    name = "permissions"
    primary_keys: ClassVar[tuple[str, ...]] = ("key",)
    path = "/rest/api/2/permissions"
    paging = Mapped("permissions")


class ServerInfoStream(ReferenceStream):
    """One record: what this Jira is."""

    name = "server_info"
    primary_keys: ClassVar[tuple[str, ...]] = ("baseUrl",)
    path = "/rest/api/2/serverInfo"
    paging = Single()


SITE_STREAMS = (
    PermissionsStream,
    ServerInfoStream,
)
