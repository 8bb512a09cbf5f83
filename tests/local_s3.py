"""A real S3 server for tests and the demo: one SeaweedFS process on loopback with a folder and keys of its own."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from types import TracebackType

    from mypy_boto3_s3 import S3Client
    from typing_extensions import Self

_READY_SECONDS = 30.0
_GRPC_OFFSET = 10_000  # SeaweedFS opens each service's gRPC port so far above its HTTP port
_REGION = "us-east-1"


class LocalS3:
    """Context manager: the server runs inside the `with` block.

    It checks signatures and checksums, honours `If-None-Match` and refuses buckets that were not
    made, as S3 does.
    """

    def __init__(self) -> None:
        """Choose ports and keys; nothing is started yet."""
        self.access_key = secrets.token_hex(10)
        self.secret_key = secrets.token_hex(20)
        self.region = _REGION
        self._stack = ExitStack()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint_url(self) -> str:
        """Address of the server."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        """Start the server and wait until it answers."""
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="local-s3-")))
            self._start(folder, stack)
            self._wait_until_ready(folder / "log")
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the server and delete its folder."""
        self._stack.close()

    def client(self) -> S3Client:
        """Return a client with this server's keys; the caller closes it."""
        return boto3.session.Session(
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            region_name=self.region,
        ).client(
            "s3",
            endpoint_url=self.endpoint_url,
            config=Config(
                s3={"addressing_style": "path"},
                connect_timeout=2,
                retries={"total_max_attempts": 3},
            ),
        )

    def bucket(self, name: str) -> str:
        """Make a bucket and return its name."""
        with closing(self.client()) as client:
            client.create_bucket(Bucket=name)
        return name

    def objects(self, bucket: str, *, catalog: bool = False) -> dict[str, bytes]:
        """Return every object of the streams in a bucket by its key, or those of the target's `_catalog/`."""
        with closing(self.client()) as client:
            pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
            keys = [
                each["Key"]
                for page in pages
                for each in page.get("Contents", [])
                if ("/_catalog/" in each["Key"]) is catalog
            ]
            return {key: client.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}

    def _start(self, folder: Path, stack: ExitStack) -> None:
        keys = {
            "identities": [
                {
                    "name": "local",
                    "credentials": [{"accessKey": self.access_key, "secretKey": self.secret_key}],
                    "actions": ["Admin", "Read", "Write", "List", "Tagging"],
                }
            ]
        }
        identities = folder / "s3.json"
        identities.touch(mode=0o600)
        identities.write_text(json.dumps(keys))
        (folder / "data").mkdir()
        self.port, master, volume, filer = _free_ports(4)
        log = stack.enter_context((folder / "log").open("wb"))
        self._process = subprocess.Popen(
            [
                str(Path(sys.executable).with_name("weed")),
                "-logtostderr=true",  # and not into files in the folder for temporary ones
                "mini",
                f"-dir={folder / 'data'}",
                "-ip=127.0.0.1",
                "-ip.bind=127.0.0.1",
                f"-master.port={master}",
                f"-volume.port={volume}",
                f"-filer.port={filer}",
                f"-s3.port={self.port}",
                "-s3.port.iceberg=0",
                "-s3.port.lance=0",  # its default is one fixed port, which a second server could not have
                "-webdav=false",
                "-admin.ui=false",
                "-master.telemetry=false",
                "-s3.autoCreateBucket=false",
                "-volume.max=5000",  # instead of as many as the disk has room for, each as large as allowed
                f"-s3.config={identities}",
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=folder,
            # One file for each bucket instead of seven.
            env=os.environ | {"WEED_MASTER_VOLUME_GROWTH_COPY_1": "1"},
            start_new_session=True,  # Ctrl-C at the terminal is ours to pass on, after the last request
        )
        stack.callback(_stop, self._process)

    def _wait_until_ready(self, log: Path) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        with closing(self.client()) as client:
            while time.monotonic() < deadline:
                if self._process is None or self._process.poll() is not None:
                    break
                with suppress(BotoCoreError, ClientError):
                    client.list_buckets()
                    return
                time.sleep(0.1)
        raise RuntimeError(f"SeaweedFS did not start:\n{log.read_text(errors='replace')[-2000:]}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.kill()  # asked to end, it waits ten seconds for others of its kind; nobody needs its data
    process.wait()


def _free_ports(count: int) -> list[int]:
    """Return ports that are free on loopback now, each with its gRPC port."""
    found: list[int] = []
    while len(found) < count:
        port = 12_000 + secrets.randbelow(18_000)
        if port not in found and _is_free(port) and _is_free(port + _GRPC_OFFSET):
            found.append(port)
    return found


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
