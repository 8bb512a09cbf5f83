"""Where the commands of the documents are run: folders with what the pages take for granted."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import requests

import partners
from documents import ROOT
from local_s3 import LocalS3
from measured import unmeasured
from package_index import PackageIndex
from prepared import CAN_FORK, prepared
from sandbox import Corpus, Sandbox
from state.dynamodb import KEYS, REGION, running
from tap.sign_in import login_by_code, run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

BIN = Path(sys.executable).parent
SECONDS = 120
RECORDED = 20
ANSWER = b"y\n"
"""What a person says who is asked."""
SETTINGS = ("AWS_", "MELTANO_", "TAP_", "TARGET_")


@dataclass
class Scene:
    """A folder, the variables of a person who works in it, and what stands for the names of the pages."""

    folder: Path
    variables: Mapping[str, str]
    names: Mapping[str, str]

    def run(self, command: str) -> tuple[int, str]:
        """Run a command as it stands, but for the names; return its status and all that it says."""
        for name, here in self.names.items():
            command = command.replace(name, here)
        words = shlex.split(command)
        if CAN_FORK and words[0] == "meltano" and not {"<", ">", "|", "&&"} & set(words):
            return self._meltano(words)
        done = subprocess.run(
            ["/bin/bash", "-ec", command],
            cwd=self.folder,
            env=self._environment(unmeasured()),
            input=ANSWER,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=SECONDS,
            check=False,
        )
        return done.returncode, done.stdout.decode()

    def _meltano(self, words: list[str]) -> tuple[int, str]:
        """Run Meltano in a process that has imported it."""
        order = {
            "arguments": words,
            "environment": self._environment(unmeasured()),
            "folder": str(self.folder),
        }
        with (self.folder / "log").open("w+b") as log:
            status, said = prepared("meltano.cli:main").run(order, ANSWER, log, SECONDS)
        return status, said.decode() + (self.folder / "log").read_text("utf-8")

    def _environment(self, around: Mapping[str, str]) -> dict[str, str]:
        kept = {name: text for name, text in around.items() if not name.startswith(SETTINGS)}
        path = {"PATH": os.pathsep.join([str(BIN), kept["PATH"]]), "NO_PROXY": "127.0.0.1"}
        return kept | path | dict(self.variables)


@contextmanager
def clone(folder: Path) -> Iterator[Scene]:
    """Nothing yet but a repository, with what is not committed, too.

    The clone gets this environment, and `./dev` is replaced by what it starts, or it would make another one.
    At the end a package index has what was built.
    """
    repository = published(folder / "repository")
    python = f"PYTHONPATH=tests:target-s3-jsonl {BIN}/python -m"
    names = {
        "git clone REPOSITORY jira-to-s3": f"git clone --quiet {repository} jira-to-s3 && ln -s {BIN.parent} jira-to-s3/.venv",
        "./dev demo": f"{python} demo",
        "./dev test": f"{python} pytest -p no:cacheprovider",
        "--recorded DIR": f"--recorded {recorded(folder / 'recorded')}",
    }
    with PackageIndex() as index:
        variables = {"UV_PUBLISH_URL": index.url, "UV_PUBLISH_TOKEN": index.token}
        yield Scene(folder, variables, names)
    built = [*(folder / "jira-to-s3" / "dist").glob("*.tar.gz"), *folder.glob("*/dist/*.whl")]
    assert len(built) == 6
    assert index.files == {path.name: path.read_bytes() for path in built}


def recorded(folder: Path) -> Path:
    """Make a folder with the answer to a search, as a person records it."""
    folder.mkdir()
    with Sandbox(corpus=Corpus.generate(seed=5, issues=RECORDED, projects=2)) as jira:
        answer = requests.get(
            f"{jira.url}/rest/api/2/search?fields=*all",
            headers={"Authorization": "Bearer sandbox-token"},
            timeout=SECONDS,
        )
    assert len(answer.json()["issues"]) == RECORDED
    (folder / "search.json").write_bytes(answer.content)
    return folder


def published(folder: Path) -> Path:
    """Make a repository of what the working copy holds."""
    git = ["git", "-c", "user.name=docs", "-c", "user.email=docs@example.com"]
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607 - whatever git the person uses
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    for step in (
        ["init", "--quiet"],
        ["add", "--all"],
        ["-c", "commit.gpgsign=false", "commit", "--quiet", "--message", "All of it"],
    ):
        subprocess.run([*git, *step], cwd=folder, check=True)
    return folder


@contextmanager
def project(folder: Path) -> Iterator[Scene]:
    """A folder with this repository's `meltano.yml`, set up to read a small Jira."""
    shutil.copy(ROOT / "meltano.yml", folder)
    (folder / ".venv").symlink_to(BIN.parent)
    with Sandbox(corpus=Corpus.generate(seed=5, issues=20, projects=2)) as jira:
        variables = {
            **{name.upper(): text for name, text in tap_variables(jira).items()},
            "TARGET_S3_JSONL_DESTINATION": str(folder / "lake"),
            "MELTANO_CLI_DISABLE_VERSION_CHECK": "1",
            "EDITOR": "true",
        }
        names = {
            "0 * * * * ": "",
            "/srv/jira-to-s3": str(folder),
            "7 ...": "7 tap-jira-oauth target-s3-jsonl",
        }
        yield Scene(folder, variables, names)


@contextmanager
def files(folder: Path) -> Iterator[Scene]:
    """A folder in which somebody has signed in, and a store with the buckets of the pages."""
    with ExitStack() as stack:
        jira = stack.enter_context(Sandbox(corpus=Corpus.generate(seed=5, issues=20, projects=2)))
        store = stack.enter_context(LocalS3())
        for bucket in ("lake", "my-lake"):
            store.bucket(bucket)
        made = run(folder, "keygen", "--private-key-file", "key.pem").stdout
        jira.register_consumer("tap-jira-oauth", made[made.index("-----BEGIN") :], name="Lake")
        options = ("--api-url", jira.url, "--private-key-file", "key.pem")
        status, said = login_by_code(folder, jira.approve, *options)
        assert status == 0, said
        tap = {"api_url": jira.url, "credentials_store": "file"}
        tap["credentials_file"] = "jira_credentials.json"
        (folder / "config.json").write_text(json.dumps(tap))
        (folder / "state.json").write_text("{}")
        read = [str(BIN / "tap-jira-oauth"), "--config", "config.json"]
        with (folder / "messages").open("wb") as messages:
            subprocess.run(read, check=True, stdout=messages, stderr=subprocess.DEVNULL, cwd=folder)
        keys = {
            "AWS_ACCESS_KEY_ID": store.access_key,
            "AWS_SECRET_ACCESS_KEY": store.secret_key,
            "AWS_ENDPOINT_URL": store.endpoint_url,
            "AWS_DEFAULT_REGION": store.region,
        }
        yield Scene(folder, keys, {"https://jira.example.com/jira": jira.url})


@contextmanager
def table(folder: Path) -> Iterator[Scene]:
    """An account of AWS without any table, but with what a person has made for the stack, and AWS's own command line."""
    aws = partners.installed("awscli", "aws")
    with running("moto", folder) as server:
        session = boto3.session.Session(
            aws_access_key_id=KEYS["aws_access_key_id"],
            aws_secret_access_key=KEYS["aws_secret_access_key"],
            region_name=REGION,
        )
        with closing(session.client("s3", endpoint_url=server.url)) as s3:
            s3.create_bucket(Bucket="my-code")
            s3.put_object(Bucket="my-code", Key="function.zip")
        with closing(session.client("ssm", endpoint_url=server.url)) as ssm:
            for name in ("private_key", "urls", "secrets"):
                ssm.put_parameter(Name=f"jira_access_{name}", Value="it", Type="SecureString")
        keys = {name.upper(): text for name, text in KEYS.items()}
        variables = {"AWS_ENDPOINT_URL": server.url, "AWS_DEFAULT_REGION": REGION, **keys}
        services = ("dynamodb", "s3", "ssm")
        yield Scene(folder, variables, {f"aws {each} ": f"{aws} {each} " for each in services})


def tap_variables(jira: Sandbox) -> dict[str, str]:
    """Return what the tap needs to read a sandbox."""
    return {
        "tap_jira_oauth_api_url": jira.url,
        "tap_jira_oauth_auth_method": "personal_token",
        "tap_jira_oauth_personal_token": "sandbox-token",
    }


SCENES = {"a clone": clone, "a project": project, "a folder": files, "a table": table}
