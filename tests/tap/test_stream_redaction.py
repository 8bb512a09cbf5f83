"""`redact_fields` in streams that are not about issues."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox import Corpus, Sandbox
from tap.below import run_with, select
from tap_jira_oauth.errors import ConfigurationError
from tap_jira_oauth.stream_redaction import of_fields, paths_of, stream_of, without

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.any_version

STREAMS = {"users", "epics"}
SCHEMA = {"properties": {"id": {}, "name": {}, "self": {}}, "required": ["id"]}


def test_streams_print_nothing_of_what_is_redacted(tmp_path: Path) -> None:
    """Of users, of epics and of the audit log; issues beside them keep what is named there alone."""
    redact = ["users:emailAddress", "epics:summary", "audit_records:objectItem.name"]
    streams = ("audit_records", "epics", "issues", "users")
    with Sandbox(corpus=Corpus.generate(seed=7, issues=20)) as jira:
        user = {"auth_method": "basic", "username": "sandbox", "password": "sandbox"}
        config = {"api_url": jira.url, **user}
        before = run_with(tmp_path, config, select(tmp_path, streams))
        after = run_with(tmp_path, {**config, "redact_fields": redact}, select(tmp_path, streams))
        typo = {**config, "redact_fields": ["user:emailAddress"]}
        failed = run_with(tmp_path, typo, select(tmp_path, ("users",)))
    assert after.status == 0, after.log
    assert any("emailAddress" in record for record in before.of("users"))
    assert any("summary" in record for record in before.of("epics"))
    assert any("name" in record["objectItem"] for record in before.of("audit_records"))
    for stream in streams:
        assert len(after.of(stream)) == len(before.of(stream))
    assert not any("emailAddress" in record for record in after.of("users"))
    assert not any("summary" in record for record in after.of("epics"))
    assert not any("name" in record["objectItem"] for record in after.of("audit_records"))
    assert all(record["fields"]["summary"] for record in after.of("issues"))
    assert failed.status == 1
    assert failed.records == []
    assert "'user' is no stream" in failed.log


@pytest.mark.parametrize(
    ("text", "stream"),
    [
        ("users:emailAddress", "users"),
        ("reporter.emailAddress", None),
        ("Team: Name", None),
        ("summary", None),
    ],
)
def test_an_entry_is_about_a_stream_or_a_field(text: str, stream: str | None) -> None:
    """By the colon behind what looks like the name of a stream."""
    assert stream_of(text, STREAMS) == stream
    assert of_fields([text], STREAMS) == ([] if stream else [text])


@pytest.mark.parametrize("text", ["users:emailAdress", "users:id", "users:", "users:name."])
def test_what_cannot_be_left_out_is_refused(text: str) -> None:
    """A name that is not in the schema, a key, nothing."""
    with pytest.raises(ConfigurationError, match="redact_fields"):
        paths_of([text], "users", SCHEMA, ["id"])


@given(
    value=st.recursive(
        st.none() | st.integers(),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
        ),
    ),
    path=st.lists(st.sampled_from("abc"), min_size=1, max_size=3),
)
def test_nothing_is_left_at_a_path_and_all_else_stays(value: Any, path: list[str]) -> None:
    """Through arrays at any depth; what is given is not changed."""
    before = repr(value)
    found = without(value, [tuple(path)])
    assert repr(value) == before
    assert not list(at(found, path))
    assert found == value or list(at(value, path))


def at(value: Any, path: list[str]) -> Any:
    """Every value at a path."""
    if isinstance(value, list):
        for each in value:
            yield from at(each, path)
    elif isinstance(value, dict) and path[0] in value:
        if len(path) == 1:
            yield value[path[0]]
        else:
            yield from at(value[path[0]], path[1:])
