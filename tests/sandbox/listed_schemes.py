"""Lists of fields, schemes, workflows, screens and what people have saved, each with Jira's paging."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sandbox.administration import API, group_id
from sandbox.fields import TEAMS_OWN, UNUSED
from sandbox.listing import (
    CLOUD,
    DATA_CENTER,
    Listing,
    held,
    numbered,
    pages,
    single,
    values,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox.listing import Wanted

    Body = dict[str, Any]


def _link_types(wanted: Wanted) -> list[Body]:
    return [
        {
            "id": str(number),
            "name": name,
            "inward": f"is inward of {name}",
            "outward": f"is outward of {name}",
            "self": f"{API}/issueLinkType/{number}",
        }
        for number, name in enumerate(wanted.administration.links, start=10_000)
    ]


def _issue_type_schemes(wanted: Wanted) -> list[Body]:
    found = wanted.administration.issue_type_schemes
    if wanted.asked.cloud:
        more = {"defaultIssueTypeId": "1", "isDefault": False}
        return [{key: body[key] for key in ("id", "name", "description")} | more for body in found]
    types = [*wanted.administration.reference.issue_types]
    return [{**body, "issueTypes": types, "defaultIssueType": types[0]} for body in found]


def _searched_fields(wanted: Wanted) -> list[Body]:
    """Fields by `type`, without those of a team's own project and with one that no visible project uses."""
    found = []
    for entry in (*wanted.administration.reference.fields, UNUSED):
        kind = "custom" if entry["custom"] else "system"
        if kind in wanted.args.get("type", kind).split(",") and entry["name"] != TEAMS_OWN:
            kept: Body = {name: entry[name] for name in ("id", "name", "schema") if name in entry}
            found.append({**kept, "description": f"What people enter\n as {entry['name']}."})
    return found


def _contexts(wanted: Wanted, field: str) -> Sequence[Any] | None:
    found = [each.body for each in wanted.administration.contexts if each.field == field]
    return found or None


def _options(wanted: Wanted, field: str, context: str) -> Sequence[Any] | None:
    known = wanted.administration.contexts
    return next((each.options for each in known if (each.field, each.id) == (field, context)), None)


def _all_options(wanted: Wanted, number: str) -> Sequence[Any] | None:
    """Data Center's: by the number of the field; ids are numbers, and those of a list below are named."""
    field = f"customfield_{number}"
    mine = [each for each in wanted.administration.contexts if each.field == field]
    if wanted.args.get("useAllContexts") != "true":
        mine = mine[:1]
    self = f"{API}/customFieldOption/"
    found = [
        {**option, "id": int(option["id"]), "self": self + option["id"], "childrenIds": []}
        for each in mine
        for option in each.options
    ]
    return found if mine else None


def _workflows(wanted: Wanted) -> list[Body]:
    names = wanted.administration.workflows
    if not wanted.asked.cloud:
        return [
            {"name": name, "description": "", "steps": 4, "default": name == "jira"}
            | ({} if name == "jira" else {"lastModifiedDate": "09/Mai/26 10:12"})
            for name in names
        ]
    moment = {"created": "2026-01-02T03:04:05.678Z", "updated": "2026-01-02T03:04:05.678Z"}
    version = {"versionNumber": 1, "id": group_id("version")}
    status = {"statusReference": group_id("Open"), "deprecated": False, "properties": {}}
    scope = {"scope": {"type": "GLOBAL"}, "isEditable": True, "version": version}
    return [
        {"id": group_id(name), "name": name, "description": "", **moment, **scope}
        | {"statuses": [status]}
        for name in names
    ]


def _workflow_scheme(wanted: Wanted, name: str) -> Sequence[Any] | None:
    project = wanted.project(name)
    if project is None:
        return None
    return [{**wanted.administration.workflow_scheme(project), "draft": False}]


def _tabs(wanted: Wanted, screen: str) -> Sequence[Any] | None:
    known = {str(body["id"]) for body in wanted.administration.screens}
    return wanted.administration.tabs(int(screen)) if screen in known else None


def _notification_schemes(wanted: Wanted) -> Sequence[Any]:
    """Those of projects that the user administers, whoever he is: none is no error."""
    administers = wanted.asked.identity.user.administrator
    return wanted.administration.notification_schemes if administers else []


def _levels(wanted: Wanted) -> list[Body]:
    return [
        {key: level[key] for key in ("id", "name", "description")}
        | {"issueSecuritySchemeId": str(scheme["id"])}
        | {"isDefault": level["id"] == str(scheme.get("defaultSecurityLevelId"))}
        for scheme in wanted.administration.security_schemes
        for level in wanted.administration.levels(scheme["id"])
    ]


def _security_scheme(wanted: Wanted, id_: str) -> Sequence[Any] | None:
    known = wanted.administration
    found = (scheme for scheme in known.security_schemes if str(scheme["id"]) == id_)
    return [{**scheme, "levels": known.levels(scheme["id"])} for scheme in found] or None


SCHEME_LISTINGS: Final = (
    Listing("issueLinkType", _link_types, whole("issueLinkTypes"), everybody=True),
    Listing("label", held("labels"), values(1000, 1000), CLOUD, everybody=True),
    Listing("issuetypescheme", _issue_type_schemes, whole("schemes"), DATA_CENTER),
    Listing("issuetypescheme", _issue_type_schemes, values(50), CLOUD),
    Listing("field/search", _searched_fields, values(100), CLOUD),
    Listing("field/<name>/context", _contexts, values(50), CLOUD),
    Listing("field/<name>/context/<context>/option", _options, values(100, 100), CLOUD),
    Listing(
        "customFields/<number>/options",
        _all_options,
        numbered("options", 100),
        DATA_CENTER,
        everybody=True,
    ),
    Listing("workflow", _workflows, whole(), DATA_CENTER, refused=401),
    Listing("workflows/search", _workflows, values(50), CLOUD),
    Listing("workflowscheme", held("workflow_schemes"), values(50), CLOUD),
    Listing("project/<name>/workflowscheme", _workflow_scheme, single, DATA_CENTER),
    Listing("screens", held("screens"), pages("screens", 100, 100), DATA_CENTER, refused=401),
    Listing("screens", held("screens"), values(100, 100), CLOUD),
    Listing("screens/<screen>/tabs", _tabs, whole(), refused=401),
    Listing("screenscheme", held("screen_schemes"), values(25, 25), CLOUD),
    Listing(
        "permissionscheme", held("permission_schemes"), whole("permissionSchemes"), DATA_CENTER
    ),
    Listing(
        "permissionscheme",
        held("permission_schemes"),
        whole("permissionSchemes"),
        CLOUD,
        everybody=True,
    ),
    Listing("notificationscheme", _notification_schemes, values(50), everybody=True),
    Listing("issuesecurityschemes", held("security_schemes"), whole("issueSecuritySchemes")),
    Listing("issuesecurityschemes/level", _levels, values(50), CLOUD),
    Listing("issuesecurityschemes/<id_>", _security_scheme, single),
    Listing(
        "filter/favourite",
        lambda wanted: [each for each in wanted.administration.filters if each["favourite"]],
        whole(),
        everybody=True,
    ),
    Listing("filter/search", held("filters"), values(100), CLOUD, everybody=True),
    Listing("dashboard", held("dashboards"), pages("dashboards", 1000, 20), everybody=True),
)
