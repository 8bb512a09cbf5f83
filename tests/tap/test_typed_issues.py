"""Typed fields, as the real command: discovery, what does not fit, names, and what is kept back."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
import requests

from tap.command import Run, messages, run, started
from tap.test_issues import entry_of
from tap_jira_oauth.sprint import PREFIX

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Configure
    from sandbox import Sandbox

pytestmark = pytest.mark.any_version

FIELD_LIST = "/rest/api/2/field"
TOKEN = {"Authorization": "Bearer sandbox-token"}


def discovered(folder: Path, config: dict[str, Any]) -> dict[str, Any]:
    """Run a discovery; return the catalog."""
    with started(folder, config, None, "--discover") as process:
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, (folder / "log").read_text()
    catalog: dict[str, Any] = json.loads(output)
    return catalog


def properties(catalog: dict[str, Any]) -> dict[str, Any]:
    """Return the properties of `fields` in the catalog's schema of issues."""
    schema = entry_of(catalog)["schema"]
    found: dict[str, Any] = schema["properties"]["fields"]["properties"]
    return found


def read(folder: Path, config: dict[str, Any], catalog: dict[str, Any]) -> Run:
    """Read with a catalog; every record is checked against its schema."""
    (folder / "catalog.json").write_text(json.dumps(catalog))
    options = ("--catalog", str(folder / "catalog.json"))
    with started(folder, config, None, *options) as process:
        output, _ = process.communicate(timeout=60)
    log = (folder / "log").read_text()
    assert process.returncode == 0, log
    return Run(process.returncode, messages(output), log)


def listed(jira: Sandbox) -> list[dict[str, Any]]:
    """Return the sandbox's list of fields."""
    answer = requests.get(f"{jira.url}{FIELD_LIST}", headers=TOKEN, timeout=30)
    found: list[dict[str, Any]] = answer.json()
    return found


def field_id(jira: Sandbox, name: str) -> str:
    """Return the id of the field with a name."""
    return next(str(entry["id"]) for entry in listed(jira) if entry["name"] == name)


def served(jira: Sandbox) -> dict[str, dict[str, Any]]:
    """Return the fields of each issue as the sandbox serves them, by key."""
    query = {"jql": "ORDER BY key ASC", "fields": ["*all"], "maxResults": 1000}
    answer = requests.post(f"{jira.url}/rest/api/2/search", json=query, headers=TOKEN, timeout=30)
    return {issue["key"]: issue["fields"] for issue in answer.json()["issues"]}


def as_sent(value: Any, old: Any) -> bool:
    """Tell whether a value of a record is Jira's, converted without loss."""
    if value == old or (isinstance(old, list) and isinstance(value, list)):
        return value == old or all(map(as_sent, value, old))
    if isinstance(value, dict) and str(old).startswith(PREFIX):
        return bool(value["text"].split("[")[1:] == old.split("[")[1:])
    if isinstance(value, str):
        moment = old[:-2] + ":" + old[-2:]
        return datetime.fromisoformat(value[:-1] + "+00:00") == datetime.fromisoformat(moment)
    return isinstance(value, (int, float)) and value == float(old)


def test_discovery_types_the_custom_fields_of_this_jira(
    connected_jira: Sandbox, configure: Configure, tmp_path: Path
) -> None:
    """By the list, and no search for issues; each has its name as title."""
    found = properties(discovered(tmp_path, configure()))
    asked = [entry for entry in connected_jira.requests if entry.jql is not None]
    assert asked == []
    types = {entry["title"]: entry for entry in found.values() if "title" in entry}
    assert types["Story Points"]["type"] == ["number", "null"]
    assert types["Target start"]["format"] == "date"
    assert types["First Response"]["format"] == "date-time"
    assert types["Sprint"]["items"]["type"] == ["object", "null"]
    assert types["Area"]["type"] == ["object", "null"]
    assert {entry["id"] for entry in listed(connected_jira)} <= found.keys()


def test_fields_and_unconformed_together_are_what_jira_sent(
    connected_jira: Sandbox, configure: Configure, tmp_path: Path
) -> None:
    """No value is lost, though declared types lie; the log and its summary count them by field."""
    result = run(tmp_path, configure())
    assert result.status == 0, result.log
    left_out = field_id(connected_jira, "Development")
    links, counter = (
        field_id(connected_jira, f"Support Cases {name}") for name in ("Links", "Counter")
    )
    fields = served(connected_jira)
    assert len(result.records) == len(fields) == 60
    for record in result.records:
        sent = fields[record["key"]]
        del sent[left_out]
        found = record["fields"] | record.get("unconformed", {})
        assert found.keys() == sent.keys()
        for name, value in found.items():
            assert as_sent(value, sent[name]), name
        assert record["unconformed"][links] == ""
        assert isinstance(record["fields"][counter], float)
    assert result.summary["unconformed"] == {links: 60}
    (warning,) = [line for line in result.log.splitlines() if f"{links} (60)" in line]
    assert "WARNING" in warning


def test_a_field_that_came_after_the_discovery_is_unconformed(
    connected_jira: Sandbox, configure: Configure, tmp_path: Path
) -> None:
    """The catalog's schema stays what it was; the run does not ask for the list of fields."""
    everything = listed(connected_jira)
    before = [entry for entry in everything if entry["name"] not in ("Rank", "Time in Status")]
    rank, time = (field_id(connected_jira, name) for name in ("Rank", "Time in Status"))
    connected_jira.fault(
        FIELD_LIST,
        status=200,
        body=json.dumps(before),
        headers={"Content-Type": "application/json;charset=UTF-8"},
    )
    catalog = discovered(tmp_path, configure())
    assert {rank, time}.isdisjoint(properties(catalog))
    count = len(connected_jira.requests)
    result = read(tmp_path, configure(), catalog)
    assert FIELD_LIST not in [entry.path for entry in connected_jira.requests[count:]]
    fields = served(connected_jira)
    for record in result.records:
        assert {rank, time}.isdisjoint(record["fields"])
        sent = fields[record["key"]]
        # A null, too: that the field is there and empty is what Jira said.
        assert {name: record["unconformed"][name] for name in (rank, time)} == {
            name: sent[name] for name in (rank, time)
        }


@pytest.mark.parametrize("settings", [{}, {"auth_method": "personal_token"}])
def test_a_catalog_without_a_sign_in_says_why_it_has_no_custom_fields(
    configure: Configure, tmp_path: Path, settings: dict[str, Any]
) -> None:
    """And a run with it has them all, untyped."""
    if settings:
        settings |= {"api_url": configure()["api_url"]}
    catalog = discovered(tmp_path, settings)
    lines = (tmp_path / "log").read_text().splitlines()
    (line,) = [line for line in lines if "without custom fields" in line]
    assert "'personal_token'" in line if settings else "'api_url'" in line
    assert not any(name.startswith("customfield") for name in properties(catalog))
    result = read(tmp_path, configure(), catalog)
    assert len(result.records) == 60
    for record in result.records:
        assert sum(name.startswith("customfield") for name in record["fields"]) > 50
        assert "unconformed" not in record
    assert "without custom fields" in result.log


def test_a_sign_in_that_has_ended_does_not_keep_meltano_from_the_next_one(
    connected_jira: Sandbox, configure: Configure, tmp_path: Path
) -> None:
    """Meltano discovers before `login`: the catalog is made as without a sign-in. A run is refused."""
    config = configure()
    connected_jira.revoke(config["access_token"])
    catalog = discovered(tmp_path, config)
    assert not any(name.startswith("customfield") for name in properties(catalog))
    (line,) = [
        line
        for line in (tmp_path / "log").read_text().splitlines()
        if "without custom fields" in line
    ]
    assert "token_rejected" in line or "token_revoked" in line
    result = run(tmp_path, config)
    assert result.status == 1
    assert "without custom fields" not in result.log


def test_a_refused_discovery_is_an_error(
    connected_jira: Sandbox, configure: Configure, tmp_path: Path
) -> None:
    """Not a catalog with half of the fields."""
    connected_jira.fault(FIELD_LIST, status=403)
    with started(tmp_path, configure(), None, "--discover") as process:
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert output == b""
    assert FIELD_LIST in (tmp_path / "log").read_text().splitlines()[-1]


def test_what_differs_on_every_read_is_read_only_if_it_is_selected(
    connected_jira: Sandbox, configure: Configure, tmp_path: Path
) -> None:
    """Left out by default, also without a catalog; back by the catalog, or by its id in `fields`."""
    development = field_id(connected_jira, "Development")
    catalog = discovered(tmp_path, configure())
    where = ["properties", "fields", "properties", development]
    (entry,) = [each for each in entry_of(catalog)["metadata"] if each["breadcrumb"] == where]
    assert entry["metadata"] == {"inclusion": "available", "selected-by-default": False}
    entry_of(catalog)["metadata"][-1]["metadata"]["selected"] = True
    for result in (run(tmp_path, configure()), read(tmp_path, configure(), catalog)):
        assert not any(development in record["fields"] for record in result.records)
    entry["metadata"]["selected"] = True
    wanted = configure(fields=["*all", development])
    for result in (run(tmp_path, wanted), read(tmp_path, configure(), catalog)):
        assert all("summaryBean" in record["fields"][development] for record in result.records)


def test_names_instead_of_ids(
    connected_jira: Sandbox, configure: Configure, tmp_path: Path
) -> None:
    """The same values in the same order; a catalog keeps its names whatever the setting says then."""
    named = configure(custom_field_names="name")
    by_id, by_name = run(tmp_path, configure()), run(tmp_path, named)
    fields = by_name.records[0]["fields"]
    assert {"story_points", "sprint", "summary", "fixVersions"} <= fields.keys()
    links = field_id(connected_jira, "Support Cases Links")
    for old, new in zip(by_id.records, by_name.records, strict=True):
        assert new["unconformed"] == {"support_cases_links": old["unconformed"][links]}
        assert len(new["fields"]) == len(old["fields"])
        for ours, theirs in zip(new["fields"].values(), old["fields"].values(), strict=True):
            assert as_sent(ours, theirs) or PREFIX in str(ours)
    catalog = discovered(tmp_path, named)
    for entry in entry_of(catalog)["metadata"]:
        if entry["breadcrumb"][-1:] == ["story_points"]:
            entry["metadata"]["selected"] = False
        if not entry["breadcrumb"]:
            entry["metadata"]["selected"] = True
    result = read(tmp_path, configure(), catalog)
    assert {*result.records[0]["fields"]} == {*fields} - {"story_points"}
    points = field_id(connected_jira, "Story Points")
    last = [entry for entry in connected_jira.requests if entry.start_at is not None][-1]
    assert f"-{points}" in last.fields


def test_what_is_redacted_is_not_printed_and_not_asked_for(
    connected_jira: Sandbox, configure: Configure, tmp_path: Path
) -> None:
    """By id or name; a part of an object is taken out of it."""
    redact = ["Story Points", "description", "reporter.emailAddress", "creator.emailAddress"]
    points = field_id(connected_jira, "Story Points")
    catalog = discovered(tmp_path, configure())
    entry_of(catalog)["metadata"][-1]["metadata"]["selected"] = True
    for result in (
        run(tmp_path, configure(redact_fields=redact)),
        read(tmp_path, configure(redact_fields=redact), catalog),
    ):
        assert len(result.records) == 60
        for record in result.records:
            assert {points, "description"}.isdisjoint(record["fields"])
            assert record["fields"]["reporter"]
            for who in ("reporter", "creator"):
                assert "emailAddress" not in (record["fields"][who] or {})
    for entry in connected_jira.requests:
        searches = entry.jql and "project" in entry.jql
        assert not searches or {f"-{points}", "-description"} <= {*entry.fields}


def test_a_misspelt_redaction_ends_the_run_before_anything_is_read(
    connected_jira: Sandbox, configure: Configure, tmp_path: Path
) -> None:
    """It would print what somebody wants to keep back."""
    result = run(tmp_path, configure(redact_fields=["Story Point"]))
    assert result.status == 1
    assert "'Story Point'" in result.log.splitlines()[-1]
    assert result.records == []
    assert not any(entry.jql and entry.start_at for entry in connected_jira.requests)


def test_about_and_the_checks_of_settings_need_no_jira(tmp_path: Path) -> None:
    """Nothing listens at that address."""
    config = {"api_url": "http://127.0.0.1:9", "auth_method": "anonymous", "max_retry_seconds": 1}
    result = run(tmp_path, {**config, "redact_field": ["x"]})
    assert "Did you mean 'redact_fields'?" in result.log.splitlines()[-1]
    with started(tmp_path, config, None, "--about", "--format", "json") as process:
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "redact_fields" in output.decode()
