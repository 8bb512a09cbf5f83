"""Asks Jira for its lists of fields.

`/rest/api/2/field` tells everybody, on Data Center as on Cloud, of the system fields, and of the custom ones
that are used in a project that the user may browse. Cloud's `/rest/api/2/field/search` (its OpenAPI,
version 2) has every custom field that is not a single project's own, with what administrators wrote
about it, in pages; not all users may ask it. Neither list holds the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tap_jira_oauth.field_types import Field

if TYPE_CHECKING:
    from tap_jira_oauth.client import JiraClient

FIELDS = "/rest/api/2/field"
SEARCH = "/rest/api/2/field/search"

PAGE = 100
"""Fields to ask for in one request; Jira's own cap is obeyed."""


class FieldPage(msgspec.Struct):
    """An answer of `SEARCH`."""

    values: list[Field]
    is_last: bool = msgspec.field(name="isLast", default=False)


def listed(client: JiraClient) -> list[Field]:
    """Ask for the fields that the user can see.

    Raises:
        TapError: Jira refused, did not answer, or answered something else.
    """
    return client.get(FIELDS, list[Field])[0]


def searched(client: JiraClient) -> list[Field]:
    """Ask a Cloud for all custom fields that its search finds.

    Raises:
        TapError: Jira refused, did not answer, or answered something else.
    """
    found: list[Field] = []
    page = FieldPage([])
    while not page.is_last:
        query = f"type=custom&startAt={len(found)}&maxResults={PAGE}"
        page, _ = client.get(f"{SEARCH}?{query}", FieldPage)
        found += page.values
        page.is_last |= not page.values
    return found
