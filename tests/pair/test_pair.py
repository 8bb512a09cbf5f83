"""Both plugins together, by a plain pipe and by Meltano."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from documents import ROOT
from sandbox import Corpus
from sandbox.faults import Fault
from tap.sign_in import login_by

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Configure
    from local_s3 import LocalS3
    from sandbox import Sandbox

BIN = Path(sys.executable).parent
SECONDS = 120.0
RECORDED = ROOT.parent / "shared" / "jira-recorded" / "redhat-dc"

IN_UTC = {"created", "updated", "resolutiondate", "lastViewed", "archiveddate"}
"""The fields that the tap rewrites, because the schema calls them `date-time`."""


def rows(folder: Path) -> list[dict[str, Any]]:
    """Return every stored record, in the order of the objects' names."""
    return [
        json.loads(line)
        for path in sorted(folder.rglob("*.jsonl.gz"))
        for line in gzip.decompress(path.read_bytes()).splitlines()
    ]


def newest(records: list[dict[str, Any]]) -> dict[str, str]:
    """Return the newest `updated` of each issue by id."""
    found: dict[str, str] = {}
    for record in records:
        found[record["id"]] = max(record["updated"], found.get(record["id"], ""))
    return found


def truth(jira: Sandbox) -> dict[str, str]:
    """Return the `updated` of each living issue by id."""
    return {issue["id"]: issue["updated"].replace("+0000", "Z") for issue in jira.issues}


def without_settings(**more: str) -> dict[str, str]:
    """Return an environment without settings of the person who runs the tests."""
    kept = {
        name: text
        for name, text in os.environ.items()
        if not name.startswith(("AWS_", "MELTANO_", "TAP_", "TARGET_"))
    }
    path = f"{BIN}{os.pathsep}{kept['PATH']}"
    return kept | {"PATH": path, "NO_PROXY": "127.0.0.1", **more}


def served(jira: Sandbox) -> dict[str, dict[str, Any]]:
    """Return each issue as the sandbox answers for it alone, by id; asked for without our tap."""
    found = {}
    for issue in jira.issues:
        answer = requests.get(
            f"{jira.url}/rest/api/2/issue/{issue['id']}",
            headers={"Authorization": "Bearer sandbox-token"},
            timeout=SECONDS,
        )
        found[issue["id"]] = answer.json()
    return found


@contextmanager
def piped(
    folder: Path, tap: list[str], target: list[str]
) -> Iterator[tuple[subprocess.Popen[bytes], subprocess.Popen[bytes]]]:
    """Start `tap | target` as a shell would; both are gone at the end."""
    environment = without_settings(HOME=str(folder))
    with (
        (folder / "tap.log").open("wb") as tap_log,
        (folder / "target.log").open("wb") as target_log,
        subprocess.Popen(
            tap, stdout=subprocess.PIPE, stderr=tap_log, cwd=folder, env=environment
        ) as source,
    ):
        assert source.stdout is not None
        with subprocess.Popen(
            target,
            stdin=source.stdout,
            stdout=subprocess.PIPE,
            stderr=target_log,
            cwd=folder,
            env=environment,
        ) as sink:
            source.stdout.close()
            try:
                yield source, sink
            finally:
                source.kill()
                sink.kill()


class Pipe:
    """`tap-jira-oauth | target-s3-jsonl` in a folder of its own; the state lives in a file."""

    def __init__(self, folder: Path, tap: dict[str, Any], target: dict[str, Any]) -> None:
        """Write the two configurations."""
        self.folder = folder
        (folder / "tap.json").write_text(json.dumps(tap))
        (folder / "target.json").write_text(json.dumps(target))
        self.target = [str(BIN / "target-s3-jsonl"), "--config", "target.json"]

    @property
    def tap(self) -> list[str]:
        """The tap's command, with the last saved state."""
        state = ["--state", "state.json"] if (self.folder / "state.json").exists() else []
        return [str(BIN / "tap-jira-oauth"), "--config", "tap.json", *state]

    def run(self) -> None:
        """Run to the end and save the last STATE, as Singer's own documentation does it."""
        with piped(self.folder, self.tap, self.target) as (source, sink):
            output, _ = sink.communicate(timeout=SECONDS)
            assert source.wait(timeout=SECONDS) == 0, (self.folder / "tap.log").read_text()
            assert sink.returncode == 0, (self.folder / "target.log").read_text()
        self.save(output)

    def save(self, output: bytes) -> None:
        """Keep the last STATE line for the next run."""
        lines = output.splitlines()
        if lines:
            (self.folder / "state.json").write_bytes(lines[-1])


@pytest.fixture
def pipe(configure: Configure, tmp_path: Path) -> Pipe:
    """The pair, into a local folder; small pages and objects, so that much happens."""
    return Pipe(
        tmp_path,
        configure(page_size=5, pages_per_state=1),
        {"destination": "lake", "states_per_object": 2},
    )


def test_a_pipe_moves_every_issue_and_a_second_run_only_the_edited(
    connected_jira: Sandbox, pipe: Pipe
) -> None:
    """The lake holds Jira; nothing new comes without edits, and with edits just those."""
    lake = pipe.folder / "lake"
    pipe.run()
    first = rows(lake)
    assert newest(first) == truth(connected_jira)
    assert len(first) == 60
    pipe.run()
    assert len(rows(lake)) == 60
    edited = connected_jira.edit(count=4, seed=1)
    pipe.run()
    second = rows(lake)
    assert newest(second) == truth(connected_jira)
    assert len(second) == 60 + len(edited)


@pytest.mark.parametrize("victim", ["tap", "target"])
def test_a_pair_that_was_killed_and_started_again_has_everything(
    connected_jira: Sandbox, pipe: Pipe, victim: str
) -> None:
    """SIGKILL in the middle of the run; what was acknowledged is there, the rest comes again."""
    lake = pipe.folder / "lake"
    slow = Fault("/rest/api/2/search", count=10**6, delay=0.1)
    connected_jira.world.faults.add(slow)
    with piped(pipe.folder, pipe.tap, pipe.target) as (source, sink):
        doomed = source if victim == "tap" else sink
        assert sink.stdout is not None
        output = b""
        for line in sink.stdout:
            output += line
            if b"replication_key_value" in line:
                break
        doomed.kill()
        output += sink.communicate(timeout=SECONDS)[0]
        source.wait(timeout=SECONDS)
        assert doomed.returncode == -signal.SIGKILL
    slow.delay = 0
    pipe.save(output)
    acknowledged = {
        part["project_key"]: part
        for part in json.loads(output.splitlines()[-1])["bookmarks"]["issues"]["partitions"]
        if "replication_key_value" in part
    }
    assert acknowledged
    stored = newest(rows(lake)) if lake.exists() else {}
    for issue in connected_jira.issues:
        updated = issue["updated"].replace("+0000", "Z")
        state = acknowledged.get(issue["project"], {"replication_key_value": "", "seen": {}})
        # Issues that were changed in the very millisecond of the bookmark count if the state names them.
        if updated < state["replication_key_value"] or issue["id"] in state["seen"]:
            assert stored[issue["id"]] == updated
    connected_jira.edit(count=5, seed=2)
    pipe.run()
    assert newest(rows(lake)) == truth(connected_jira)


class TestRecorded:
    """The main job on real input: issues of a real Jira Data Center, 150 to 180 fields each."""

    @pytest.fixture
    def corpus(self) -> Corpus:
        """The recorded issues."""
        if not RECORDED.is_dir():
            pytest.skip("recorded Jira answers (../shared/jira-recorded) are not here")
        return Corpus.from_folder(RECORDED)

    def test_every_recorded_issue_arrives_with_every_value(
        self, connected_jira: Sandbox, pipe: Pipe
    ) -> None:
        """As Jira's own answer for one issue has them, but for the time zone of datetimes."""
        pipe.run()
        stored = {record["id"]: record for record in rows(pipe.folder / "lake")}
        assert newest(list(stored.values())) == truth(connected_jira)
        assert max(len(record["fields"]) for record in stored.values()) > 150
        for id_, issue in served(connected_jira).items():
            assert stored[id_]["key"] == issue["key"]
            assert stored[id_]["self"] == issue["self"]
            project = issue["fields"]["project"]
            assert stored[id_]["project_id"] == project["id"]
            assert stored[id_]["project_key"] == project["key"]
            fields = stored[id_]["fields"] | stored[id_].get("unconformed", {})
            assert fields.keys() == issue["fields"].keys()
            for name, value in issue["fields"].items():
                if name not in IN_UTC and "summaryBean=" not in str(value):
                    assert fields[name] == value, name


@pytest.mark.workspace
class TestMeltano:
    """The literal `meltano run tap-jira-oauth target-s3-jsonl`, with the repository's project."""

    @pytest.fixture
    def environment(self, configure: Configure, tmp_path: Path) -> dict[str, str]:
        """A copy of the project, configured by environment variables only."""
        shutil.copy(ROOT / "meltano.yml", tmp_path)
        settings = {
            f"TAP_JIRA_OAUTH_{name.upper()}": str(value) for name, value in configure().items()
        }
        return without_settings(
            HOME=str(tmp_path),
            MELTANO_SEND_ANONYMOUS_USAGE_STATS="false",
            MELTANO_CLI_DISABLE_VERSION_CHECK="1",
            TAP_JIRA_OAUTH_PAGE_SIZE="7",
            **settings,
        )

    def meltano(
        self, folder: Path, environment: dict[str, str], *arguments: str
    ) -> subprocess.CompletedProcess[str]:
        """Run Meltano to its end."""
        return subprocess.run(
            [str(BIN / "meltano"), *arguments],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    def run(self, folder: Path, environment: dict[str, str]) -> str:
        """Run the pipeline and return its log."""
        done = self.meltano(folder, environment, "run", "tap-jira-oauth", "target-s3-jsonl")
        assert done.returncode == 0, done.stderr
        return done.stderr

    def test_into_a_folder_and_again_after_edits(
        self, connected_jira: Sandbox, environment: dict[str, str], tmp_path: Path
    ) -> None:
        """The state is kept by Meltano, and the second run brings only what changed."""
        self.run(tmp_path, environment)
        first = rows(tmp_path / "output")
        assert newest(first) == truth(connected_jira)
        edited = connected_jira.edit(count=3, seed=3)
        self.run(tmp_path, environment)
        second = rows(tmp_path / "output")
        assert newest(second) == truth(connected_jira)
        assert len(second) == len(first) + len(edited)

    def test_into_s3(
        self,
        connected_jira: Sandbox,
        environment: dict[str, str],
        tmp_path: Path,
        local_s3: LocalS3,
        bucket: str,
    ) -> None:
        """The `prod` environment of the project, pointed at a local S3 server."""
        environment |= {
            "TARGET_S3_JSONL_DESTINATION": f"s3://{bucket}/jira",
            "TARGET_S3_JSONL_ENDPOINT_URL": local_s3.endpoint_url,
            "AWS_ACCESS_KEY_ID": local_s3.access_key,
            "AWS_SECRET_ACCESS_KEY": local_s3.secret_key,
            "AWS_DEFAULT_REGION": local_s3.region,
            "MELTANO_ENVIRONMENT": "prod",
        }
        self.run(tmp_path, environment)
        stored = [
            json.loads(line)
            for key, body in local_s3.objects(bucket).items()
            if key.startswith("jira/issues/load_date=")
            for line in gzip.decompress(body).splitlines()
        ]
        assert newest(stored) == truth(connected_jira)

    def test_the_commands_beside_the_tap_have_its_settings(
        self, environment: dict[str, str], tmp_path: Path
    ) -> None:
        """`meltano invoke tap-jira-oauth:check` looks at the Jira of the project, with its options."""
        done = self.meltano(tmp_path, environment, "invoke", "tap-jira-oauth:check", "--json")
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)
        assert found["ok"]
        assert found["checks"]["signed_in"]["user"] == "sandbox"

    def test_a_person_makes_a_key_and_signs_in_by_meltano(
        self, connected_jira: Sandbox, environment: dict[str, str], tmp_path: Path
    ) -> None:
        """`:keygen` and `:login`, whose question and answer pass through; then a run with what they left."""
        for name in ("CONSUMER_KEY", "PRIVATE_KEY_FILE", "ACCESS_TOKEN", "ACCESS_TOKEN_SECRET"):
            del environment[f"TAP_JIRA_OAUTH_{name}"]
        made = self.meltano(tmp_path, environment, "invoke", "tap-jira-oauth:keygen")
        assert made.returncode == 0, made.stderr
        public = made.stdout[made.stdout.index("-----BEGIN") :]
        connected_jira.register_consumer("tap-jira-oauth", public)
        command = [str(BIN / "meltano"), "invoke", "tap-jira-oauth:login"]
        status, said = login_by(command, tmp_path, connected_jira.approve, **environment)
        assert status == 0, said
        store = {"CREDENTIALS_STORE": "file", "CREDENTIALS_FILE": "jira_credentials.json"}
        environment |= {f"TAP_JIRA_OAUTH_{name}": value for name, value in store.items()}
        self.run(tmp_path, environment)
        assert newest(rows(tmp_path / "output")) == truth(connected_jira)

    def test_secrets_are_masked_and_the_project_is_valid(
        self, environment: dict[str, str], tmp_path: Path
    ) -> None:
        """`meltano config print` shows every setting and no secret; no deprecation is reported."""
        done = self.meltano(tmp_path, environment, "config", "print", "tap-jira-oauth")
        assert done.returncode == 0, done.stderr
        assert "api_url" in done.stdout
        assert environment["TAP_JIRA_OAUTH_ACCESS_TOKEN"] not in done.stdout
        assert "deprecat" not in done.stderr.lower()
        assert "warning" not in done.stderr.lower()
