"""Every command in the documents is run: here, by another test or by CI."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from itertools import chain
from typing import TYPE_CHECKING, Any

import pytest

from docs import pages
from docs.pages import plain, written
from docs.registry import ELSEWHERE, FAILS, FOLLOWED, RUN, SAYS
from docs.scenes import SCENES
from documents import ROOT

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.workspace

KNOWN = {plain(each) for each in (*chain.from_iterable(RUN.values()), *ELSEWHERE)}
WHOLE = {plain(command) for page in pages.PAGES for command in pages.commands(page)}


def is_listed(command: str) -> bool:
    """Tell whether a command is proved: as it is, by its beginning, or as the name of one that is.

    What some page has as it is proves nothing longer: `./dev bench` no measurement.
    """
    mine = plain(command)
    return mine in KNOWN or any(
        (mine.startswith(each) and each not in WHOLE) or each.startswith(f"{mine} ")
        for each in KNOWN
    )


def in_steps(page: str) -> set[str]:
    """Return the commands of a page's numbered steps."""
    steps = pages.text(page).partition("\n1. ")[2].partition("\n## ")[0]
    return set(pages.commands_of(f"\n1. {steps}"))


@pytest.mark.parametrize("page", pages.PAGES)
def test_no_command_is_unproved(page: str) -> None:
    """Each is in the registry, or in steps that a test follows."""
    followed = in_steps(page) if page in FOLLOWED else set()
    unproved = {
        command
        for command in pages.commands(page)
        if command not in followed and not is_listed(command)
    }
    assert unproved == set()


@pytest.mark.parametrize("command", [*ELSEWHERE, *FOLLOWED])
def test_what_is_said_to_prove_a_command_is_there(command: str) -> None:
    """The test, and in it the words that run the command; nor is any command listed that nobody reads."""
    proof = FOLLOWED.get(command) or ELSEWHERE[command]
    if command in ELSEWHERE:
        written(command)
    file, _, test = proof.test.partition("::")
    text = (ROOT / file).read_text("utf-8")
    assert proof.text in text
    assert not test or re.search(rf"\n *def {test}\(", text), proof.test


def test_ci_installs_what_the_pages_say() -> None:
    """Each package that a page has installed by `apt-get`, on a machine that lacks it."""
    told, done = (
        {
            word.strip(";")
            for line in lines
            for word in line.partition("apt-get install ")[2].split()
            if not word.startswith("-")
        }
        for lines in (
            [command for page in pages.PAGES for command in pages.commands(page)],
            (ROOT / ".ci" / "run").read_text("utf-8").splitlines(),
        )
    )
    assert "python3-venv" in told
    assert told <= done


@pytest.mark.skipif(sys.platform != "linux", reason="they are written for GNU sed and flock")
@pytest.mark.parametrize("scene", RUN)
def test_commands_do_what_the_pages_say(scene: str, tmp_path: Path) -> None:
    """In their order, each with the status that it should have."""
    with SCENES[scene](tmp_path) as there:
        for beginning in RUN[scene]:
            command = written(beginning)
            status, said = there.run(command)
            assert status == FAILS.get(beginning, 0), f"{command}\n{said}"
            assert SAYS.get(beginning, "") in said
            if command.endswith(" && cd jira-to-s3"):
                there.folder /= "jira-to-s3"


@pytest.mark.parametrize("form", ["Meltano's", "a STATE", "none yet"])
def test_the_bookmark_of_a_project_read_in_parts_is_put_beside_others(
    tmp_path: Path, form: str
) -> None:
    """By the program of the page; another one of that project is replaced, and the log is read from the older moment."""
    page = "tap-jira-oauth/README.md"
    (program,) = (
        block.code
        for block in pages.blocks(page)
        if block.language == "python" and "parts.json" in block.code
    )
    old, new, other = (
        {"context": {"project_id": id_}, "replication_key_value": value}
        for id_, value in (("1", "2025"), ("1", "2026"), ("2", "2024"))
    )
    log, later = {"replication_key_value": "2026"}, {"replication_key_value": "2027"}
    state: dict[str, Any] = {
        "bookmarks": {"issues": {"partitions": [old, other]}, "issue_worklogs": later, "users": {}}
    }
    before = {"Meltano's": {"singer_state": state}, "a STATE": state, "none yet": {}}[form]
    bookmarks = {"issues": {"partitions": [new]}, "issue_worklogs": log}
    (tmp_path / "parts.json").write_text(json.dumps({"state": {"bookmarks": bookmarks}}))
    (tmp_path / "state.json").write_text(json.dumps(before))
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True)
    after = json.loads((tmp_path / "state.json").read_text())
    kept = {"issues": {"partitions": [other, new]}, "issue_worklogs": log, "users": {}}
    assert (
        after
        == {
            "Meltano's": {"singer_state": {"bookmarks": kept}},
            "a STATE": {"bookmarks": kept},
            "none yet": {"singer_state": {"bookmarks": bookmarks}},
        }[form]
    )
