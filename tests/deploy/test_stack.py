"""The whole stack on an emulator of AWS that enforces its policies: Lambda, DynamoDB, S3, Parameter Store."""

from __future__ import annotations

import gzip
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import boto3
import pytest
from botocore.config import Config

import partners
from documents import ROOT
from measured import unmeasured
from sandbox import Corpus, Sandbox
from sandbox.faults import Fault
from state.dynamodb import running
from tap.sign_in import login_by_code

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.workspace

REGION = "us-east-1"
STACK = "jira"
BIN = Path(sys.executable).parent
ISSUES = 300
SEARCH = "/rest/api/2/search"
HERE = f"{sys.version_info.major}.{sys.version_info.minor}"


class Cloud(NamedTuple):
    """An account with the stack in it, and the Jira that its function reads."""

    url: str
    jira: Sandbox
    folder: Path

    @property
    def variables(self) -> dict[str, str]:
        """The environment of the account's owner."""
        keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
        return {"AWS_ENDPOINT_URL": self.url, "AWS_DEFAULT_REGION": REGION, **keys}

    def client(self, service: str) -> Any:
        """Return a client of the account's owner."""
        patient = Config(read_timeout=120, retries={"total_max_attempts": 1})
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        return boto3.client(  # type: ignore[call-overload]  # any service
            service, region_name=REGION, endpoint_url=self.url, config=patient, **keys
        )

    @property
    def outputs(self) -> dict[str, str]:
        """What the stack tells."""
        (stack,) = self.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
        return {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}

    @property
    def bucket(self) -> str:
        """The lake's bucket."""
        return self.outputs["Destination"].removeprefix("s3://").partition("/")[0]

    def limit(self, seconds: int, **variables: str) -> None:
        """Give the function so long, and more variables; an emulator's 15 minutes are too long for a test."""
        functions = self.client("lambda")
        known = functions.get_function_configuration(FunctionName=STACK)["Environment"]["Variables"]
        functions.update_function_configuration(
            FunctionName=STACK, Timeout=seconds, Environment={"Variables": known | variables}
        )

    def call(self) -> dict[str, Any]:
        """Call the function as the timer does, and wait."""
        answer = self.client("lambda").invoke(FunctionName=STACK, Payload=b"{}", LogType="Tail")
        found: dict[str, Any] = json.loads(answer["Payload"].read())
        return found | ({"failed": True} if "FunctionError" in answer else {})

    def stored(self) -> Counter[tuple[str, str]]:
        """Return how often each version of an issue is in the lake."""
        bucket, prefix = self.bucket, "jira"
        store = self.client("s3")
        pages = store.get_paginator("list_objects_v2").paginate(
            Bucket=bucket, Prefix=f"{prefix}/issues/"
        )
        lines = [
            line
            for page in pages
            for each in page.get("Contents", [])
            for line in gzip.decompress(
                store.get_object(Bucket=bucket, Key=each["Key"])["Body"].read()
            ).splitlines()
        ]
        return Counter((row["id"], row["updated"]) for row in map(json.loads, lines))

    def truth(self) -> set[tuple[str, str]]:
        """Return the newest version of each issue."""
        return {(issue["id"], issue["updated"].replace("+0000", "Z")) for issue in self.jira.issues}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """Make the stack by the commands of the page, with AWS's own command line."""
    folder = tmp_path_factory.mktemp("cloud")
    with (
        Sandbox(corpus=Corpus.generate(seed=5, issues=ISSUES, projects=2)) as jira,
        running("ministack", folder, AUTH="true") as server,
    ):
        cloud = Cloud(server.url, jira, folder)
        _follow_the_page(cloud, folder)
        # The emulator speaks plain HTTP, which the lake's own policy refuses to everybody.
        cloud.client("s3").delete_bucket_policy(Bucket=cloud.bucket)
        yield cloud


def _follow_the_page(cloud: Cloud, folder: Path) -> None:
    """Run what stands in the page's numbered steps, up to the stack; where it needs a person, play one."""
    (folder / "deploy").symlink_to(ROOT / "deploy")
    for command in _commands(1, 4):
        if "jira-oauth login" in command:
            store = {"TAP_JIRA_OAUTH_CREDENTIALS_STORE": "ssm"}
            login = login_by_code(folder, cloud.jira.approve, **cloud.variables, **store)
            assert login[0] == 0, login[1]
            continue
        said = _run(command, cloud, folder)
        if command.startswith("jira-oauth keygen"):
            cloud.jira.register_consumer("OauthKey", said[said.index("-----BEGIN") :], name="Lake")
        if size := re.search(r"holds (\d+) MB", said):
            assert int(size[1]) < 250


def _first_query(cloud: Cloud, folder: Path) -> str:
    """Run what stands in the last step; return what Athena answers."""
    said = ""
    for command in _commands(5, 6):
        said = _run(command.replace("my-lake", cloud.bucket), cloud, folder)
    id_ = json.loads(said)["QueryExecutionId"]
    athena = cloud.client("athena")
    until = time.monotonic() + 60
    while time.monotonic() < until:
        status = athena.get_query_execution(QueryExecutionId=id_)["QueryExecution"]["Status"]
        if status["State"] not in {"QUEUED", "RUNNING"}:
            break
        time.sleep(0.2)
    assert status["State"] == "SUCCEEDED", status
    rows = athena.get_query_results(QueryExecutionId=id_)["ResultSet"]["Rows"]
    return str(rows[-1]["Data"][0]["VarCharValue"])


def _run(command: str, cloud: Cloud, folder: Path) -> str:
    path = [str(BIN), str(partners.installed("awscli", "aws").parent), os.environ["PATH"]]
    done = subprocess.run(
        ["/bin/bash", "-ec", _as_here(command, cloud)],
        cwd=folder,
        env=unmeasured() | cloud.variables | {"PATH": os.pathsep.join(path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, command + done.stdout + done.stderr
    return done.stdout


def _commands(first: int, end: int) -> list[str]:
    """Return the commands of some of the numbered steps."""
    page = (ROOT / "deploy/README.md").read_text("utf-8").partition("\nHow far each project is")[0]
    steps = page[page.index(f"\n{first}. ") :].partition(f"\n{end}. ")[0]
    blocks = re.findall(r"(?s)```\n(.*?)```", steps)
    joined = "".join(blocks).replace("\\\n", " ")
    return [line.strip() for line in joined.splitlines() if line.strip()]


def _as_here(command: str, cloud: Cloud) -> str:
    """Put in this Jira and its projects, and the Python of this machine, on which the emulator runs the function."""
    return (
        command.replace("https://jira.example.com/jira", cloud.jira.url)
        .replace('["ABC"]', '["ALPHA", "OPS"]')
        .replace("python3 deploy/build build", f"python3 deploy/build build {HERE}")
        .replace("--stack-name jira-to-s3", f"--stack-name {STACK}")
    )


def test_the_template_is_what_cloudformation_wants() -> None:
    """By AWS's own linter, and no right is wider than a prefix, a table or a parameter."""
    lint = [str(Path(sys.executable).with_name("cfn-lint")), str(ROOT / "deploy/template.yaml")]
    done = subprocess.run(lint, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_a_load_is_cut_continued_killed_and_kept_up(cloud: Cloud) -> None:
    """First by the time limit, then by a kill; at the end each version is there, and a quiet call adds none."""
    slow = Fault(SEARCH, count=10**6, delay=0.4)
    cloud.jira.world.faults.add(slow)
    small = {"TAP_JIRA_OAUTH_PAGE_SIZE": "10", "TAP_JIRA_OAUTH_MAX_CONCURRENT_REQUESTS": "1"}
    cloud.limit(16, **small, MARGIN_SECONDS="12", LEASE_SECONDS="3")
    cut = cloud.call()
    assert cut.get("finished") is False, cut
    assert cut["states"] > 0
    assert 0 < len(cloud.stored()) < ISSUES

    cloud.limit(60, MARGIN_SECONDS="10", TARGET_S3_JSONL_STATES_PER_OBJECT="1")
    before = len(cloud.stored())
    answers: list[dict[str, Any]] = []
    call = threading.Thread(target=lambda: answers.append(cloud.call()))
    call.start()
    until = time.monotonic() + 30
    while len(cloud.stored()) == before and time.monotonic() < until:
        time.sleep(0.1)
    _kill_the_function(cloud)
    call.join()
    assert answers[0].get("failed"), answers
    assert before < len(cloud.stored()) < ISSUES

    slow.delay = 0
    rest = cloud.call()
    assert rest.get("finished") is True, rest
    assert set(cloud.stored()) == cloud.truth()

    quiet = cloud.stored()
    assert cloud.call()["finished"] is True
    assert cloud.stored() == quiet
    cloud.jira.edit(1)
    assert cloud.call()["finished"] is True
    assert (cloud.stored() - quiet).keys() == cloud.truth() - quiet.keys()
    rows = cloud.client("dynamodb").query(
        TableName=cloud.outputs["StateTable"],
        KeyConditionExpression="id = :id",
        ExpressionAttributeValues={":id": {"S": "projects/jira"}},
    )["Items"]
    assert {row["part"]["S"] for row in rows} == {"ALPHA", "OPS"}
    assert _first_query(cloud, cloud.folder) == str(ISSUES)
    _delete(cloud)


def _kill_the_function(cloud: Cloud) -> None:
    """End every process of the running call with SIGKILL, as Lambda does when memory runs out."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended, or is nobody's business
            variables = (process / "environ").read_bytes()
            if b"STATE_TABLE=" in variables and cloud.url.encode() in variables:
                os.kill(int(process.name), signal.SIGKILL)


def _delete(cloud: Cloud) -> None:
    """Delete the stack; the lake stays, and nothing else."""
    table, bucket = cloud.outputs["StateTable"], cloud.bucket
    stacks = cloud.client("cloudformation")
    stacks.delete_stack(StackName=STACK)
    stacks.get_waiter("stack_delete_complete").wait(
        StackName=STACK, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    assert cloud.client("lambda").list_functions()["Functions"] == []
    assert table not in cloud.client("dynamodb").list_tables()["TableNames"]
    assert cloud.client("s3").list_objects_v2(Bucket=bucket)["KeyCount"] > 0
