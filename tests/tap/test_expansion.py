"""What `expand` adds to the records of issues, and what is redacted of it."""

from __future__ import annotations

import io
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Any, Literal

import msgspec
import pytest

from sandbox import Corpus, Sandbox
from tap.answered import decoded
from tap.below import catalog
from tap.command import Run, messages
from tap_jira_oauth.errors import AnswerError, ConfigurationError
from tap_jira_oauth.expansion import Expansion
from tap_jira_oauth.field_redaction import redaction
from tap_jira_oauth.setting_value import EXPANSIONS
from tap_jira_oauth.settings import Settings
from tap_jira_oauth.tap import TapJiraOAuth

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

URL = {"api_url": "https://jira.example.com", "auth_method": "anonymous"}
NAMES = dict.fromkeys(("summary", "reporter", "labels"), "")
SENT: dict[str, Any] = {
    "id": "1",
    "key": "A-1",
    "self": "https://jira.example.com/rest/api/2/issue/1",
    "fields": {},
    "renderedFields": {"summary": "s", "labels": None, "reporter": {"name": "n", "x": 1}},
    "changelog": {"total": 1, "histories": [{"id": "7", "items": [{"field": "summary"}]}]},
    "transitions": [{"id": "11"}],
    "operations": None,
    "editmeta": {"fields": {"summary": {}, "labels": {}, "reporter": {}}},
    "versionedRepresentations": {"summary": {"1": "s"}, "labels": {"1": []}},
}


@pytest.fixture(params=["data_center", "cloud"])
def jira(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """Each test runs with both flavours."""
    flavor: Literal["data_center", "cloud"] = request.param
    corpus = Corpus.generate(seed=7, issues=60, projects=3)
    with Sandbox(corpus=corpus, flavor=flavor) as sandbox:
        yield sandbox


def read(jira: Sandbox, selected: Mapping[str, Any] | None = None, **more: object) -> Run:
    """Run the tap here."""
    user = {"auth_method": "basic", "username": "sandbox", "password": "sandbox"}
    config = {"api_url": jira.url, **user, **more}
    output = io.TextIOWrapper(io.BytesIO())
    with redirect_stdout(output):
        TapJiraOAuth(config=config, catalog=selected).sync_all()
    output.flush()
    assert isinstance(output.buffer, io.BytesIO)
    return Run(0, messages(output.buffer.getvalue()), "")


def test_what_was_asked_for_is_in_the_record_together_with_other_choices(jira: Sandbox) -> None:
    """With `project_keys`, `jql` and `fields`; declared in the SCHEMA, where the catalog was made with it."""
    key = jira.issues[0]["key"]
    choice: dict[str, Any] = {
        "project_keys": [key.rpartition("-")[0]],
        "jql": f"key = {key}",
        "fields": ["summary"],
    }
    expand = ["changelog", "renderedFields", "transitions"]
    run = read(jira, **choice, expand=expand)
    (record,) = run.of("issues")
    assert record["key"] == key
    assert record["fields"].keys() == {"summary", "project", "created", "updated"}
    assert len(record["changelog"]["histories"]) == min(record["changelog"]["total"], 100)
    assert record["renderedFields"].keys() == record["fields"].keys()
    assert record["transitions"][0]["id"]
    schemas = [each["schema"] for each in run.messages if each["type"] == "SCHEMA"]
    assert set(expand) <= schemas[0]["properties"].keys()
    plain = read(jira, **choice)
    assert not set(expand) & {*plain.of("issues")[0]}
    # The catalog was made without; and what a stream of children asks for stays out of the record.
    older = read(jira, catalog(("issues", "issue_changelogs")), **choice, expand=["transitions"])
    assert "transitions" in older.of("issues")[0]
    assert "changelog" not in older.of("issues")[0]
    assert older.of("issue_changelogs")


def test_what_is_redacted_is_in_no_expansion(jira: Sandbox) -> None:
    """Neither rendered nor in the history; `changelog` itself may be redacted."""
    expand = ["changelog", "renderedFields"]
    run = read(jira, expand=expand, redact_fields=["summary", "changelog.author"])
    for record in run.of("issues"):
        assert "summary" not in record["renderedFields"]
        for history in record["changelog"]["histories"]:
            assert "author" not in history
            assert "summary" not in {item["field"] for item in history["items"]}
    none = read(jira, expand=expand, redact_fields=["changelog"])
    assert not any("changelog" in record for record in none.of("issues"))


def put(sent: object, *names: str, redact: tuple[str, ...] = ()) -> dict[str, Any]:
    """What is put into the record of an issue."""
    issue = decoded(msgspec.json.encode(sent))
    expansion = Expansion(
        names, redaction(redact, NAMES, ()), lambda history: {"id": history["id"]}
    )
    made: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(expansion.of(issue)))
    return made


def test_each_expansion_is_as_jira_sent_it_without_what_is_redacted() -> None:
    """An empty one is no property; of a field of which a part is redacted only what is known to be clean stays."""
    every = EXPANSIONS
    assert put(SENT, *every) == {n: SENT[n] for n in every if n != "operations"}
    clean = put(SENT, *every, redact=("summary", "reporter.x"))
    assert clean["renderedFields"] == {"labels": None, "reporter": {"name": "n"}}
    assert clean["changelog"] == {"total": 1, "histories": [{"id": "7"}]}
    assert clean["editmeta"] == {"fields": {"labels": {}}}
    assert clean["versionedRepresentations"] == {"labels": {"1": []}}
    assert clean["transitions"] == SENT["transitions"]


def test_an_expansion_of_another_shape_that_has_to_be_redacted_is_an_error() -> None:
    """It names the issue."""
    with pytest.raises(AnswerError, match="Issue A-1 came with a strange changelog"):
        put({**SENT, "changelog": [7]}, "changelog", redact=("summary",))


@pytest.mark.parametrize(
    ("name", "said"),
    [("names", "select the stream 'fields'"), ("changelogs", "There are: changelog")],
)
def test_an_unknown_expansion_is_refused(name: str, said: str) -> None:
    """Before anything is asked; also one that Jira adds to a page."""
    assert Settings.from_config({**URL, "expand": ["transitions"]}).expand == ("transitions",)
    with pytest.raises(ConfigurationError, match=said):
        Settings.from_config({**URL, "expand": [name]})
