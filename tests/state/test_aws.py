"""The client: where region and credentials come from, and what is said when they do not."""

from __future__ import annotations

import os
from contextlib import closing

import pytest

from state.dynamodb import KEYS, REGION
from state_backend_dynamodb.aws import dynamodb_client
from state_backend_dynamodb.errors import ConfigurationError
from state_backend_dynamodb.table import Table


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the person who runs the tests."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def test_one_variable_is_enough_of_a_region(monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS's own services set AWS_REGION; boto3 reads the other one."""
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    with closing(dynamodb_client(**KEYS)) as client:
        assert client.meta.region_name == "eu-central-1"


def test_a_missing_region_is_said() -> None:
    """With the setting that is missing."""
    with pytest.raises(ConfigurationError, match=r"set state_backend.dynamodb.region or AWS_REG"):
        dynamodb_client(**KEYS)


def test_a_profile_that_is_not_there_is_said() -> None:
    """By its name."""
    with pytest.raises(ConfigurationError, match=r"config profile \(nobody\) could not be found"):
        dynamodb_client(region=REGION, profile="nobody")


def test_missing_credentials_are_said() -> None:
    """With the places where they were looked for."""
    with (
        closing(dynamodb_client(region=REGION)) as client,
        pytest.raises(ConfigurationError, match=r"'states' .* no AWS credentials in settings"),
    ):
        Table(client, "states").get("states", "one")
