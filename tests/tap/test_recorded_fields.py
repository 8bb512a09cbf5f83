"""Issues of real servers against the fields that these declared: nothing is lost, every record is valid."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import msgspec
import pytest

from tap.answered import decoded
from tap.test_conformance import same
from tap.test_field_types import STATIC
from tap_jira_oauth.field_types import Field, typed
from tap_jira_oauth.fields import Shape, record, record_lines
from tap_jira_oauth.jql import in_utc

if TYPE_CHECKING:
    from collections.abc import Iterator

RECORDED = Path(__file__).parents[2].parent / "shared" / "jira-recorded"

pytestmark = pytest.mark.skipif(
    not RECORDED.is_dir(), reason="recorded Jira answers (../shared/jira-recorded) are not here"
)


def documents(server: str, pattern: str) -> Iterator[Any]:
    """Return the JSON documents in the files of a server."""
    for path in sorted((RECORDED / server).glob(pattern)):
        text = path.read_text("utf-8")
        for document in text.splitlines() if path.suffix == ".jsonl" else [text]:
            if document.strip():
                yield json.loads(document)


def issues(value: Any) -> Iterator[dict[str, Any]]:
    """Return every issue body in a document from which a record can be made."""
    if isinstance(value, dict):
        fields = value.get("fields")
        if (
            {"id", "key", "self"} <= value.keys()
            and isinstance(fields, dict)
            and {"project", "created", "updated"} <= fields.keys()
        ):
            yield value
        for inner in value.values():
            yield from issues(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from issues(inner)


def held_against(schema: dict[str, Any], server: str) -> tuple[int, Counter[str]]:
    """Make each issue's record and check it; return how many there were, and the misfits by field."""
    validator = jsonschema_rs.validator_for(schema, validate_formats=True)
    shape = Shape(schema, in_utc)
    now = datetime.now(timezone.utc)
    count, misfits = 0, Counter[str]()
    for document in documents(server, "*.json*"):
        for body in issues(document):
            sent = json.loads(json.dumps(body["fields"]))
            issue = decoded(msgspec.json.encode(body))
            made = json.loads(record_lines("issues", [record(issue, shape)], now))["record"]
            validator.validate(made)
            unconformed = made.get("unconformed", {})
            found = {**made["fields"], **unconformed}
            assert len(found) == len(made["fields"]) + len(unconformed)
            assert found.keys() == sent.keys()
            for name, value in unconformed.items():
                assert value == sent[name], name
            for name, value in made["fields"].items():
                pairs = [(value, sent[name])]
                if isinstance(value, list):
                    pairs = list(zip(value, sent[name], strict=True))
                for new, old in pairs:
                    same(new, old)
            count += 1
            misfits.update(list(unconformed))
    return count, misfits


def test_a_real_data_center_by_its_own_list_of_fields() -> None:
    """Hundreds of fields; numbers that are empty texts are the ones that do not fit."""
    lists = [each["body"] for each in documents("redhat-dc", "get_field_*.json")]
    entries = {entry["id"]: entry for each in lists for entry in each}
    fields = msgspec.convert([*entries.values()], list[Field])
    assert len(fields) > 500
    by_name = typed(STATIC, fields, "name").schema
    jsonschema_rs.validator_for(by_name)
    assert len(by_name["properties"]["fields"]["properties"]) >= len(fields)
    count, misfits = held_against(typed(STATIC, fields).schema, "redhat-dc")
    assert count > 80
    # Some were added between the recording of the lists and that of the issues.
    known = {name: entries[name]["schema"] for name in misfits if name in entries}
    assert {schema["type"] for schema in known.values()} == {"number"}
    assert all(schema["custom"].endswith(":sfdc_cases") for schema in known.values())


@pytest.mark.parametrize("server", ["redhat-dc", "jrjc-server", "devlake-server"])
def test_real_servers_by_the_schema_without_a_discovery(server: str) -> None:
    """Custom fields stay as they are; system fields have the types that the tap declares."""
    count, misfits = held_against(STATIC, server)
    assert count
    assert not any(name.startswith("customfield_") for name in misfits)
