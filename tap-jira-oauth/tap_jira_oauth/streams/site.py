"""What this Jira is and allows."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from typing_extensions import override

from tap_jira_oauth.paging import Mapped, Single
from tap_jira_oauth.streams.reference import ReferenceStream
from tap_jira_oauth.streams.rights import ADMINISTER_JIRA

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_jira_oauth.jira import Jira
    from tap_jira_oauth.paging import Item


class PermissionsStream(ReferenceStream):
    """Every permission that there is, whoever has it."""

    name = "permissions"
    primary_keys: ClassVar[tuple[str, ...]] = ("key",)
    path = "/rest/api/2/permissions"
    paging = Mapped("permissions")
    right = f"on Data Center {ADMINISTER_JIRA}"


class ServerInfoStream(ReferenceStream):
    """One record: what this Jira is."""

    name = "server_info"
    primary_keys: ClassVar[tuple[str, ...]] = ("baseUrl",)
    path = "/rest/api/2/serverInfo"
    paging = Single()


class JiraSettingsStream(ReferenceStream):
    """The settings of the page "Advanced settings", those that were never changed, too."""

    name = "jira_settings"
    primary_keys: ClassVar[tuple[str, ...]] = ("key",)
    path = "/rest/api/2/application-properties/advanced-settings"
    right = ADMINISTER_JIRA


class TimeTrackingStream(ReferenceStream):
    """One record: whether time is tracked, and how long a day and a week are."""

    name = "time_tracking"
    primary_keys: ClassVar[tuple[str, ...]] = ("base_url",)
    path = "/rest/api/2/configuration"
    paging = Single()

    @override
    def items(self, jira: Jira) -> Iterator[Item]:
        """Yield what the configuration says of it."""
        for body in super().items(jira):
            enabled = body.get("timeTrackingEnabled")
            details = body.get("timeTrackingConfiguration") or {}
            yield {"base_url": jira.settings.api_url, "enabled": enabled, **details}


SITE_STREAMS = (
    JiraSettingsStream,
    PermissionsStream,
    ServerInfoStream,
    TimeTrackingStream,
)
