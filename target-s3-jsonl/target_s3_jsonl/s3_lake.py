"""Reading what was stored in an S3 bucket."""

from __future__ import annotations

from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, cast
from urllib.parse import urlsplit

from botocore import exceptions as boto

from target_s3_jsonl import refusal
from target_s3_jsonl.errors import StoreError
from target_s3_jsonl.lake import Found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3 import S3Client


class S3Lake:
    """A prefix of a bucket."""

    def __init__(self, client: S3Client, destination: str) -> None:
        """Read what `destination` names; no request is made yet."""
        url = urlsplit(destination)
        self._client = client
        self._bucket = url.netloc
        self._prefix = f"{url.path.strip('/')}/".lstrip("/")

    def found(self, prefix: str = "") -> Iterator[Found]:
        """List, a thousand keys at a time."""
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=self._prefix + prefix
        )
        try:
            for page in pages:
                for each in page.get("Contents", []):
                    path = each["Key"].removeprefix(self._prefix)
                    yield Found(path, each["Size"], each["LastModified"])
        except (boto.ClientError, boto.BotoCoreError, OSError) as error:
            raise self._failure("list", prefix, error) from error

    @contextmanager
    def opened(self, path: str) -> Iterator[IO[bytes]]:
        """Ask for the object; its bytes come as they are read."""
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=self._prefix + path)
            with answer["Body"] as body:
                yield cast("IO[bytes]", body)
        except (boto.ClientError, boto.BotoCoreError, OSError) as error:
            raise self._failure("read", path, error) from error

    def _failure(self, deed: str, path: str, error: Exception) -> StoreError:
        endpoint = self._client.meta.endpoint_url
        why = refusal.reason(error, bucket=self._bucket, endpoint=endpoint, asked=frozenset())
        return StoreError(f"Cannot {deed} s3://{self._bucket}/{self._prefix}{path}: {why}")
