"""Tables in the Glue Data Catalog: made, brought up to date, left alone. Against moto, which checks Glue's requests."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from local_aws import local_aws
from target.command import record, run, schema, state

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from local_aws import LocalAWS

BUCKET = "lake"


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAWS]:
    """One server with a bucket for all tests here."""
    with local_aws(tmp_path_factory.mktemp("glue")) as server:
        with closing(server.client("s3")) as client:
            client.create_bucket(Bucket=BUCKET)
        yield server


@pytest.fixture
def config(aws: LocalAWS, request: pytest.FixtureRequest) -> dict[str, Any]:
    """Settings that reach it; each test has a prefix of its own."""
    return {
        "destination": f"s3://{BUCKET}/{request.node.name}",
        "endpoint_url": aws.url,
        "region": "us-east-1",
        "aws_access_key_id": "anybody",
        "aws_secret_access_key": "x",
    }


def _apply(
    folder: Path, aws: LocalAWS, config: dict[str, Any], *options: str
) -> tuple[int, str, str]:
    command = ("ddl", "--for", "glue", "--apply", "--database", "jira")
    code, lines, log = run(
        folder, config, [], *options, command=command, AWS_ENDPOINT_URL_GLUE=aws.url
    )
    return code, b"\n".join(lines).decode(), log


def test_tables_are_made_then_left_alone_then_brought_up_to_date(
    tmp_path: Path, aws: LocalAWS, config: dict[str, Any]
) -> None:
    """A new column comes with its SCHEMA; the days begin where the first object is."""
    assert run(tmp_path, config, [schema(), record(1), state(1)])[0] == 0
    code, told, log = _apply(tmp_path, aws, config)
    assert code == 0, log
    assert told.splitlines() == ["jira.lake_manifests_raw: created", "jira.issues_raw: created"]
    assert _apply(tmp_path, aws, config)[1].count("unchanged") == 2
    assert run(tmp_path, config, [schema(More={}), record(2), state(2)])[0] == 0
    assert "jira.issues_raw: updated" in _apply(tmp_path, aws, config)[1]
    with closing(aws.client("glue")) as glue:
        table = glue.get_table(DatabaseName="jira", Name="issues_raw")["Table"]
    assert [each["Name"] for each in table["StorageDescriptor"]["Columns"]] == ["id", "more"]
    assert table["StorageDescriptor"]["SerdeInfo"]["Parameters"]["mapping.more"] == "More"
    assert table["StorageDescriptor"]["Location"] == f"{config['destination']}/issues/"
    with closing(aws.client("s3")) as client:
        keys = client.list_objects_v2(Bucket=BUCKET)["Contents"]
    first = min(each["Key"] for each in keys if "load_date=" in each["Key"])
    day = first.partition("load_date=")[2][:10]
    assert table["Parameters"]["projection.load_date.range"] == f"{day},NOW"


def test_without_apply_the_tables_are_only_printed(tmp_path: Path, config: dict[str, Any]) -> None:
    """As Glue's API takes them, for who makes tables by other means."""
    assert run(tmp_path, config, [schema(), record(1), state(1)])[0] == 0
    code, lines, log = run(tmp_path, config, [], command=("ddl", "--for", "glue"))
    assert code == 0, log
    told = json.loads(b"\n".join(lines))
    assert told["DatabaseName"] == "default"
    assert [each["Name"] for each in told["Tables"]] == ["lake_manifests_raw", "issues_raw"]


def test_a_glue_that_cannot_be_reached_is_one_line(tmp_path: Path, config: dict[str, Any]) -> None:
    """With the rights that it takes."""
    assert run(tmp_path, config, [schema(), record(1), state(1)])[0] == 0
    code, _, log = run(
        tmp_path,
        config,
        [],
        command=("ddl", "--for", "glue", "--apply"),
        AWS_ENDPOINT_URL_GLUE="http://127.0.0.1:9",
        AWS_MAX_ATTEMPTS="1",
    )
    assert code == 1
    assert "Glue does not take table default.lake_manifests_raw" in log
    assert "Traceback" not in log
