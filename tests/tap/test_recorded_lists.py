"""What real servers recorded against the schemas of the streams other than issues."""

from __future__ import annotations

import json
from collections import Counter
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import msgspec
import pytest

from tap.answered import decoded
from tap.test_recorded_fields import RECORDED, documents, issues
from tap_jira_oauth.child_lists import embedded, parent, record
from tap_jira_oauth.jql import in_utc
from tap_jira_oauth.streams import schemas
from tap_jira_oauth.streams.child_streams import CHILD_STREAMS
from tap_jira_oauth.streams.people import as_user

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(
    not RECORDED.is_dir(), reason="recorded Jira answers (../shared/jira-recorded) are not here"
)

OF_FIELDS = {
    "status": "statuses",
    "priority": "priorities",
    "resolution": "resolutions",
    "issuetype": "issue_types",
    "project": "projects",
    "components": "project_components",
    "versions": "project_versions",
    "fixVersions": "project_versions",
    "assignee": "users",
    "reporter": "users",
    "creator": "users",
}
"""In which field issues embed what is an entry of which list."""
ANSWERS = {
    ("redhat-dc", "get_field_*"): "fields",
    ("redhat-dc", "get_issuetype_*"): "issue_types",
    ("redhat-dc", "get_project_*"): "projects",
    ("jrjc-server", "serverInfo__valid.json"): "server_info",
}
"""Whole answers, of one object or of many."""
Found = tuple[str, dict[str, Any]]


@lru_cache
def schema(stream: str) -> dict[str, Any]:
    """The schema of a stream."""
    text = (resources.files(schemas) / f"{stream}.json").read_text("utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


@lru_cache
def validator(stream: str) -> jsonschema_rs.Validator:
    """What holds a record against it."""
    return jsonschema_rs.validator_for(schema(stream), validate_formats=True)


def embedded_entries(body: dict[str, Any]) -> Iterator[Found]:
    """Every entry of a list that an issue embeds, as its stream makes a record of it."""
    project = body["fields"]["project"]
    keys = {"project_id": project["id"], "project_key": project["key"]}
    for field, stream in OF_FIELDS.items():
        held = body["fields"].get(field) or []
        for entry in held if isinstance(held, list) else [held]:
            yield stream, as_user(entry) if stream == "users" else {**keys, **entry}
    for link in body["fields"].get("issuelinks") or []:
        yield "issue_link_types", link["type"]


def recorded() -> Iterator[Found]:
    """Everything that was recorded of a list."""
    for server in ("redhat-dc", "devlake-server"):
        for document in documents(server, "*.json*"):
            for body in issues(document):
                yield from embedded_entries(body)
    for (server, pattern), stream in ANSWERS.items():
        for document in documents(server, pattern):
            body = document.get("body", document)
            for entry in body if isinstance(body, list) else [body]:
                yield stream, entry
    for document in documents("redhat-dc", "get_mypermissions_*"):
        yield from (("permissions", each) for each in document["body"]["permissions"].values())


def test_lists_of_real_servers_are_valid_records() -> None:
    """Each entry by the schema of its stream, moments in UTC; some of every list."""
    count: Counter[str] = Counter()
    for stream, entry in recorded():
        properties = schema(stream)["properties"]
        for name, kind in properties.items():
            if kind.get("format") == "date-time" and entry.get(name):
                entry[name] = in_utc(entry[name])
        validator(stream).validate(entry)
        count[stream] += 1
    assert count.keys() == {
        *OF_FIELDS.values(),
        *ANSWERS.values(),
        "permissions",
        "issue_link_types",
    }


def test_what_real_issues_embed_are_valid_records_of_the_streams_below_them() -> None:
    """Comments, worklogs, histories, links, of as many as the recorded searches hold."""
    count: Counter[str] = Counter()
    for server in ("redhat-dc", "devlake-server"):
        for document in documents(server, "*.json*"):
            for body in issues(document):
                issue = decoded(msgspec.json.encode(body))
                for stream in CHILD_STREAMS:
                    moments = [
                        name
                        for name, kind in schema(stream.name)["properties"].items()
                        if kind.get("format") == "date-time"
                    ]
                    for item in embedded(stream.kind, issue).items:
                        made = record(parent(issue), item, moments)
                        validator(stream.name).validate(json.loads(msgspec.json.encode(made)))
                        count[stream.name] += 1
    assert min(count[name] for name in ("issue_comments", "issue_changelogs", "issue_links")) >= 20
