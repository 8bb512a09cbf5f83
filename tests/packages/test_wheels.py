"""The packages as people get them: built, and each installed alone, on every Python that they say they support."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from contextlib import closing
from email.parser import Parser
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import boto3
import pytest
import yaml

from docs.pages import blocks
from documents import ROOT
from measured import unmeasured
from packages.pythons import SUPPORTED, found
from sandbox import Corpus, Sandbox
from state.dynamodb import KEYS, REGION, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import Message

pytestmark = pytest.mark.workspace

UV = str(Path(sys.executable).with_name("uv"))
ISSUES = 7
SECONDS = 120

FOLDERS = {
    "tap-jira-oauth": "tap_jira_oauth",
    "target-s3-jsonl": "target_s3_jsonl",
    "state-backend-dynamodb": "state_backend_dynamodb",
}
"""The module of each package, by its folder."""

NOT_NEEDED = {
    "tap-jira-oauth": {"boto3", "meltano", "pytest", "smart_open", "target_s3_jsonl"},
    "target-s3-jsonl": {"meltano", "pytest", "requests_oauthlib", "tap_jira_oauth"},
    "state-backend-dynamodb": {"meltano", "pytest", "requests", "singer_sdk"},
}
"""What must not come along: of the workspace, of other settings, or of other packages."""

TABLE_FIRST = """
from state_backend_dynamodb.aws import dynamodb_client
from state_backend_dynamodb.table import Table

Table(dynamodb_client(), "meltano-state").create()
newest = {"bookmarks": {}}
"""
"""What the example of the state backend's README takes for granted."""


def with_states() -> str:
    """Return that example as a program that prints what it has kept."""
    (example,) = (
        each for each in blocks("state-backend-dynamodb/README.md") if each.language == "python"
    )
    return f"{TABLE_FIRST}{example.code}\nprint(states.read('lambda'))\n"


class Built(NamedTuple):
    """What `uv build` makes of a package."""

    sdist: Path
    wheel: Path

    @property
    def metadata(self) -> Message:
        """What a package index is told."""
        with zipfile.ZipFile(self.wheel) as archive:
            (name,) = (each for each in archive.namelist() if each.endswith(".dist-info/METADATA"))
            return Parser().parsestr(archive.read(name).decode())


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Built]:
    """Each package's source archive, and the wheel that is built from it."""
    packages = {}
    for name in FOLDERS:
        out = tmp_path_factory.mktemp(name)
        build = [UV, "build", "--quiet", "--no-build-isolation", "--python", sys.executable]
        subprocess.run([*build, "--out-dir", str(out), str(ROOT / name)], check=True)
        (sdist,), (wheel,) = out.glob("*.tar.gz"), out.glob("*.whl")
        packages[name] = Built(sdist, wheel)
    return packages


@pytest.mark.parametrize("name", FOLDERS)
def test_an_archive_holds_the_package_its_licence_and_nothing_else(
    name: str, built: dict[str, Built]
) -> None:
    """Every file of the module, the mark of its types, the licence; no test, no file of another package."""
    module = FOLDERS[name]
    with zipfile.ZipFile(built[name].wheel) as archive:
        files = {each for each in archive.namelist() if ".dist-info/" not in each}
        (licence,) = (each for each in archive.namelist() if each.endswith("/licenses/LICENSE"))
        assert archive.read(licence) == (ROOT / "LICENSE").read_bytes()
    tracked = subprocess.run(
        ["git", "ls-files", module],  # noqa: S607 - whatever git the person uses
        cwd=ROOT / name,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    assert files == set(tracked)
    assert f"{module}/py.typed" in files
    with tarfile.open(built[name].sdist) as archive:
        sources = {each.name.partition("/")[2] for each in archive.getmembers()}
    assert {*tracked, "LICENSE", "README.md", "pyproject.toml"} <= sources
    assert not {each for each in sources if "test" in each}


@pytest.mark.parametrize("definition", sorted((ROOT / "hub").glob("*/*.yml")))
def test_the_hub_is_told_the_same_pythons(definition: Path) -> None:
    """What `meltano add` shows is what is tested."""
    told = yaml.safe_load(definition.read_text("utf-8"))["supported_python_versions"]
    assert tuple(told) == SUPPORTED


@pytest.mark.parametrize("name", FOLDERS)
def test_a_package_says_what_it_is(name: str, built: dict[str, Built]) -> None:
    """The index, and people who search it, are told a licence, keywords, addresses that exist, and the Pythons."""
    metadata = built[name].metadata
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["License-File"] == "LICENSE"
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert metadata.get_payload() == (ROOT / name / "README.md").read_text("utf-8")
    assert 40 < len(metadata["Summary"]) < 200
    assert {"meltano", "singer"} <= set(metadata["Keywords"].split(","))
    classifiers = metadata.get_all("Classifier", [])
    said = re.findall(r"Python :: (3\.\d+)", "\n".join(classifiers))
    assert tuple(said) == SUPPORTED
    assert metadata["Requires-Python"] == f">={SUPPORTED[0]}"
    assert {"Typing :: Typed", "Operating System :: POSIX"} <= set(classifiers)
    addresses = metadata.get_all("Project-URL", [])
    assert addresses
    assert not [each for each in addresses if "example" in each or "REPOSITORY" in each]


def test_every_version_is_the_one_that_the_changelog_is_about(built: dict[str, Built]) -> None:
    """A release has its section; the package that is not released yet is the first one that its name has."""
    log = (ROOT / "CHANGELOG.md").read_text("utf-8")
    for package in built.values():
        name, version = package.metadata["Name"], package.metadata["Version"]
        first = re.search(rf"(?m)^### {re.escape(name)} (\S+)$", log)
        assert first is not None, name
        assert first[1] == version


class Place(NamedTuple):
    """An environment with one package and what it depends on."""

    folder: Path

    def run(self, *command: str, given: bytes = b"", **variables: str) -> bytes:
        """Run one of its commands as a person would, away from the workspace; return what it printed."""
        ours = {"PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV"}
        env = {name: text for name, text in unmeasured().items() if name not in ours}
        done = subprocess.run(
            [str(self.folder / "bin" / command[0]), *command[1:]],
            cwd=self.folder,
            env=env | {"NO_PROXY": "127.0.0.1", "HOME": str(self.folder)} | variables,
            input=given,
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
        assert done.returncode == 0, (command, done.stdout.decode(), done.stderr.decode())
        return done.stdout

    def about(self, command: str) -> dict[str, Any]:
        """Return what the plugin says of itself."""
        found_: dict[str, Any] = json.loads(self.run(command, "--about", "--format=json"))
        return found_


def installed(
    folder: Path, package: Built, python: Path, *, oldest: bool, extra: str = ""
) -> Place:
    """Make an environment for a wheel alone, with the newest versions that are tested, or the oldest."""
    uv = partial(subprocess.run, check=True, env=os.environ | {"VIRTUAL_ENV": str(folder)})
    uv([UV, "venv", "--quiet", "--python", str(python), str(folder)])
    which = ["--resolution", "lowest-direct"] if oldest else ["-c", str(ROOT / "requirements.lock")]
    uv([UV, "pip", "install", "--quiet", *which, f"{package.wheel}{extra}"])
    return Place(folder)


@pytest.fixture(scope="module")
def jira() -> Iterator[Sandbox]:
    """A small Jira."""
    with Sandbox(corpus=Corpus.generate(seed=3, issues=ISSUES, projects=1)) as jira:
        yield jira


@pytest.fixture(params=[*SUPPORTED, "oldest dependencies"])
def place(request: pytest.FixtureRequest, tmp_path: Path, built: dict[str, Built]) -> Any:
    """Return what installs a package on one Python; on the first one also with its oldest dependencies."""
    oldest = request.param not in SUPPORTED
    python = found(SUPPORTED[0] if oldest else request.param)
    if python is None:
        pytest.skip(f"there is no Python {SUPPORTED[0] if oldest else request.param} here")
    return lambda name: installed(tmp_path / name, built[name], python, oldest=oldest)


def test_each_package_installs_alone_and_runs(place: Any, jira: Sandbox, tmp_path: Path) -> None:
    """Without the workspace: both commands say what they are, the tap reads a Jira, the target stores it, state is kept."""
    places = {name: place(name) for name in FOLDERS}
    for name, here in places.items():
        modules = ", ".join(repr(each) for each in NOT_NEEDED[name])
        program = (
            f"from importlib.util import find_spec as f; print([m for m in [{modules}] if f(m)])"
        )
        assert here.run("python", "-c", program).decode().strip() == "[]"
    for name in ("tap-jira-oauth", "target-s3-jsonl"):
        assert places[name].about(name)["name"] == name
        assert b"0.1.0" in places[name].run(name, "--version")
    user = {"TAP_JIRA_OAUTH_AUTH_METHOD": "personal_token"}
    user |= {"TAP_JIRA_OAUTH_API_URL": jira.url, "TAP_JIRA_OAUTH_PERSONAL_TOKEN": "sandbox-token"}
    lines = places["tap-jira-oauth"].run("tap-jira-oauth", "--config=ENV", **user)
    assert lines.count(b'{"type":"RECORD"') == ISSUES
    lake = {"TARGET_S3_JSONL_DESTINATION": str(tmp_path / "lake")}
    state = places["target-s3-jsonl"].run("target-s3-jsonl", "--config=ENV", given=lines, **lake)
    assert json.loads(state.splitlines()[-1])["bookmarks"]
    (stored,) = (tmp_path / "lake" / "issues").glob("*/*.jsonl.gz")
    assert stored.stat().st_size
    with running("moto", tmp_path) as server:
        variables = {name.upper(): text for name, text in KEYS.items()}
        variables |= {"AWS_ENDPOINT_URL": server.url, "AWS_REGION": REGION}
        kept = places["state-backend-dynamodb"].run("python", "-c", with_states(), **variables)
    assert b"singer_state" in kept


def test_the_extra_brings_what_aws_needs(tmp_path: Path, built: dict[str, Built]) -> None:
    """With it alone beside the package, the tap reads a password from AWS."""
    program = """
from tap_jira_oauth.credentials.reference import resolved
print(resolved({"password": "ssm:jira"})["password"])
"""
    tap = built["tap-jira-oauth"]
    here = Path(sys.executable)
    place = installed(tmp_path / "tap", tap, here, oldest=False, extra="[aws]")
    key, secret = KEYS["aws_access_key_id"], KEYS["aws_secret_access_key"]
    session = boto3.session.Session(key, secret, region_name=REGION)
    with running("moto", tmp_path) as server:
        with closing(session.client("ssm", endpoint_url=server.url)) as ssm:
            ssm.put_parameter(Name="jira", Value="hidden", Type="String")
        read = place.run(
            *("python", "-c", program),
            AWS_ACCESS_KEY_ID=key,
            AWS_SECRET_ACCESS_KEY=secret,
            AWS_ENDPOINT_URL=server.url,
            AWS_REGION=REGION,
        )
    assert read == b"hidden\n"
