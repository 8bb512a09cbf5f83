"""What must not be in the repository, and what its files must agree on."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest
import yaml

from documents import FILES, ROOT, rendered
from sandbox import problems
from tap_jira_oauth import advice
from tap_jira_oauth.cli import commands

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.workspace

# Written in pieces, or this file would find itself.
FORBIDDEN = {
    "a host of a package registry": "|".join(
        name.replace(" ", r"\.")
        for name in ("pypi org", "pythonhosted org", "registry npmjs", "deb debian org")
    ),
    "a path of one machine": "|".join(
        f"/{name}/" for name in ("work", "root", r"home/\w+", "Users")
    ),
    "a private key": "-----BEGIN [A-Z ]*PRIVATE" + " KEY-----\\s*\\n?[A-Za-z0-9+/]{40}",
    "an AWS key": "AKIA" + "[0-9A-Z]{16}",
    # Not the name of a request of SFTP's.
    "a real person's address": r"\b(?!fsync@openssh\.com\b)[\w.+-]+@(?!example\.(com|org|net)\b)[\w-]+\.(com|org|net|de|io)\b",
}

SECRET_NAMES = "secret$|secret_access|passw|token$|^private_key$|access_key|^proxy_url$"
"""Settings that hold a secret, by name; a proxy's address may hold its password."""


def tracked() -> list[Path]:
    """Return every text file under version control."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"],  # noqa: S607 - whatever git the person uses
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_tracked_file_holds_what_must_not_be_there(what: str) -> None:
    """Registry hosts, paths of a machine, secrets, addresses of people."""
    pattern = re.compile(FORBIDDEN[what])
    found = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in tracked()
        for match in pattern.finditer(path.read_text("utf-8", "replace"))
    ]
    assert found == []


@pytest.mark.parametrize(
    ("what", "sample"),
    [
        ("a host of a package registry", "https://py" + "pi.org/simple"),
        ("a path of one machine", "/ro" + "ot/.cache"),
        ("an AWS key", "AKIA" + "A" * 16),
        ("a private key", "-----BEGIN PRIVATE" + " KEY-----\n" + "A" * 64),
        ("a real person's address", "mia@" + "gmail.com"),
    ],
)
def test_the_patterns_find_what_they_are_for(what: str, sample: str) -> None:
    """A search that can find nothing proves nothing."""
    assert re.search(FORBIDDEN[what], sample)


def test_every_problem_that_jira_can_name_has_advice() -> None:
    """The sandbox's list is that of Jira's own library; the table in the README is made of ours."""
    text = (ROOT / "tap-jira-oauth" / "README.md").read_text("utf-8")
    for problem in {*problems.STATUS, "token_used", "token_revoked", "consumer_key_rejected"}:
        assert problem in advice.OAUTH
        assert f"| `{problem}` | {advice.OAUTH[problem].cause} |" in text
    for status in (200, 301, 400, 401, 403, 404, 410, 429, 500, 502, 503, 504):
        assert re.search(rf"(?m)^\| HTTP [^|]*\b{status}\b", text), status


def test_meltano_has_every_command_beside_the_tap() -> None:
    """`meltano invoke tap-jira-oauth:login` and so on."""
    project = yaml.safe_load((ROOT / "meltano.yml").read_text("utf-8"))
    declared = project["plugins"]["extractors"][0]["commands"]
    assert set(declared) == set(commands.commands)
    for name, command in declared.items():
        assert (command["executable"], command["args"]) == ("jira-oauth", name)


@pytest.mark.parametrize("name", FILES)
def test_settings_in_documents_are_the_plugins_own(name: str) -> None:
    """`./dev docs` was run after the last change of a setting."""
    assert (ROOT / name).read_text("utf-8") == rendered(ROOT / name)


def test_meltano_masks_every_secret_and_knows_no_password_kind() -> None:
    """`sensitive: true` is Meltano's way; `kind: password` is deprecated."""
    project = yaml.safe_load((ROOT / "meltano.yml").read_text("utf-8"))
    plugins = project["plugins"]["extractors"] + project["plugins"]["loaders"]
    for plugin in plugins:
        names = {setting["name"] for setting in plugin["settings"]}
        for group in plugin["settings_group_validation"]:
            assert set(group) <= names
        for setting in plugin["settings"]:
            assert setting["kind"] != "password"
            if re.search(SECRET_NAMES, setting["name"]):
                assert setting.get("sensitive"), setting["name"]


def test_no_lock_file_with_addresses_is_tracked() -> None:
    """uv.lock names the registry on every line; requirements.lock names hashes only."""
    assert not [path for path in tracked() if path.name in {"uv.lock", "pylock.toml"}]
    assert "://" not in (ROOT / "requirements.lock").read_text("utf-8")


def test_the_lock_pins_every_file_by_hash() -> None:
    """Each requirement is an exact version followed by its hashes."""
    blocks = re.split(r"\n(?=\S)", (ROOT / "requirements.lock").read_text("utf-8").strip())
    assert len(blocks) > 50
    for block in blocks:
        assert re.match(r"[a-z0-9._-]+(\[[^\]]+\])?==", block), block
        assert "--hash=sha256:" in block, block
