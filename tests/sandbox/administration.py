"""What administrators set up: groups, roles, contexts of fields, schemes, workflows, screens. Invented, seeded by nothing.

Most lists are longer than what a page of Jira's shows. Bodies are those that both flavours share; what only one has is
added where it is shown (`listings.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final
from uuid import NAMESPACE_URL, uuid5

from sandbox.issue import BASE
from sandbox.people import people
from sandbox.reference import named
from sandbox.rng import seeded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox.issue import Project
    from sandbox.reference import Reference

    Body = dict[str, Any]

API: Final = f"{BASE}/rest/api/2"
_GROUPS: Final = 55
_MEMBERS: Final = 60
"""Of the first group; the others have one each."""
_LABELS: Final = 1_100
_SCHEMES: Final = 55
_SCREENS: Final = 103
_FILTERS: Final = 104
_OPTIONS: Final = 130
"""Of the first context of the first field that has options; the other contexts have two each."""
_LEVELS: Final = 18
"""Of each of three security schemes."""
_CHOICES: Final = (":select", ":multiselect", ":multicheckboxes", ":radiobuttons")
ROLES: Final = {"Administrators": 10_002, "Developers": 10_001, "Users": 10_000}


@dataclass(frozen=True)
class Context:
    """Where a custom field applies, and what can be chosen there."""

    id: str
    field: str
    options: tuple[Body, ...]

    @property
    def body(self) -> Body:
        """As Cloud lists it."""
        shown = {"id": self.id, "name": f"Context {self.id}", "description": ""}
        return {**shown, "isGlobalContext": True, "isAnyIssueType": True}


@dataclass(frozen=True, eq=False)
class Administration:
    """What one server's administrators have set up, by what issues refer to."""

    reference: Reference
    projects: Sequence[Project]
    links: tuple[str, ...] = ("Blocks", "Cloners", "Duplicate", "Relates")
    types: tuple[str, ...] = ("business", "service_desk", "software")
    labels: tuple[str, ...] = field(default=tuple(f"label-{i:04}" for i in range(_LABELS)))

    @cached_property
    def groups(self) -> tuple[str, ...]:
        """Names of groups, one with a character that a URL has to quote."""
        return ("jira & software/users", *(f"group-{i:02}" for i in range(1, _GROUPS)))

    @cached_property
    def members(self) -> dict[str, tuple[Body, ...]]:
        """The users of each group by its name."""
        everybody = [person.body for person in people(seeded("members"), 2 * _MEMBERS)]
        here = [body for body in everybody if body["active"]]
        lone = {name: (here[i % 7],) for i, name in enumerate(self.groups)}
        return {**lone, self.groups[0]: tuple(here[:_MEMBERS])}

    def role(self, number: int) -> Body:
        """A role with those who have it."""
        name = next(name for name, held in ROLES.items() if held == number)
        shown = {"self": f"{API}/role/{number}", "name": name, "id": number}
        return {**shown, "description": f"The role {name}.", "actors": [*self.actors(number)]}

    def actors(self, number: int) -> tuple[Body, ...]:
        """A user, if there is one, and a group."""
        group = self.groups[0]
        shown = {"id": number + 200, "displayName": group, "type": "atlassian-group-role-actor"}
        found: list[Body] = [{**shown, "name": group}]
        if user := next((user for user in self.reference.users if "key" in user), None):
            shown = {"id": number + 300, "displayName": user["displayName"]}
            kind = {"type": "atlassian-user-role-actor", "name": user["name"]}
            found.append({**shown, **kind, "avatarUrl": user["avatarUrls"]["16x16"]})
        return tuple(found)

    def properties(self, project: Project) -> dict[str, Any]:
        """What apps have stored with a project: some have nothing, one a key that a URL has to quote."""
        if int(project.id) % 10 > 2:
            return {}
        return {
            "com.example settings, #1?": {"since": 2024, "on": True},
            "note": "text",
            "empty": None,
        }

    @cached_property
    def contexts(self) -> tuple[Context, ...]:
        """The contexts of every custom field; the first field has more than a page shows."""
        found: list[Context] = []
        fields = [entry for entry in self.reference.fields if entry["custom"]]
        fields.sort(key=lambda entry: not offers_choice(entry))
        for entry in fields:
            for _ in range(51 if not found else 1):
                number = 10_500 + len(found)
                count = 0 if not offers_choice(entry) else _OPTIONS if not found else 2
                made = tuple(_option(number, place) for place in range(count))
                found.append(Context(str(number), entry["id"], made))
        return tuple(found)

    @cached_property
    def issue_type_schemes(self) -> tuple[Body, ...]:
        """Schemes without what the flavours add."""
        return _many("issuetypescheme", 10_100, _SCHEMES, "Issue type scheme", text=True)

    @cached_property
    def workflows(self) -> tuple[str, ...]:
        """Names of workflows."""
        return ("jira", *(f"Workflow {i}" for i in range(1, _SCHEMES)))

    @cached_property
    def workflow_schemes(self) -> tuple[Body, ...]:
        """Each leads one issue type another way than the others."""
        return tuple(
            {
                **scheme,
                "defaultWorkflow": "jira",
                "issueTypeMappings": {"1": self.workflows[i % _SCHEMES]},
            }
            for i, scheme in enumerate(_many("workflowscheme", 10_200, _SCHEMES, "Workflow scheme"))
        )

    def workflow_scheme(self, project: Project) -> Body:
        """That of a project; several share one."""
        return self.workflow_schemes[int(project.id) % 40]

    @cached_property
    def screens(self) -> tuple[Body, ...]:
        """Screens, which name no address of their own."""
        return tuple(
            {"id": number, "name": f"Screen {number}", "description": ""}
            for number in range(1, _SCREENS + 1)
        )

    def tabs(self, screen: int) -> list[Body]:
        """One tab, or two."""
        names = ("Field Tab", "More") if screen % 5 == 0 else ("Field Tab",)
        return [{"id": 10 * screen + i, "name": name} for i, name in enumerate(names)]

    @cached_property
    def screen_schemes(self) -> tuple[Body, ...]:
        """Cloud's."""
        found = _many("screenscheme", 1, 27, "Screen scheme")
        kept = ("id", "name", "description")
        screens = {"default": 1, "create": 2}
        return tuple({**{name: body[name] for name in kept}, "screens": screens} for body in found)

    @cached_property
    def permission_schemes(self) -> tuple[Body, ...]:
        """Each grants browsing to a role."""
        holder = {"type": "projectRole", "parameter": str(ROLES["Users"])}
        return tuple(
            {
                **scheme,
                "expand": "permissions,user,group,projectRole,field,all",
                "permissions": [
                    {
                        "id": 20_000 + scheme["id"],
                        "self": f"{scheme['self']}/permission/{20_000 + scheme['id']}",
                        "holder": holder,
                        "permission": "BROWSE_PROJECTS",
                    }
                ],
            }
            for scheme in _many("permissionscheme", 0, 6, "Permission scheme")
        )

    @cached_property
    def notification_schemes(self) -> tuple[Body, ...]:
        """Each tells the reporter of new issues."""
        event = {"id": 1, "name": "Issue created", "description": "An issue was created."}
        told = {"id": 1, "notificationType": "Reporter"}
        events = [{"event": event, "notifications": [told]}]
        return tuple(
            {**scheme, "notificationSchemeEvents": events}
            for scheme in _many("notificationscheme", 10_000, _SCHEMES, "Notification scheme")
        )

    @cached_property
    def security_schemes(self) -> tuple[Body, ...]:
        """The last has no level that new issues get."""
        found = _many("issuesecurityschemes", 10_000, 3, "Security scheme")
        levels = [scheme["id"] * 100 for scheme in found[:-1]]
        defaults: list[Body] = [{"defaultSecurityLevelId": level} for level in levels]
        return tuple(
            {**scheme, **more} for scheme, more in zip(found, [*defaults, {}], strict=True)
        )

    def levels(self, scheme: int) -> list[Body]:
        """The security levels of a scheme."""
        found = []
        for number in range(scheme * 100, scheme * 100 + _LEVELS):
            body = named("securitylevel", str(number), f"Level {number}")
            found.append({**body, "description": ""})
        return found

    @cached_property
    def filters(self) -> tuple[Body, ...]:
        """All of them are of the first user whom the server still knows."""
        owner = next((user for user in self.reference.users if "key" in user), None)
        return tuple(
            {
                **named("filter", str(number), f"Filter {number}"),
                "description": "",
                "owner": owner,
                "jql": "resolution is EMPTY",
                "viewUrl": f"{BASE}/issues/?filter={number}",
                "searchUrl": f"{API}/search?jql=resolution+is+EMPTY",
                "favourite": number % 2 == 0,
                "sharePermissions": [],
            }
            for number in range(10_000, 10_000 + _FILTERS)
        )

    @cached_property
    def dashboards(self) -> tuple[Body, ...]:
        """As both list them."""
        return tuple(
            {
                **named("dashboard", str(number), f"Dashboard {number}"),
                "view": f"{BASE}/secure/Dashboard.jspa?selectPageId={number}",
            }
            for number in range(10_000, 10_000 + _SCHEMES)
        )

    @cached_property
    def settings(self) -> tuple[Body, ...]:
        """Some of the advanced settings."""
        found = {"jira.clone.prefix": "CLONE -", "jira.search.views.default.max": "1000"}
        return tuple(
            {"id": key, "key": key, "value": value, "name": key, "type": "string"}
            | {"defaultValue": value}
            for key, value in found.items()
        )


def offers_choice(entry: Body) -> bool:
    """Tell whether a field of the list has options."""
    return str(entry.get("schema", {}).get("custom", "")).endswith(_CHOICES)


def group_id(name: str) -> str:
    """What Cloud knows a group by."""
    return str(uuid5(NAMESPACE_URL, name))


def _option(context: int, place: int) -> Body:
    number = context * 1_000 + place
    disabled = place % 9 == 8
    return {"id": str(number), "value": f"Option {place}", "disabled": disabled}


def _many(kind: str, first: int, count: int, name: str, *, text: bool = False) -> tuple[Body, ...]:
    """`count` schemes with the keys that all of them have; `text` for ids that are texts."""
    found = []
    for number in range(first, first + count):
        body = named(kind, str(number), f"{name} {number}")
        id_ = str(number) if text else number
        found.append({**body, "id": id_, "description": f"{name}."})
    return tuple(found)
