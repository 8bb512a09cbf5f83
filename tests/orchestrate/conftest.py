"""Fixtures for shards: AWS on loopback with a lake and a table for states, and the environment of a worker."""

from __future__ import annotations

import gzip
import json
import os
import sys
import uuid
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from documents import ROOT
from measured import unmeasured
from state.dynamodb import KEYS, REGION, LocalDynamoDB, running, states

if TYPE_CHECKING:
    from collections.abc import Iterator

    from state_backend_dynamodb.table import Table

BIN = Path(sys.executable).parent
DAGS = ROOT / "orchestrate" / "dags"
PREFIX = "dev:tap-jira-oauth-to-target-s3-jsonl"


class Lake:
    """A bucket, and the table of the states beside it."""

    def __init__(self, server: LocalDynamoDB, table: Table) -> None:
        """Make an empty bucket."""
        self.url = server.url
        self.table = table
        self.bucket = f"lake-{uuid.uuid4().hex[:12]}"
        with closing(self._client()) as client:
            client.create_bucket(Bucket=self.bucket)

    def objects(self, prefix: str) -> dict[str, bytes]:
        """Return the objects below a place in the lake."""
        with closing(self._client()) as client:
            listed = client.list_objects_v2(Bucket=self.bucket, Prefix=f"jira/{prefix}")
            return {
                each["Key"].removeprefix("jira/"): client.get_object(
                    Bucket=self.bucket, Key=each["Key"]
                )["Body"].read()
                for each in listed.get("Contents", [])
            }

    def issues(self) -> Counter[str]:
        """Return how often each issue is there, by id."""
        return Counter(
            json.loads(line)["id"]
            for body in self.objects("issues/").values()
            for line in gzip.decompress(body).splitlines()
        )

    def ends(self) -> list[dict[str, Any]]:
        """Return what says how runs over all shards ended."""
        return [json.loads(body) for body in self.objects("_catalog/loads/").values()]

    def states(self) -> dict[str, Any]:
        """Return the bookmarks of each state, by project, under what the state id ends with."""
        kept = states(self.table)
        found = {}
        for state_id in kept.ids():
            document = kept.read(state_id) or {}
            partitions = [
                each
                for part in ("completed", "partial")
                for each in document[part]
                .get("singer_state", {})
                .get("bookmarks", {})
                .get("issues", {})
                .get("partitions", [])
            ]
            assert state_id.startswith(f"{PREFIX}:")
            found[state_id.removeprefix(f"{PREFIX}:")] = {
                each["project_key"]: each["replication_key_value"]
                for each in partitions
                if "replication_key_value" in each
            }
        return found

    def _client(self) -> Any:
        session = boto3.session.Session(
            aws_access_key_id=KEYS["aws_access_key_id"],
            aws_secret_access_key=KEYS["aws_secret_access_key"],
            region_name=REGION,
        )
        return session.client("s3", endpoint_url=self.url)


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalDynamoDB]:
    """One server with S3 and DynamoDB; one thread, so that a condition holds."""
    with running("moto", tmp_path_factory.mktemp("aws")) as server:
        yield server


@pytest.fixture
def lake(aws: LocalDynamoDB) -> Lake:
    """A lake of its own for a test."""
    return Lake(aws, aws.table())


def worker(lake: Lake, jira_url: str, folder: Path, **more: str) -> dict[str, str]:
    """Return the environment of a worker, without settings of the person who runs the tests."""
    kept = {
        name: text
        for name, text in unmeasured().items()
        if not name.startswith(("AIRFLOW_", "AWS_", "MELTANO_", "SHARD", "TAP_", "TARGET_"))
    }
    return kept | {
        "HOME": str(folder),
        "PATH": os.defpath,
        "NO_PROXY": "127.0.0.1",
        "SHARDS": "3",
        "SHARD_PROJECT": str(ROOT),
        "SHARD_MELTANO": str(BIN / "meltano"),
        "SHARD_SYSTEM_ROOT": str(folder / "shards"),
        "MELTANO_CLI_DISABLE_VERSION_CHECK": "1",
        "MELTANO_STATE_BACKEND_URI": f"dynamodb://{lake.table.name}",
        "MELTANO_STATE_BACKEND_DYNAMODB_ENDPOINT_URL": lake.url,
        "MELTANO_STATE_BACKEND_DYNAMODB_LEASE_SECONDS": "3",
        "MELTANO_STATE_BACKEND_LOCK_TIMEOUT_SECONDS": "1",
        "TAP_JIRA_OAUTH_API_URL": jira_url,
        "TAP_JIRA_OAUTH_AUTH_METHOD": "personal_token",
        "TAP_JIRA_OAUTH_PERSONAL_TOKEN": "sandbox-token",
        "TAP_JIRA_OAUTH_PAGE_SIZE": "10",
        "TAP_JIRA_OAUTH_PAGES_PER_STATE": "1",
        "TAP_JIRA_OAUTH_MAX_CONCURRENT_REQUESTS": "1",
        "TARGET_S3_JSONL_DESTINATION": f"s3://{lake.bucket}/jira",
        "TARGET_S3_JSONL_ENDPOINT_URL": lake.url,
        "TARGET_S3_JSONL_ADDRESSING_STYLE": "path",
        "TARGET_S3_JSONL_STATES_PER_OBJECT": "1",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        **{name.upper(): text for name, text in KEYS.items()},
        **more,
    }
