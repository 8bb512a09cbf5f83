"""Streams that this Jira does not serve: what a pattern selects is left out, what a person names is an error."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import Corpus, Sandbox, User
from tap.below import run_with
from tap.command import ended

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tap.command import Run

USERS = (
    User("sandbox", "Sandbox User", password="sandbox"),
    User("guest", "Guest", password="guest", administrator=False),
)


@pytest.fixture(scope="module")
def jira() -> Iterator[Sandbox]:
    """A Data Center, and a user who is no administrator."""
    with Sandbox(corpus=Corpus.generate(seed=7, issues=5), users=USERS) as sandbox:
        yield sandbox


def config(jira: Sandbox) -> dict[str, Any]:
    """The settings of that user."""
    return {
        "api_url": jira.url,
        "auth_method": "basic",
        "username": "guest",
        "password": "guest",
    }


@pytest.fixture(scope="module")
def catalog(jira: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What discovery prints for that user."""
    folder = tmp_path_factory.mktemp("discovery")
    status, output = ended(folder, config(jira), None, "--discover")
    log = (folder / "log").read_text()
    assert status == 0, log
    (line,) = [line for line in log.splitlines() if "to the signed-in user" in line]
    assert "screens" in line
    assert "labels" not in line
    found: dict[str, Any] = json.loads(output)
    return found


def top(catalog: dict[str, Any], stream: str) -> dict[str, Any]:
    """The metadata of a stream itself."""
    entry = next(each for each in catalog["streams"] if each["tap_stream_id"] == stream)
    found: dict[str, Any] = next(
        each["metadata"] for each in entry["metadata"] if each["breadcrumb"] == []
    )
    return found


def read(jira: Sandbox, folder: Path, catalog: dict[str, Any]) -> Run:
    """Read with a catalog."""
    path = folder / "catalog.json"
    path.write_text(json.dumps(catalog))
    return run_with(folder, config(jira), ("--catalog", str(path)))


def said(run: Run) -> str:
    """The line that names what is not read."""
    lines = [line for line in run.log.splitlines() if "Not read, though selected" in line]
    return lines[0] if len(lines) == 1 else ""


@pytest.mark.workspace
@pytest.mark.parametrize("pattern", ["*.*", "labels.*"])
def test_what_meltano_selects_by_a_pattern_is_read_as_far_as_it_is_served(
    jira: Sandbox, tmp_path: Path, catalog: dict[str, Any], pattern: str
) -> None:
    """By Meltano's own rules, of which `*.*` is the default; one line names the rest. The run is no failure."""
    from meltano.core.plugin.singer.catalog import (  # noqa: PLC0415 - where Meltano is
        MetadataExecutor,
        select_metadata_rules,
        visit,
    )

    rules = [*select_metadata_rules(["!*.*"]), *select_metadata_rules([pattern])]
    chosen = json.loads(json.dumps(catalog))
    visit(chosen, MetadataExecutor(rules))
    result = read(jira, tmp_path, chosen)
    assert result.status == 0, result.log
    assert "labels" in said(result)
    if pattern == "*.*":
        assert "screens" in said(result)
        assert len(result.of("issues")) == 5
        assert result.of("statuses")
    else:
        assert "screens" not in said(result)
        assert result.records == []


def test_what_a_person_selects_is_tried_and_refused_with_advice(
    jira: Sandbox, tmp_path: Path, catalog: dict[str, Any]
) -> None:
    """`selected` of a stream itself, which no pattern sets; what others read is saved before."""
    chosen = json.loads(json.dumps(catalog))
    for stream in ("labels", "screens", "statuses"):
        top(chosen, stream)["selected"] = True
    result = read(jira, tmp_path, chosen)
    assert result.status == 1
    assert result.of("statuses")
    critical = [line for line in result.log.splitlines() if "CRITICAL" in line]
    assert "only Jira Cloud has /rest/api/2/label" in critical[0]
    assert "It takes the global permission 'Administer Jira'" in critical[1]
    assert said(result) == ""


def test_without_a_selection_nothing_is_said(
    jira: Sandbox, tmp_path: Path, catalog: dict[str, Any]
) -> None:
    """The catalog as discovery printed it reads the issues."""
    assert top(catalog, "labels")["inclusion"] == "unsupported"
    assert top(catalog, "statuses")["inclusion"] == "available"
    result = read(jira, tmp_path, catalog)
    assert result.status == 0, result.log
    assert {message["stream"] for message in result.messages if "stream" in message} == {"issues"}
    assert said(result) == ""
