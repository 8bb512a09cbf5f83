"""The recipes of `docs/extend.md`, followed to the letter in a copy of the tap: a new stream, a new way to sign in."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from documents import ROOT
from measured import SWITCH
from sandbox import Corpus, Sandbox
from tap.command import Run, environment, messages

if TYPE_CHECKING:
    from pathlib import Path

LONGEST_CLASS = 40
"""Lines."""

PROGRAM = "from tap_jira_oauth.tap import main; main()"


def pieces(section: str) -> list[str]:
    """The blocks of code in a section of the page, in order."""
    page = (ROOT / "docs" / "extend.md").read_text("utf-8")
    recipe = page.split(f"\n## {section}\n")[1].split("\n## ")[0]
    # Of what is indented by a list; an empty line of a block has no margin.
    blocks = re.findall(r"(?s)```(?:python|json|diff)\n(.*?)   ```", recipe)
    return [re.sub(r"(?m)^ {3}", "", block) for block in blocks]


def copied(folder: Path) -> Path:
    """Copy the package into a folder."""
    package = folder / "tap_jira_oauth"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "tap-jira-oauth" / "tap_jira_oauth", package, ignore=ignored)
    return package


def follow(folder: Path) -> str:
    """Add the example to a copy of the package, as steps 2 and 3 say; return the stream's name."""
    code, schema = pieces("A new stream")
    assert len(code.splitlines()) < LONGEST_CLASS
    (name,) = re.findall(r'name = "(\w+)"', code)
    (of_class,) = re.findall(r"class (\w+)", code)
    package = copied(folder)
    family = package / "streams" / "projects.py"
    text = family.read_text("utf-8")
    listed = "PROJECTS_STREAMS = (\n"
    assert text.count(listed) == 1
    family.write_text(text.replace(listed, f"{code}\n\n{listed}    {of_class},\n"), "utf-8")
    (package / "streams" / "schemas" / f"{name}.json").write_text(schema, "utf-8")
    return str(name)


def tap(folder: Path, *options: str) -> bytes:
    """Run the copy, and return what it printed."""
    command = [sys.executable, "-c", PROGRAM, "--config", "config.json", *options]
    there = environment() | {"PYTHONPATH": str(folder)}
    there.pop(SWITCH, None)  # the lines of a copy
    done = subprocess.run(
        command, cwd=folder, env=there, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def test_the_recipe_makes_a_stream(tmp_path: Path) -> None:
    """Its records come from all projects, conform to its schema, and end with their version."""
    name = follow(tmp_path)
    with Sandbox(corpus=Corpus.generate(seed=7, issues=20, projects=3)) as jira:
        user = {"auth_method": "basic", "username": "sandbox", "password": "sandbox"}
        (tmp_path / "config.json").write_text(json.dumps({"api_url": jira.url, **user}))
        catalog = json.loads(tap(tmp_path, "--discover"))
        for stream in catalog["streams"]:
            top = next(each["metadata"] for each in stream["metadata"] if not each["breadcrumb"])
            top["selected"] = stream["tap_stream_id"] == name
        (tmp_path / "catalog.json").write_text(json.dumps(catalog))
        result = Run(0, messages(tap(tmp_path, "--catalog", "catalog.json")), "")
        there = jira.world.corpus.reference.versions.values()
    assert {record["id"] for record in result.of(name)} == {
        version["id"] for versions in there for version in versions
    }
    assert len(result.of(name)) == sum(map(len, there))
    assert [each["type"] for each in result.messages][-2:] == ["ACTIVATE_VERSION", "STATE"]


def applied(diff: str, folder: Path) -> None:
    """Change a file as a diff without line numbers says: what a hunk has and its own lines stand for is there once."""
    (name,) = re.findall(r"(?m)^\+\+\+ b/(\S+)$", diff)
    text = (folder / name).read_text("utf-8")
    for hunk in re.split(r"(?m)^@@.*\n", diff)[1:]:
        lines = hunk.splitlines(keepends=True)
        old = "".join(line[1:] for line in lines if line[0] in " -")
        new = "".join(line[1:] for line in lines if line[0] in " +")
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    (folder / name).write_text(text, "utf-8")


def test_the_recipe_makes_a_way_to_sign_in(tmp_path: Path) -> None:
    """The program's token reads the issues; without a program, the setting that lacks is named."""
    code, *diffs = pieces("A new way to sign in")
    package = copied(tmp_path)
    (package / "auth" / "printed_token.py").write_text(code, "utf-8")
    for diff in diffs:
        applied(diff, tmp_path)
    (tmp_path / "token").write_text("sandbox-token\n")
    with Sandbox(corpus=Corpus.generate(seed=7, issues=20, projects=1)) as jira:
        config = {"api_url": jira.url, "auth_method": "printed_token"}
        (tmp_path / "config.json").write_text(json.dumps(config))
        with pytest.raises(AssertionError, match="auth_method 'printed_token' needs"):
            tap(tmp_path)
        config["token_command"] = "cat token"
        (tmp_path / "config.json").write_text(json.dumps(config))
        found = Run(0, messages(tap(tmp_path)), "")
    assert len(found.of("issues")) == 20
