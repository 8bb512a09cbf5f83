"""The first load of one huge project in parts that run beside each other, and the state with which all runs after it begin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from tap_jira_oauth import cloud_search, offset_search
from tap_jira_oauth.bookmark import Bookmark
from tap_jira_oauth.client import decode
from tap_jira_oauth.created_parts import Part, divided
from tap_jira_oauth.errors import AccessError
from tap_jira_oauth.jql import epoch_literal, restriction

if TYPE_CHECKING:
    from tap_jira_oauth.jira import Jira


class _Total(msgspec.Struct):
    total: int


_totals = msgspec.json.Decoder(_Total)
_counts = msgspec.json.Decoder(cloud_search.Count)


def split_first_load(jira: Jira, project_key: str, parts: int) -> dict[str, Any]:
    """Return the parts of a project, each a `jql`, and a state whose bookmark is the moment before they were counted.

    What changes while the parts are read, the first run with that state reads again; what does not
    change is in the part of its `created`. Worklogs change without their issue, too: the log of them
    has a bookmark of its own.

    Raises:
        AccessError: the user does not see the project.
        TapError: Jira refused, did not answer, or answered something else.
    """
    began = jira.started
    project = jira.visible.get(project_key.upper())
    if project is None:
        raise AccessError(
            f"The signed-in user cannot see project {project_key}: either there is none of that key, "
            "or the permission 'Browse Projects' is missing."
        )
    literal = epoch_literal if jira.is_cloud else jira.literal
    condition = jira.settings.jql

    def count(before: int | None) -> int:
        part = Part(None, before, 0).jql(literal, condition)
        return _counted(jira, restriction(project.key, part or None, since=None))

    partition: dict[str, Any] = {"context": {"project_id": project.id}}
    end = jira.settings.end_date
    # What was changed later is in no part; a run without that bound has to find it.
    read_to = began if end is None else min(began, end - 1)
    Bookmark(read_to).write(partition, project.key)
    log: dict[str, Any] = {}
    Bookmark(began).write(log)
    total = count(None)
    found = divided(count, total, began, parts)
    return {
        "project_key": project.key,
        "issues": total,
        "parts": [{"jql": each.jql(literal, condition), "issues": each.issues} for each in found],
        "state": {"bookmarks": {"issues": {"partitions": [partition]}, "issue_worklogs": log}},
    }


def _counted(jira: Jira, jql: str) -> int:
    if jira.is_cloud:
        path = cloud_search.COUNT
        answer = jira.client.search(path, lambda: {"jql": jql}, lambda: None)
        return decode(answer, path, _counts).count
    payload = {"jql": jql, "maxResults": 1, "fields": ["updated"]}
    answer = jira.client.search(offset_search.SEARCH, lambda: payload, lambda: None)
    return decode(answer, offset_search.SEARCH, _totals).total
