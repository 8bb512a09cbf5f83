"""Links lead somewhere, settings in examples exist, and messages that are quoted are those of the code."""

from __future__ import annotations

import ast
import functools
import json
import re
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
import yaml

from docs import pages
from documents import PLUGINS, ROOT, declared
from state_backend_dynamodb import settings as backend_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.workspace

SOURCES = ("tap-jira-oauth", "target-s3-jsonl", "state-backend-dynamodb")
VALUE = "\0"
"""Stands for what a message fills in."""


@pytest.mark.parametrize("page", pages.PAGES)
def test_links_lead_somewhere(page: str) -> None:
    """To a file of the repository, and to a heading where one is named; none is a placeholder."""
    broken = []
    for link in pages.links(page):
        if re.match(r"https?://", link):
            if "example" in link:
                broken.append(link)
            continue
        name, _, anchor = link.partition("#")
        target = ((ROOT / page).parent / name).resolve() if name else ROOT / page
        headings = anchor and pages.anchors(target.relative_to(ROOT).as_posix())
        if not target.exists() or (anchor and anchor not in headings):
            broken.append(link)
    assert broken == []


def test_every_page_can_be_reached_from_the_first() -> None:
    """By links alone; a newcomer knows no other way."""
    reached, ahead = set[str](), ["README.md"]
    while ahead:
        page = ahead.pop()
        if page in reached or not page.endswith(".md"):
            continue
        reached.add(page)
        for link in pages.links(page):
            target = ((ROOT / page).parent / link.partition("#")[0]).resolve()
            if target.is_relative_to(ROOT):
                ahead.append(target.relative_to(ROOT).as_posix())
    assert reached >= set(pages.PAGES)


def parsed() -> Iterator[tuple[str, Any]]:
    """Yield every YAML and JSON block with its page, read as what it says it is."""
    for page in pages.PAGES:
        for block in pages.blocks(page):
            if block.language == "yaml":
                yield page, yaml.safe_load(block.code)
            elif block.language == "json":
                yield page, json.loads(block.code)


def plugins(document: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the settings of each plugin in a document, whichever form it has."""
    if not isinstance(document, dict):
        return
    for kind in ("extractors", "loaders"):
        for plugin in document.get("plugins", {}).get(kind, []):
            yield plugin.get("inherit_from", plugin["name"]), plugin.get("config", {})
    if "api_url" in document:
        yield "tap-jira-oauth", document
    if "destination" in document:
        yield "target-s3-jsonl", document


def test_settings_of_examples_exist() -> None:
    """In every block of YAML and JSON; a misspelt one would be refused, and the reader be left alone."""
    known = {plugin: {each["name"] for each in declared(plugin)} for plugin in PLUGINS}
    met = set()
    for page, document in parsed():
        for plugin, config in plugins(document):
            met.add(plugin)
            assert set(config) <= known[plugin], page
        backend = document.get("state_backend", {}) if isinstance(document, dict) else {}
        names = {each.name for each in backend_settings.SETTINGS}
        assert set(backend.get("dynamodb", {})) <= names, page
    assert met == set(PLUGINS)


@pytest.mark.parametrize("page", pages.PAGES)
def test_programs_and_queries_can_be_read(page: str) -> None:
    """Python by its compiler, SQL by DuckDB: what they do, other tests show."""
    for block in pages.blocks(page):
        if block.language == "python":
            compile(block.code, page, "exec")
        elif block.language == "sql":
            assert duckdb.extract_statements(block.code)


def test_settings_that_are_told_in_a_sentence_exist() -> None:
    """Variables such as `TAP_JIRA_OAUTH_PAGE_SIZE`, wherever they stand."""
    for plugin, prefix in (("tap-jira-oauth", "TAP_JIRA_OAUTH_"), ("target-s3-jsonl", "TARGET_")):
        names = {each["name"].upper() for each in declared(plugin)} | {"LOGLEVEL", ""}
        for page in pages.PAGES:
            text = pages.text(page).replace("S3_JSONL_", "")
            for name in re.findall(rf"\b{prefix}([A-Z_0-9]+)\b", text):
                assert name in names, (page, name)


@functools.cache
def messages() -> frozenset[str]:
    """Every text in the sources of the packages, with a mark for each value that is filled in."""
    found = set()
    for source in SOURCES:
        for path in (ROOT / source).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.JoinedStr):
                    parts = (
                        str(each.value) if isinstance(each, ast.Constant) else VALUE
                        for each in node.values
                    )
                    found.add("".join(parts))
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found.add(re.sub(r"%[sdg]|\{\w+\}", VALUE, node.value))
    return frozenset(found)


def is_said(quoted: str) -> bool:
    """Tell whether the code says a text, in which `...` stands for any value."""
    pieces = map(re.escape, quoted.replace("'...'", "...").split("..."))
    pattern = re.compile(rf"['\"]?[^{VALUE}]*{VALUE}[^{VALUE}]*['\"]?".join(pieces))
    return any(pattern.search(message) for message in messages())


def quoted_messages() -> list[str]:
    """Return what the first column of the page's tables quotes."""
    tables = re.findall(
        r"(?ms)^\| it says .*?\n\|[-|]+\n(.*?)(?=\n\n)", pages.text("docs/troubleshoot.md")
    )
    cells = [line.split(" | ")[0] for table in tables for line in table.splitlines()]
    return [quoted for cell in cells for quoted in re.findall(r"`([^`]+)`", cell)]


@pytest.mark.parametrize("quoted", quoted_messages())
def test_a_quoted_message_is_one_of_the_code(quoted: str) -> None:
    """Word for word: people search for what they see."""
    assert is_said(quoted)


def test_what_nobody_says_is_not_found() -> None:
    """A search that finds everything proves nothing."""
    assert len(quoted_messages()) > 25
    assert not is_said("The access token has run out.")
    assert not is_said("there is no bucket ... on ...; create it")


@pytest.mark.parametrize("page", pages.PAGES)
def test_tests_that_are_said_to_prove_something_exist(page: str) -> None:
    """By name, by file, or by folder: a promise whose test was renamed is one without a test."""
    paths = list((ROOT / "tests").rglob("test_*.py"))
    files = {path.name for path in paths}
    text = "".join(path.read_text("utf-8") for path in paths)
    unknown = [
        name
        for name in re.findall(r"`(tests/[\w./-]*|test_\w+(?:\.py)?)`", pages.text(page))
        if not ((ROOT / name).exists() or name in files or f"\ndef {name}(" in text)
    ]
    assert unknown == []
