"""What people have made to look at issues."""

from __future__ import annotations

from tap_jira_oauth.paging import Values
from tap_jira_oauth.streams.reference import ReferenceStream

_EXPAND = (
    "description,owner,jql,viewUrl,searchUrl,favourite,favouritedCount,sharePermissions,"
    "editPermissions,isWritable"
)


class FiltersStream(ReferenceStream):
    """The saved filters that the user may see; on Data Center those that he has marked as favourites."""

    name = "filters"
    path = "/rest/api/2/filter/favourite"
    cloud_path = f"/rest/api/2/filter/search?expand={_EXPAND}"
    cloud_paging = Values(100)


class DashboardsStream(ReferenceStream):
    """The dashboards that the user may see."""

    name = "dashboards"
    path = "/rest/api/2/dashboard"
    paging = Values(50, "dashboards")


VIEWS_STREAMS = (
    DashboardsStream,
    FiltersStream,
)
