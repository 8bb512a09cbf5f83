"""Jira's list of fields becomes the schema of `fields`."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

import msgspec
import pytest

from tap_jira_oauth.field_types import Field, field_ids, typed
from tap_jira_oauth.streams import schemas

pytestmark = pytest.mark.any_version

STATIC = json.loads((resources.files(schemas) / "issues.json").read_text())
DEVSUMMARY = "com.atlassian.jira.plugins.jira-development-integration-plugin:devsummary"


def listed(number: int, name: str, kind: str, items: str | None = None, custom: str = "") -> Field:
    """Return an entry of Jira's list, decoded from what Jira sends."""
    schema = {"type": kind, "items": items, "custom": custom, "customId": number}
    entry = {
        "id": f"customfield_{number}",
        "name": name,
        "custom": True,
        "clauseNames": [f"cf[{number}]", name],
        "schema": {name: value for name, value in schema.items() if value},
    }
    return msgspec.convert(entry, Field)


def properties(*fields: Field, **more: Any) -> dict[str, Any]:
    """Return the properties of `fields` in the schema that is made."""
    found: dict[str, Any] = typed(STATIC, fields, **more).schema["properties"]["fields"]
    assert found["additionalProperties"] is False
    made: dict[str, Any] = found["properties"]
    return made


TEXT, OBJECT = ["string", "null"], ["object", "null"]
ANYTHING = ["string", "number", "boolean", "object", "array", "null"]


@pytest.mark.parametrize(
    ("kind", "types", "form"),
    [
        ("number", ["number", "null"], None),
        ("string", TEXT, None),
        ("date", TEXT, "date"),
        ("datetime", TEXT, "date-time"),
        *(
            (kind, OBJECT, None)
            for kind in (
                *("option", "option-with-child", "user", "group", "version", "project"),
                "sd-servicelevelagreement",
            )
        ),
        *((kind, ANYTHING, None) for kind in ("any", "sd-approvals", "never heard of")),
    ],
)
def test_each_declared_type_and_the_array_of_it(
    kind: str, types: list[str], form: str | None
) -> None:
    """All are nullable, objects are open; of what is not known nothing is required."""
    found = properties(listed(1, "One", kind), listed(2, "Many", "array", kind))
    one, many = found["customfield_1"], found["customfield_2"]
    assert (one["type"], one.get("format")) == (types, form)
    assert types != OBJECT or one["additionalProperties"] is True
    assert many["type"] == ["array", "null"]
    kept = {key: value for key, value in one.items() if key not in ("title", "description")}
    assert many.get("items") == (None if types == ANYTHING else kept)


def test_only_what_tells_one_version_of_an_issue_from_another_is_never_null() -> None:
    """A catalog may deselect all the rest; the system's fields are nullable, too."""
    known = STATIC["properties"]
    bones = {"id", "key", "self", "updated"}
    assert {name for name, declared in known.items() if "null" not in declared["type"]} == bones
    assert set(STATIC["required"]) == bones
    system = properties(Field(id="summary", name="Summary"))
    assert all("null" in declared["type"] for declared in system.values())


def test_sprints_are_objects_whatever_the_server_says() -> None:
    """Data Center declares texts, Cloud `json`."""
    sprint = "com.pyxis.greenhopper.jira:gh-sprint"
    for items in ("string", "json"):
        found = properties(listed(1, "Sprint", "array", items, sprint))
        assert found["customfield_1"]["items"]["type"] == OBJECT


def test_a_field_is_described_by_its_name_types_and_names_in_jql() -> None:
    """For the person who reads the catalog."""
    found = properties(listed(1, "Story Points", "number", custom="com.example:float"))
    assert found["customfield_1"]["title"] == "Story Points"
    assert found["customfield_1"]["description"] == (
        "customfield_1; number; com.example:float; in JQL cf[1] or Story Points"
    )


def test_system_fields_keep_their_types_and_new_ones_are_added() -> None:
    """`worklog` is declared an array, and is an object."""
    worklog = msgspec.convert(
        {"id": "worklog", "name": "Log Work", "schema": {"type": "array", "items": "worklog"}},
        Field,
    )
    thumbnail = msgspec.convert({"id": "thumbnail", "name": "Images", "custom": False}, Field)
    known = STATIC["properties"]["fields"]["properties"]
    found = properties(worklog, thumbnail)
    assert found["worklog"]["type"] == known["worklog"]["type"]
    assert found["worklog"]["title"] == "Log Work"
    assert found["thumbnail"]["type"] == ANYTHING
    assert found.keys() == {*known, "thumbnail"}


def test_what_differs_on_every_read_is_named_and_says_so() -> None:
    """The stream deselects it."""
    made = typed(STATIC, [listed(7, "Development", "any", custom=DEVSUMMARY)])
    assert made.volatile == {"customfield_7": "customfield_7"}
    described = made.schema["properties"]["fields"]["properties"]["customfield_7"]["description"]
    assert "not selected by default" in described


def test_a_catalog_knows_the_id_behind_each_name() -> None:
    """Whatever it calls the custom fields."""
    fields = [listed(1, "Team", "string"), listed(2, "Team", "string"), listed(3, "Due", "date")]
    named = properties(*fields, naming="name")
    assert {"team_1", "team_2", "due"} <= named.keys()
    ids = field_ids(named)
    assert {name: ids[name] for name in ("customfield_1", "customfield_3", "summary")} == {
        "customfield_1": "team_1",
        "customfield_3": "due",
        "summary": "summary",
    }
    assert all(name == field for field, name in field_ids(properties(*fields)).items())
