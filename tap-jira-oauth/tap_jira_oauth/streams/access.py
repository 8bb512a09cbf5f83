"""Who may do what, who is told of what, and which issues are for few."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import override

from tap_jira_oauth.paging import Values, Whole
from tap_jira_oauth.streams.reference import OfParentsStream, Parent, ReferenceStream
from tap_jira_oauth.streams.rights import ADMINISTER_JIRA

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_jira_oauth.jira import Jira
    from tap_jira_oauth.paging import Item


class PermissionSchemesStream(ReferenceStream):
    """Every permission scheme with what it grants to whom."""

    name = "permission_schemes"
    path = "/rest/api/2/permissionscheme?expand=permissions"
    paging = Whole("permissionSchemes")
    right = f"on Data Center {ADMINISTER_JIRA}"


class NotificationSchemesStream(ReferenceStream):
    """The notification schemes of the projects that the user administers, with who is told of what."""

    name = "notification_schemes"
    path = "/rest/api/2/notificationscheme?expand=notificationSchemeEvents"
    paging = Values()
    right = "the permission 'Administer Projects' in a project that uses the scheme"


class SecurityLevelsStream(OfParentsStream):
    """The levels of every issue security scheme; on Cloud they are one list."""

    name = "security_levels"
    path = "/rest/api/2/issuesecurityschemes/{}"
    paging = Whole("levels")
    cloud_path = "/rest/api/2/issuesecurityschemes/level"
    cloud_paging = Values()
    right = ADMINISTER_JIRA

    @override
    def parents(self, jira: Jira) -> Iterator[Parent]:
        """Each scheme of a Data Center."""
        path = "/rest/api/2/issuesecurityschemes"
        for scheme in self.listed(jira, path, Whole("issueSecuritySchemes")):
            keys = {
                "issueSecuritySchemeId": str(scheme["id"]),
                "defaultSecurityLevelId": scheme.get("defaultSecurityLevelId"),
            }
            yield Parent(scheme["id"], f"issue security scheme {scheme['name']}", keys)

    @override
    def items(self, jira: Jira) -> Iterator[Item]:
        """Yield them as Cloud has them: each names its scheme, and tells whether it is the default."""
        if jira.is_cloud:
            yield from self.listed(jira, *self.at(jira))
            return
        for level in super().items(jira):
            default = str(level["defaultSecurityLevelId"])
            yield {**level, "isDefault": level["id"] == default}


ACCESS_STREAMS = (
    NotificationSchemesStream,
    PermissionSchemesStream,
    SecurityLevelsStream,
)
