"""Permissions: which there are, and which the asking user has.

Every key comes with a number, a name, a scope and a description. Old keys (`BROWSE` for `BROWSE_PROJECTS`) are still
answered, marked as deprecated, as real servers do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from sandbox.users import Identity

_TABLE: Final = """
ADMINISTER|0|Jira Administrators|GLOBAL
SYSTEM_ADMIN|44|Jira System Administrators|GLOBAL
USER_PICKER|27|Browse Users|GLOBAL
CREATE_SHARED_OBJECTS|22|Create Shared Objects|GLOBAL
MANAGE_GROUP_FILTER_SUBSCRIPTIONS|24|Manage Group Filter Subscriptions|GLOBAL
BULK_CHANGE|33|Bulk Change|GLOBAL
BROWSE_PROJECTS|10|Browse Projects|PROJECT
BROWSE|10|Browse Projects|PROJECT|old
ADMINISTER_PROJECTS|23|Administer Projects|PROJECT
PROJECT_ADMIN|23|Administer Projects|PROJECT|old
VIEW_DEV_TOOLS|29|View Development Tools|PROJECT
VIEW_READONLY_WORKFLOW|45|View Read-Only Workflow|PROJECT
CREATE_ISSUES|11|Create Issues|PROJECT
EDIT_ISSUES|12|Edit Issues|PROJECT
DELETE_ISSUES|16|Delete Issues|PROJECT
MOVE_ISSUES|25|Move Issues|PROJECT
TRANSITION_ISSUES|46|Transition Issues|PROJECT
WORK_ON_ISSUES|20|Work On Issues|PROJECT
VIEW_VOTERS_AND_WATCHERS|31|View Voters and Watchers|PROJECT
ADD_COMMENTS|15|Add Comments|PROJECT
DELETE_OWN_COMMENTS|37|Delete Own Comments|PROJECT
EDIT_OWN_WORKLOGS|40|Edit Own Worklogs|PROJECT
"""
_READS: Final = frozenset(
    {"BROWSE_PROJECTS", "BROWSE", "VIEW_DEV_TOOLS", "VIEW_READONLY_WORKFLOW", "USER_PICKER"}
)
"""What every user of the sandbox has: it is a server to read from. An administrator sees more lists."""


def _entry(line: str) -> dict[str, Any]:
    key, number, name, scope, *old = line.split("|")
    body = {"id": number, "key": key, "name": name, "type": scope}
    return {
        **body,
        "description": f"Permission: {name}.",
        **({"deprecatedKey": True} if old else {}),
    }


_ENTRIES: Final = tuple(map(_entry, _TABLE.strip().splitlines()))
KEYS: Final = frozenset(entry["key"] for entry in _ENTRIES)


def listed() -> dict[str, Any]:
    """The answer of `permissions`: those that exist, without the asking user's answer to them."""
    shown = [entry for entry in _ENTRIES if "deprecatedKey" not in entry]
    left_out = {"id"}
    return {
        "permissions": {
            entry["key"]: {name: value for name, value in entry.items() if name not in left_out}
            for entry in shown
        }
    }


def mine(identity: Identity, *, only: frozenset[str]) -> dict[str, Any]:
    """The answer of `mypermissions`; `only` narrows it, empty for all. Nobody has nothing."""
    found = {}
    for entry in _ENTRIES:
        if only and entry["key"] not in only:
            continue
        reads = entry["key"] in _READS
        reads |= entry["key"] == "ADMINISTER" and identity.user.administrator
        has = reads and not identity.anonymous
        found[entry["key"]] = {**entry, "havePermission": has}
    return {"permissions": found}
