"""What the page about shards says: its snippets can be read, and its variables are those of the code."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml

from documents import ROOT
from orchestrate.conftest import DAGS
from run_manifest import summary
from shard_report import Report

pytestmark = pytest.mark.any_version

PAGE = (ROOT / "orchestrate" / "README.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    """Return the snippets of a language."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_every_variable_of_the_page_is_one_of_the_code_and_the_other_way_round() -> None:
    """By name, in the table of the knobs."""
    described = set(re.findall(r"`(SHARDS?(?:_[A-Z]+)*)`", PAGE))
    code = "".join(path.read_text("utf-8") for path in DAGS.glob("*.py"))
    read = set(re.findall(r'"(SHARDS?(?:_[A-Z]+)*)"', code))
    assert described == read


def test_the_indexed_job_starts_the_command_with_an_index_for_each_shard() -> None:
    """As many completions as shards, and time enough to stop."""
    (job,) = (yaml.safe_load(block) for block in blocks("yaml"))
    container = job["spec"]["template"]["spec"]["containers"][0]
    environment = {each["name"]: each["value"] for each in container["env"]}
    assert job["spec"]["completionMode"] == "Indexed"
    assert environment["SHARDS"] == str(job["spec"]["completions"])
    assert job["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] > 120 + 30
    assert (ROOT / container["command"][1]).is_file()


def test_the_state_machine_starts_the_command_for_each_shard() -> None:
    """And has no time to stop that Fargate does not give."""
    machine: Any = json.loads(next(block for block in blocks("json") if "StartAt" in block))
    shards = machine["States"][machine["StartAt"]]
    shard = shards["ItemProcessor"]["States"][shards["ItemProcessor"]["StartAt"]]
    (container,) = shard["Parameters"]["Overrides"]["ContainerOverrides"]
    environment = {each["Name"]: int(each["Value"]) for each in container["Environment"][:2]}
    assert sum(environment.values()) < 120
    assert "'orchestrate/dags/shard.py', $" in container["Command.$"]


def test_the_object_at_the_end_has_the_members_that_the_page_shows() -> None:
    """All of them, in both levels."""
    shown: Any = json.loads(next(block for block in blocks("json") if '"complete"' in block))
    report = Report("1/2", "1-of-2", 0, stopped=False, began="", ended="", manifests=())
    made = summary("r", ["1/2", "2/2"], [report], {})
    assert set(shown) == set(made)
    assert set(shown["parts"][0]) == set(made["parts"][0])
    for name in ("objects", "rows", "bytes", "rejected"):
        assert shown[name] == sum(part[name] for part in shown["parts"])
