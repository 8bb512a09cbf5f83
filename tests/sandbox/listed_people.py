"""Lists of projects, people and the site: roles, properties, groups, settings, each with Jira's paging."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sandbox.administration import API, ROLES, group_id
from sandbox.listing import CLOUD, DATA_CENTER, Listing, held, picker, single, values, whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox.listing import Wanted

    Body = dict[str, Any]


def _role_links(wanted: Wanted, name: str) -> Sequence[Any] | None:
    project = wanted.project(name)
    if project is None:
        return None
    address = f"{API}/project/{project.id}/role"
    return [{role: f"{address}/{number}" for role, number in ROLES.items()}]


def _role_of(wanted: Wanted, name: str, number: str) -> Sequence[Any] | None:
    if wanted.project(name) is None or int(number) not in ROLES.values():
        return None
    role = wanted.administration.role(int(number))
    if not wanted.asked.cloud:
        return [role]
    return [{**role, "actors": [_cloud_actor(actor) for actor in role["actors"]]}]


def _cloud_actor(actor: Body) -> Body:
    shown = {key: value for key, value in actor.items() if key != "name"}
    if actor["type"].startswith("atlassian-user"):
        return {**shown, "actorUser": {"accountId": group_id(actor["name"])}}
    name = actor["name"]
    group = {"displayName": name, "name": name, "groupId": group_id(name)}
    return {**actor, "actorGroup": group}


def _roles(wanted: Wanted) -> list[Body]:
    return [wanted.administration.role(number) for number in ROLES.values()]


def _property_keys(wanted: Wanted, name: str) -> Sequence[Any] | None:
    project = wanted.project(name)
    if project is None:
        return None
    address = f"{API}/project/{project.id}/properties"
    keys = wanted.administration.properties(project)
    return [{"self": f"{address}/{key}", "key": key} for key in keys]


def _property(wanted: Wanted, name: str, key: str) -> Sequence[Any] | None:
    project = wanted.project(name)
    known = wanted.administration.properties(project) if project else {}
    return [{"key": key, "value": known[key]}] if key in known else None


def _categories(_wanted: Wanted) -> list[Body]:
    kind = f"{API}/projectCategory"
    names = ("Customers", "Internal", "Platform")
    return [
        {"self": f"{kind}/{i}", "id": str(i), "description": "", "name": name}
        for i, name in enumerate(names, start=10_000)
    ]


def _types(wanted: Wanted) -> list[Body]:
    shown = {"descriptionI18nKey": "jira.project.type.description", "icon": "PHN2Zy8+"}
    return [
        {"key": key, "formattedKey": key.title(), **shown, "color": "#4186E0"}
        for key in wanted.administration.types
    ]


def _picked_groups(wanted: Wanted) -> list[Body]:
    labels = [{"text": "Multiple", "title": "For several applications", "type": "MULTIPLE"}]
    return [
        {"name": name, "html": name, "labels": labels if i == 0 else []}
        for i, name in enumerate(wanted.administration.groups)
    ]


def _groups(wanted: Wanted) -> list[Body]:
    return [{"name": name, "groupId": group_id(name)} for name in wanted.administration.groups]


def _members(wanted: Wanted) -> Sequence[Any] | None:
    known = wanted.administration.members
    if wanted.asked.cloud:
        return {group_id(name): users for name, users in known.items()}.get(wanted.args["groupId"])
    return known.get(wanted.args["groupname"])


def _application_roles(wanted: Wanted) -> list[Body]:
    first = wanted.administration.groups[0]
    seats = {"numberOfSeats": 10, "remainingSeats": 5, "userCount": 5, "hasUnlimitedSeats": False}
    core: Body = {"key": "jira-core", "groups": [], "name": "Jira Core", "defaultGroups": []}
    more = {"selectedByDefault": False, "defined": False, "platform": True}
    software: Body = {"key": "jira-software", "groups": [first], "name": "Jira Software"}
    software |= {"defaultGroups": [first], "selectedByDefault": True, "defined": True}
    counted = {"userCountDescription": "users"}
    return [
        {**core, **more, **seats, **counted},
        {**software, **seats, **counted, "platform": False},
    ]


def _configuration(_wanted: Wanted) -> list[Body]:
    switches = ("voting", "watching", "subTasks", "attachments", "issueLinking", "timeTracking")
    tracking: Body = {"workingHoursPerDay": 8.0, "workingDaysPerWeek": 5.0}
    tracking |= {"timeFormat": "pretty", "defaultUnit": "minute"}
    enabled = {f"{name}Enabled": True for name in switches}
    return [{**enabled, "unassignedIssuesAllowed": True, "timeTrackingConfiguration": tracking}]


PEOPLE_LISTINGS: Final = (
    Listing("role", _roles, whole()),
    Listing("project/<name>/role", _role_links, single, everybody=True),
    Listing("project/<name>/role/<int:number>", _role_of, single, everybody=True),
    Listing("project/<name>/properties", _property_keys, whole("keys"), everybody=True),
    Listing("project/<name>/properties/<key>", _property, single, everybody=True),
    Listing("projectCategory", _categories, whole(), everybody=True),
    Listing("project/type", _types, whole(), everybody=True),
    Listing("groups/picker", _picked_groups, picker("groups", 1000), DATA_CENTER, everybody=True),
    Listing("group/bulk", _groups, values(50), CLOUD),
    Listing("group/member", _members, values(50)),
    Listing("applicationrole", _application_roles, whole()),
    Listing("application-properties/advanced-settings", held("settings"), whole()),
    Listing("configuration", _configuration, single, everybody=True),
)
