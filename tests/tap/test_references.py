"""Secrets where people keep them: environment, files, Parameter Store, Secrets Manager."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tap.command import run
from tap_jira_oauth.credentials import load_settings
from tap_jira_oauth.credentials.reference import resolved
from tap_jira_oauth.errors import ConfigurationError
from tap_jira_oauth.settings import SETTINGS

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Configure
    from sandbox import Sandbox
    from tap.local_aws import LocalAws

VALUE = "the value of a test"


@pytest.fixture
def places(aws: LocalAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same two texts in every kind of place; the folder of the files."""
    content = json.dumps({"jira": {"key": VALUE}, "dotted.key": VALUE, "number": 7})
    for name, text in (("PLAIN", VALUE), ("JSON", content)):
        monkeypatch.setenv(f"TEST_{name}", text)
        (tmp_path / name).write_text(f"{text}\n")
        aws.ssm.put_parameter(Name=f"/lake/{name}", Value=text, Type="SecureString")
        aws.secrets.create_secret(Name=f"lake/{name}", SecretString=text)
    return tmp_path


@pytest.mark.parametrize(
    "place", ["env:TEST_{}", "file:{folder}/{}", "ssm:/lake/{}", "secretsmanager:lake/{}"]
)
def test_every_kind_of_place_gives_the_value(places: Path, place: str) -> None:
    """Whole, and by a key of its JSON, with dots inside or as its name."""
    for name in ("PLAIN", "JSON#jira.key", "JSON#dotted.key"):
        found = resolved({"password": place.format(name, folder=places)})
        assert found["password"].strip() == VALUE


def test_every_secret_may_be_a_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    """And what belongs to one, such as a user name; nothing else is taken for a reference."""
    monkeypatch.setenv("TEST_PLAIN", VALUE)
    secret = {setting.name for setting in SETTINGS if setting.secret}
    found = resolved({setting.name: "env:TEST_PLAIN" for setting in SETTINGS})
    given = {name for name, value in found.items() if value == VALUE}
    assert given == secret | {"username", "consumer_key", "client_id"}


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("env:", "says 'env:' without a name"),
        ("env:TEST_NOTHING", "environment variable TEST_NOTHING is not set"),
        ("file:/nowhere/secret", "cannot read /nowhere/secret: No such file"),
        ("env:TEST_PLAIN#key", "env:TEST_PLAIN is no JSON"),
        ("env:TEST_JSON#jira.other", "has no 'jira.other'"),
        ("env:TEST_JSON#number", "'number' is no text"),
        ("env:TEST_EMPTY", "env:TEST_EMPTY is empty"),
        ("ssm:/lake/nothing", "/lake/nothing cannot be read: there is none"),
        ("secretsmanager:lake/nothing", "lake/nothing cannot be read: there is none"),
    ],
)
def test_a_reference_that_leads_nowhere_names_setting_and_place(
    places: Path, monkeypatch: pytest.MonkeyPatch, reference: str, said: str
) -> None:
    """And never a value, also not by what the error came from."""
    monkeypatch.setenv("TEST_EMPTY", " ")
    assert places.is_dir()
    with pytest.raises(ConfigurationError, match=said) as caught:
        resolved({"password": reference})
    assert "'password'" in str(caught.value)
    assert VALUE not in f"{caught.value}{caught.value.__cause__}"


def test_a_binary_secret_is_refused(aws: LocalAws) -> None:
    """It would be bytes of nobody knows what."""
    aws.secrets.create_secret(Name="binary", SecretBinary=b"\x00\xff")
    with pytest.raises(ConfigurationError, match="is binary"):
        resolved({"password": "secretsmanager:binary"})


@pytest.mark.parametrize(
    ("variable", "said"),
    [
        ("AWS_REGION", "set the region by AWS_REGION"),
        ("AWS_SECRET_ACCESS_KEY", r"AWS cannot be asked \(PartialCredentialsError\)"),
        ("AWS_PROFILE", r"AWS cannot be asked \(ProfileNotFound\)"),
    ],
)
def test_what_is_wrong_with_aws_is_said(
    aws: LocalAws, monkeypatch: pytest.MonkeyPatch, variable: str, said: str
) -> None:
    """By the setting that led there."""
    assert aws.url
    if variable == "AWS_PROFILE":
        monkeypatch.setenv(variable, "nobody")
    else:
        monkeypatch.delenv(variable)
        monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(ConfigurationError, match=f"'password'.*{said}"):
        resolved({"password": "ssm:x"})


def test_boto3_is_only_imported_when_it_is_needed(tmp_path: Path) -> None:
    """It is an extra; without it the sentence says what to install."""
    program = """
import sys
sys.modules["boto3"] = None
from tap_jira_oauth.tap import TapJiraOAuth
from tap_jira_oauth.credentials.reference import resolved
import os
os.environ["SECRET"] = "x1x1"
print(resolved({"password": "env:SECRET"})["password"], "botocore" in sys.modules)
try:
    resolved({"password": "ssm:x"})
except Exception as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    first, second = done.stdout.splitlines()
    assert first == "x1x1 False"
    assert "Setting 'password'" in second
    assert "tap-jira-oauth[aws]" in second


def test_user_name_and_password_come_from_one_secret(aws: LocalAws) -> None:
    """As Secrets Manager itself proposes to store them; it is asked once, for it bills each call."""
    aws.secrets.create_secret(Name="jira", SecretString='{"u": "mia", "p": "hidden"}')
    config = {
        "api_url": "https://jira.example.com",
        "auth_method": "basic",
        "username": "secretsmanager:jira#u",
        "password": "secretsmanager:jira#p",
    }
    with aws.recorded() as bodies:
        settings = load_settings(config)
    assert bodies == [{"SecretId": "jira"}]
    assert (settings.username, settings.password) == ("mia", "hidden")


def test_the_tap_reads_with_a_reference(
    configure: Configure, tmp_path: Path, aws: LocalAws
) -> None:
    """From the configuration file to the last issue."""
    aws.ssm.put_parameter(Name="pat", Value="sandbox-token", Type="SecureString")
    config = configure(auth_method="personal_token", personal_token="ssm:pat")
    result = run(tmp_path, config)
    assert len(result.records) == 60, result.log


def article_table(aws: LocalAws, *items: dict[str, Any]) -> None:
    """Make the AWS article's table, `lake`."""
    aws.dynamodb.create_table(
        TableName="lake",
        KeySchema=[{"AttributeName": "project", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "project", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    for item in items:
        aws.dynamodb.put_item(TableName="lake", Item=item)


def test_projects_come_from_a_table(
    aws: LocalAws, connected_jira: Sandbox, configure: Configure, tmp_path: Path
) -> None:
    """Those that it has, beside the keys that stand there themselves; other projects are not read."""
    known = sorted({issue["key"].rpartition("-")[0] for issue in connected_jira.issues})
    article_table(aws, {"project": {"S": known[0]}, "last_ingest_date": {"S": "2026-01-01"}})
    done = run(tmp_path, configure(project_keys=["dynamodb:lake", known[2]]))
    assert {record["project_key"] for record in done.of("issues")} == {known[0], known[2]}


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("dynamodb:", "says 'dynamodb:' without the name of a table"),
        ("dynamodb:lake", "the table lake has no items, so it is no list of projects"),
        ("dynamodb:nothing", "the table nothing cannot be read: there is none of that name"),
    ],
)
def test_a_table_without_projects_is_refused(aws: LocalAws, reference: str, said: str) -> None:
    """An empty list would mean every project."""
    article_table(aws)
    with pytest.raises(ConfigurationError, match=f"Setting 'project_keys'.*{said}"):
        resolved({"project_keys": [reference]})


def test_a_table_of_something_else_is_refused(aws: LocalAws) -> None:
    """Its items have no text under `project`."""
    aws.dynamodb.create_table(
        TableName="other",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    aws.dynamodb.put_item(TableName="other", Item={"id": {"S": "x"}, "project": {"N": "1"}})
    with pytest.raises(ConfigurationError, match="other has items without a text 'project'"):
        resolved({"project_keys": ["dynamodb:other"]})


def test_one_variable_is_enough_of_a_region(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS's own services set AWS_REGION, and the error asks for it; boto3 reads the other one."""
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    aws.ssm.put_parameter(Name="/lake/x", Value=VALUE, Type="SecureString")
    assert resolved({"password": "ssm:/lake/x"})["password"] == VALUE
