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

from conftest import CONSUMER
from documents import ROOT
from sandbox import Corpus, Sandbox
from sandbox.faults import Fault
from state.dynamodb import running
from tap_jira_oauth.auth.private_key import private_pem, public_pem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cryptography.hazmat.primitives.asymmetric import rsa

pytestmark = pytest.mark.workspace

REGION = "us-east-1"
STACK = "jira"
ISSUES = 300
SEARCH = "/rest/api/2/search"
HERE = f"{sys.version_info.major}.{sys.version_info.minor}"


class Cloud(NamedTuple):
    """An account with the stack in it, and the Jira that its function reads."""

    url: str
    jira: Sandbox

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
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `deploy/build` makes, for the Python of this machine, on which the emulator runs it."""
    folder = tmp_path_factory.mktemp("built")
    done = subprocess.run(
        [sys.executable, str(ROOT / "deploy/build"), str(folder), HERE],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    size = re.search(r"holds (\d+) MB", done.stdout)
    assert size
    assert int(size[1]) < 250
    return folder


@pytest.fixture(scope="module")
def cloud(
    archive: Path, private_key: rsa.RSAPrivateKey, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cloud]:
    """Make the stack as the page says."""
    folder = tmp_path_factory.mktemp("cloud")
    with (
        Sandbox(corpus=Corpus.generate(seed=5, issues=ISSUES, projects=2)) as jira,
        running("ministack", folder, AUTH="true") as server,
    ):
        cloud = Cloud(server.url, jira)
        jira.register_consumer(CONSUMER, public_pem(private_key), name="Lake")
        _follow_the_article(cloud, private_key)
        code = cloud.client("s3")
        code.create_bucket(Bucket="code")
        code.upload_file(str(archive / "jira-to-s3.zip"), "code", "jira-to-s3.zip")
        given = {"CodeBucket": "code", "JiraUrl": jira.url, "AlarmEmail": "lake@example.com"}
        stacks = cloud.client("cloudformation")
        stacks.create_stack(
            StackName=STACK,
            TemplateBody=(ROOT / "deploy/template.yaml").read_text("utf-8"),
            Parameters=[
                {"ParameterKey": name, "ParameterValue": value} for name, value in given.items()
            ],
            Capabilities=["CAPABILITY_IAM"],
        )
        stacks.get_waiter("stack_create_complete").wait(
            StackName=STACK, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
        )
        # The emulator speaks plain HTTP, which the lake's own policy refuses to everybody.
        code.delete_bucket_policy(Bucket=cloud.bucket)
        yield cloud


def _follow_the_article(cloud: Cloud, private_key: rsa.RSAPrivateKey) -> None:
    """Put the three parameters there, as `jira-oauth login` does."""
    token = cloud.jira.grant(CONSUMER)
    servlets = f"{cloud.jira.url}/plugins/servlet/oauth"
    secrets = {
        "consumer_key": CONSUMER,
        "consumer_secret": "dont_care",
        "access_token": f"oauth_token={token.token}&oauth_token_secret={token.secret}",
    }
    urls = {
        "data_url": f"{cloud.jira.url}{SEARCH}",
        "request_token_url": f"{servlets}/request-token",
    }
    parameters = cloud.client("ssm")
    for name, text in (
        ("jira_access_private_key", private_pem(private_key).decode()),
        ("jira_access_urls", json.dumps(urls)),
        ("jira_access_secrets", json.dumps(secrets)),
    ):
        parameters.put_parameter(Name=name, Value=text, Type="SecureString")


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
    _kill_the_function()
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
    _delete(cloud)


def _kill_the_function() -> None:
    """End every process of the running call with SIGKILL, as Lambda does when memory runs out."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended, or is nobody's business
            if b"STATE_TABLE=" in (process / "environ").read_bytes():
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
