"""AWS on loopback for tests: one moto process, with STS, IAM and S3; on request it enforces IAM policies.

Moto knows rights, roles, KMS headers and tags, which SeaweedFS does not; it does not check
checksums, which SeaweedFS does.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import boto3

from loopback import free_port, listening

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REGION = "us-east-1"


class LocalAWS:
    """A running server; `client` speaks to it as somebody without a name."""

    def __init__(self, port: int) -> None:
        """Take the port of a running server."""
        self.port = port
        self.url = f"http://127.0.0.1:{port}"

    def client(self, service: str) -> Any:
        """Return a boto3 client; the caller closes it."""
        session = boto3.session.Session(
            aws_access_key_id="anybody", aws_secret_access_key="x", region_name=REGION
        )
        return session.client(service, endpoint_url=self.url)  # type: ignore[call-overload]  # any service


@contextmanager
def local_aws(folder: Path, *, free_calls: int | None = None) -> Iterator[LocalAWS]:
    """Run a server in the block. After `free_calls` requests it enforces IAM; None: never."""
    port = free_port()
    rules = {} if free_calls is None else {"INITIAL_NO_AUTH_ACTION_COUNT": str(free_calls)}
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with listening(command, port, folder / "aws.log", **rules):
        yield LocalAWS(port)
