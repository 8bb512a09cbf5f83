"""The reference resources: what issues refer to, as lists and one by one, with the paging that each of them has.

On Data Center nearly all are bare arrays; `project/search`, `users/search` and paging over projects exist on Cloud only.
What somebody who is not signed in may not see is an empty list, as on a real server, or a 401 where Jira wants a user.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from werkzeug.routing import Rule

from sandbox import permissions
from sandbox.issue import BASE
from sandbox.pages import PageError, Slice
from sandbox.reference import STATUS_CATEGORIES
from sandbox.rest import answer, nowhere, refusal, unauthorised

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from werkzeug import Response

    from sandbox.asked import Asked
    from sandbox.issue import Project
    from sandbox.reference import Reference
    from sandbox.rest import Rest

    Body = dict[str, Any]

USERS_USUAL: Final = 50
USERS_MOST: Final = 1000
_PROJECTS_USUAL: Final = 50
_API: Final = "/rest/api/<any('2','3',latest):version>"
_EXPAND: Final = "description,lead,url,projectKeys"
_ROLES: Final = {"Administrators": 10_002, "Developers": 10_001, "Users": 10_000}
_LISTS: Final = ("status", "statuscategory", "priority", "resolution", "issuetype")

RULES: Final = (
    *(Rule(f"{_API}/{name}", endpoint=name, methods=["GET"]) for name in _LISTS),
    *(Rule(f"{_API}/{name}/<id_>", endpoint=f"{name}/one", methods=["GET"]) for name in _LISTS),
    Rule(f"{_API}/project/search", endpoint="project/search", methods=["GET"]),
    Rule(f"{_API}/project/<name>/versions", endpoint="versions", methods=["GET"]),
    Rule(f"{_API}/project/<name>/version", endpoint="version", methods=["GET"]),
    Rule(f"{_API}/project/<name>/components", endpoint="components", methods=["GET"]),
    Rule(f"{_API}/user/search", endpoint="user/search", methods=["GET"]),
    Rule(f"{_API}/users/search", endpoint="users/search", methods=["GET"]),
    Rule(f"{_API}/permissions", endpoint="permissions", methods=["GET"]),
    Rule(f"{_API}/mypermissions", endpoint="mypermissions", methods=["GET"]),
)


@dataclass(frozen=True)
class Resources:
    """One method a resource."""

    rest: Rest
    cloud: bool

    def endpoints(self) -> dict[str, Callable[..., Response]]:
        """The handlers by the names in `RULES`."""
        found: dict[str, Callable[..., Response]] = {
            "project/search": self.project_search,
            "project": self.project,
            "versions": self.versions,
            "version": self.version,
            "components": self.components,
            "user/search": self.user_search,
            "users/search": self.users_search,
            "permissions": self.permissions,
            "mypermissions": self.my_permissions,
        }
        for name in _LISTS:
            found[name], found[f"{name}/one"] = self._list(name)
        return found

    @property
    def reference(self) -> Reference:
        """What the server knows beside issues."""
        return self.rest.corpus.reference

    def _list(self, name: str) -> tuple[Callable[..., Response], Callable[..., Response]]:
        """The handlers of a bare array and of one of its objects, by id or name."""
        items: Sequence[Body] = {
            "status": self.reference.statuses,
            "statuscategory": STATUS_CATEGORIES,
            "priority": self.reference.priorities,
            "resolution": self.reference.resolutions,
            "issuetype": self.reference.issue_types,
        }[name]
        hidden = name in {
            "status",
            "issuetype",
        }  # these belong to projects, which nobody sees none of

        def every(asked: Asked) -> Response:
            return answer([] if hidden and asked.identity.anonymous else items, asked)

        def one(asked: Asked, id_: str) -> Response:
            known = () if hidden and asked.identity.anonymous else items
            for item in known:
                if id_ in {str(item.get("id")), item.get("key"), item.get("name")}:
                    return answer(item, asked)
            return refusal(404, f"The {name} with id '{id_}' does not exist")

        return every, one

    def project_search(self, asked: Asked) -> Response:
        """Cloud's paged project list; Data Center takes "search" for a project's key."""
        if not self.cloud:
            return self.project(asked, "search")
        seen = self.rest.corpus.snapshot().projects
        found = [_listed(p) for p in seen if asked.identity.user.sees(p.key)]
        url = f"{BASE}/rest/api/2/project/search"
        return _paged(asked, url, found, most=_PROJECTS_USUAL)

    def project(self, asked: Asked, name: str) -> Response:
        """One project by id or key, with its lead, issue types, versions and components."""
        project = self._project(asked, name)
        return answer(self._detail(project), asked) if project else _no_project(name)

    def versions(self, asked: Asked, name: str) -> Response:
        """All versions of a project, in its order, a bare array."""
        project = self._project(asked, name)
        return answer(self._versions(project), asked) if project else _no_project(name)

    def version(self, asked: Asked, name: str) -> Response:
        """The same, paged."""
        project = self._project(asked, name)
        if project is None:
            return _no_project(name)
        url = f"{BASE}/rest/api/2/project/{project.key}/version"
        return _paged(asked, url, self._versions(project), most=50)

    def components(self, asked: Asked, name: str) -> Response:
        """All components of a project, a bare array."""
        project = self._project(asked, name)
        return answer(self._components(project), asked) if project else _no_project(name)

    def user_search(self, asked: Asked) -> Response:
        """Users whose name, display name or e-mail begins so: `username` on Data Center, `query` on Cloud.

        A bare array of at most 1,000; Data Center takes "." for everybody and leaves inactive users out unless asked.
        """
        if asked.identity.anonymous:
            return unauthorised(asked.base)
        args = asked.request.args
        name = "query" if self.cloud else "username"
        if name not in args:
            return refusal(400, f"The {name} query parameter was not provided")
        wanted = args[name].casefold()
        inactive = self.cloud or args.get("includeInactive") == "true"
        found = [
            user
            for user in self.reference.users
            if _begins(user, wanted) and (inactive or user.get("active"))
        ]
        return self._users(asked, found)

    def users_search(self, asked: Asked) -> Response:
        """Everybody, on Cloud only."""
        if asked.identity.anonymous:
            return unauthorised(asked.base)
        if not self.cloud:
            return nowhere(asked.request.base_url)
        return self._users(asked, self.reference.users)

    def permissions(self, asked: Asked) -> Response:
        """All permissions that exist, for whoever is signed in, or on Data Center for administrators."""
        if asked.identity.anonymous:
            return unauthorised(asked.base)
        if not (self.cloud or asked.identity.user.administrator):
            return refusal(403, "You do not have permission to see the permissions.")
        return answer(permissions.listed(), asked)

    def my_permissions(self, asked: Asked) -> Response:
        """Which of them the user has, in a project where one is named; Cloud wants to know which ones."""
        args = asked.request.args
        only = frozenset(name for name in args.get("permissions", "").split(",") if name)
        if self.cloud and not only:
            return refusal(400, "The 'permissions' query parameter is required.")
        if only - permissions.KEYS:
            return refusal(
                400, f"Unrecognized permission: {', '.join(sorted(only - permissions.KEYS))}"
            )
        name = args.get("projectKey") or args.get("projectId")
        if name and self._project(asked, name) is None:
            return _no_project(name)
        return answer(permissions.mine(asked.identity, only=only), asked)

    def _project(self, asked: Asked, name: str) -> Project | None:
        return self.rest.corpus.snapshot().project(name, asked.identity.user)

    def _versions(self, project: Project) -> list[Body]:
        number = int(project.id)
        held = self.reference.versions.get(project.id, ())
        return [{**body, "projectId": number} for body in held]

    def _components(self, project: Project) -> list[Body]:
        rest: Body = {"assigneeType": "PROJECT_DEFAULT", "realAssigneeType": "PROJECT_DEFAULT"}
        rest |= {"isAssigneeTypeValid": False, "project": project.key, "archived": False}
        held = self.reference.components.get(project.id, ())
        return [{**body, **rest, "projectId": int(project.id)} for body in held]

    def _detail(self, project: Project) -> Body:
        role = f"{BASE}/rest/api/2/project/{project.id}/role/"
        lead = next((user for user in self.reference.users if user.get("active")), None)
        return {
            **_listed(project),
            "description": f"Everything about {project.name.strip()}.",
            **({"lead": lead} if lead else {}),
            "components": [*self.reference.components.get(project.id, ())],
            "issueTypes": [*self.reference.issue_types],
            "assigneeType": "UNASSIGNED",
            "versions": self._versions(project),
            "roles": {name: f"{role}{number}" for name, number in _ROLES.items()},
            "archived": False,
        }

    def _users(self, asked: Asked, found: Sequence[Body]) -> Response:
        try:
            part = Slice.of(asked.request.args, usual=USERS_USUAL, most=USERS_MOST)
        except PageError as error:
            return refusal(400, str(error))
        return answer(part.cut(found), asked)


def _listed(project: Project) -> Body:
    return {"expand": _EXPAND, **project.body()}


def _begins(user: Body, wanted: str) -> bool:
    shown = (str(user.get(name, "")).casefold() for name in ("name", "displayName", "emailAddress"))
    return wanted in {"", "."} or any(text.startswith(wanted) for text in shown)


def _paged(asked: Asked, url: str, found: Sequence[Body], most: int) -> Response:
    try:
        part = Slice.of(asked.request.args, usual=most, most=most)
    except PageError as error:
        return refusal(400, str(error))
    return answer(part.values(url, found), asked)


def _no_project(name: str) -> Response:
    return refusal(404, f"No project could be found with key '{name}'.")
