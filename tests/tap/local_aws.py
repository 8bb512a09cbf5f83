"""A moto server process: Parameter Store, Secrets Manager and DynamoDB on loopback."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from base64 import b64decode
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import requests

from measured import unmeasured

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_secretsmanager.client import SecretsManagerClient
    from mypy_boto3_ssm.client import SSMClient
    from typing_extensions import Self

COMMAND = str(Path(sys.executable).with_name("moto_server"))
_RUNNING = re.compile(rb"Running on (http://127\.0\.0\.1:\d+)")


class LocalAws:
    """Runs for a `with` block, on a free port."""

    def __init__(self, folder: Path) -> None:
        """`folder` is for what it writes."""
        self._recording = str(folder / "recording")

    def __enter__(self) -> Self:
        """Start, and wait until it says where it is."""
        self._process = subprocess.Popen(
            [COMMAND, "-H", "127.0.0.1", "-p", "0"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=unmeasured() | {"PYTHONUNBUFFERED": "1", "MOTO_RECORDER_FILEPATH": self._recording},
        )
        assert self._process.stderr is not None
        for line in self._process.stderr:
            if found := _RUNNING.search(line):
                self.url = found[1].decode()
                return self
        raise RuntimeError("moto_server has ended")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop."""
        self._process.terminate()
        self._process.communicate(timeout=20)

    @property
    def environment(self) -> dict[str, str]:
        """What boto3 finds it by."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_REGION": "eu-central-1",
            "AWS_DEFAULT_REGION": "eu-central-1",
            "AWS_ACCESS_KEY_ID": "local-key-id",
            "AWS_SECRET_ACCESS_KEY": "aws-secret-key-of-a-test",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }

    @property
    def _session(self) -> boto3.session.Session:
        known = self.environment
        return boto3.session.Session(
            aws_access_key_id=known["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=known["AWS_SECRET_ACCESS_KEY"],
            region_name=known["AWS_REGION"],
        )

    def reset(self) -> None:
        """Forget everything."""
        requests.post(f"{self.url}/moto-api/reset", timeout=10).raise_for_status()

    @contextmanager
    def recorded(self) -> Iterator[list[dict[str, Any]]]:
        """Yield a list that has, after the block, the JSON of every request that came in it."""
        api = f"{self.url}/moto-api/recorder"
        for order in ("reset-recording", "start-recording"):
            requests.post(f"{api}/{order}", timeout=10).raise_for_status()
        bodies: list[dict[str, Any]] = []
        yield bodies
        requests.post(f"{api}/stop-recording", timeout=10).raise_for_status()
        lines = requests.get(f"{api}/download-recording", timeout=10).text.splitlines()
        bodies += [json.loads(b64decode(json.loads(line)["body"])) for line in lines]

    @cached_property
    def ssm(self) -> SSMClient:
        """A client of Parameter Store."""
        return self._session.client("ssm", endpoint_url=self.url)

    @cached_property
    def secrets(self) -> SecretsManagerClient:
        """A client of Secrets Manager."""
        return self._session.client("secretsmanager", endpoint_url=self.url)

    @cached_property
    def dynamodb(self) -> DynamoDBClient:
        """A client of DynamoDB."""
        return self._session.client("dynamodb", endpoint_url=self.url)
