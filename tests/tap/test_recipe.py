"""The recipe of the README, followed to the letter in a copy of the tap: the new stream emits its records."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

from documents import ROOT
from measured import SWITCH
from sandbox import Corpus, Sandbox
from tap.command import Run, environment, messages

if TYPE_CHECKING:
    from pathlib import Path

LONGEST_CLASS = 40
"""Lines."""

PROGRAM = "from tap_jira_oauth.tap import main; main()"


def pieces() -> tuple[str, str]:
    """The class and the schema of the recipe's example."""
    readme = (ROOT / "tap-jira-oauth" / "README.md").read_text("utf-8")
    recipe = readme.split("### Adding a stream")[1].split("\n## ")[0]
    code, schema = re.findall(r"(?s)```(?:python|json)\n(.*?)```", recipe)
    return textwrap.dedent(code), textwrap.dedent(schema)


def follow(folder: Path) -> str:
    """Add the example to a copy of the package, as steps 2 and 3 say; return the stream's name."""
    code, schema = pieces()
    assert len(code.splitlines()) < LONGEST_CLASS
    (name,) = re.findall(r'name = "(\w+)"', code)
    (of_class,) = re.findall(r"class (\w+)", code)
    package = folder / "tap_jira_oauth"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "tap-jira-oauth" / "tap_jira_oauth", package, ignore=ignored)
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
