"""Large objects: in parts, whole or not at all, and nothing left behind."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
from contextlib import closing
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.config import Config

from target.command import s3_config
from target.faulty_s3 import Fault, FaultyS3
from target_s3_jsonl import multipart
from target_s3_jsonl.batch import Sealed
from target_s3_jsonl.errors import ConflictError, StoreError
from target_s3_jsonl.s3 import S3Store
from target_s3_jsonl.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_s3 import LocalS3
    from target.faulty_s3 import Faults

_NAME = "000000000000-00001-0123456789abcdef.jsonl"
_BODY = b'{"id": 1, "text": "%b"}\n' % os.urandom(3_000_000).hex().encode()
_FOREVER = datetime(2100, 1, 1, tzinfo=timezone.utc)


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of 5 MiB, the smallest that S3 takes, so that the object above has two."""
    monkeypatch.setattr(multipart, "FROM", 1024**2)
    monkeypatch.setattr(multipart, "PART", 5 * 1024**2)


def _sealed(content: bytes = _BODY) -> Sealed:
    return Sealed(
        ticket=1,
        stream="issues",
        opened=datetime(2026, 1, 2, tzinfo=timezone.utc),
        file=io.BytesIO(content),
        compression="none",
        rows=content.count(b"\n"),
        size=len(content),
        sha256=hashlib.sha256(content).digest(),
        reason="end",
    )


def _store(
    server: LocalS3,
    bucket: str,
    *,
    url: str | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    **more: object,
) -> S3Store:
    config = s3_config(server, bucket, batch_size_bytes=1024**2, **more)
    client = boto3.client(
        "s3",
        endpoint_url=url or server.endpoint_url,
        region_name=server.region,
        aws_access_key_id=server.access_key,
        aws_secret_access_key=server.secret_key,
        config=Config(
            s3={"addressing_style": "path"},
            retries={"total_max_attempts": 1},
            request_checksum_calculation="when_required",
        ),
    )
    settings = Settings.from_config(config)
    return S3Store(client, settings, version="1.2.3", now=now, sleep=lambda _: None)


def _unfinished(server: LocalS3, bucket: str) -> list[str]:
    with closing(server.client()) as client:
        return [
            each["Key"] for each in client.list_multipart_uploads(Bucket=bucket).get("Uploads", [])
        ]


@pytest.mark.parametrize("checksum", ["sha256", "none"])
def test_a_large_object_goes_in_parts(local_s3: LocalS3, bucket: str, checksum: str) -> None:
    """It is there as it was spooled, once, and a second time nothing is written."""
    with FaultyS3(local_s3.port, {}) as proxy:
        store = _store(local_s3, bucket, url=proxy.url, checksum=checksum)
        assert store.put(_NAME, _sealed())
        assert proxy.asked == ["begin", "part", "part", "complete", "list"]
        assert not store.put(_NAME, _sealed())
    assert local_s3.objects(bucket) == {f"jira/{_NAME}": _BODY}
    assert _unfinished(local_s3, bucket) == []


def test_a_large_object_goes_to_a_store_that_knows_no_checksum(
    local_s3: LocalS3, bucket: str
) -> None:
    """Each part has its Content-MD5 then, and the whole its condition."""
    with FaultyS3(local_s3.port, {}, lacks="x-amz-checksum") as proxy:
        assert _store(local_s3, bucket, url=proxy.url).put(_NAME, _sealed())
    assert proxy.asked == ["begin", "head", *["begin"] * 2, "part", "part", "complete", "list"]
    assert [kind for kind, md5 in zip(proxy.asked, proxy.md5, strict=True) if md5] == ["part"] * 2
    assert proxy.conditional[proxy.asked.index("complete")]
    assert local_s3.objects(bucket) == {f"jira/{_NAME}": _BODY}


def test_a_large_object_never_replaces_another(local_s3: LocalS3, bucket: str) -> None:
    """The last request carries the condition."""
    other = gzip.compress(b"{}\n")
    with closing(local_s3.client()) as client:
        client.put_object(Bucket=bucket, Key=f"jira/{_NAME}", Body=other)
    sealed = _sealed()
    with pytest.raises(ConflictError, match="left as it is"):
        _store(local_s3, bucket).put(_NAME, Sealed(**{**vars(sealed), "sha256": b"0" * 32}))
    assert local_s3.objects(bucket) == {f"jira/{_NAME}": other}
    assert _unfinished(local_s3, bucket) == []


@pytest.mark.parametrize(
    "faults",
    [
        {("part", 2): Fault("refuse", 403, "AccessDenied")},
        {("part", 1): Fault("cut")},
        {("complete", 1): Fault("refuse", 400, "InvalidPart")},
    ],
)
def test_a_part_that_fails_leaves_nothing(local_s3: LocalS3, bucket: str, faults: Faults) -> None:
    """No object, and no unfinished upload that costs money in silence."""
    with FaultyS3(local_s3.port, faults) as proxy, pytest.raises(StoreError):
        _store(local_s3, bucket, url=proxy.url).put(_NAME, _sealed())
    assert local_s3.objects(bucket) == {}
    assert _unfinished(local_s3, bucket) == []


@pytest.mark.parametrize(
    "faults",
    [
        {("complete", 1): Fault("refuse", 409, "ConditionalRequestConflict")},
        {("part", 2): Fault("refuse", 503, "SlowDown")},
        {("complete", 1): Fault("refuse", 404, "NoSuchUpload")},
    ],
)
def test_a_part_that_may_go_better_is_tried_again(
    local_s3: LocalS3, bucket: str, faults: Faults
) -> None:
    """The whole upload begins again, and ends well."""
    with FaultyS3(local_s3.port, faults) as proxy:
        assert _store(local_s3, bucket, url=proxy.url).put(_NAME, _sealed())
    assert list(local_s3.objects(bucket).values()) == [_BODY]
    assert _unfinished(local_s3, bucket) == []


def test_orphans_of_ours_are_removed_once_they_are_old(local_s3: LocalS3, bucket: str) -> None:
    """Uploads that a killed run began more than a day ago go; younger ones and those of others stay."""
    ours, below = f"jira/issues/{_NAME}", "elsewhere/" + _NAME
    with closing(local_s3.client()) as client:
        for key in (ours, "jira/film.mp4", below):
            client.create_multipart_upload(Bucket=bucket, Key=key)
    _store(local_s3, bucket).put(_NAME, _sealed(b"{}\n"))
    assert sorted(_unfinished(local_s3, bucket)) == sorted([ours, "jira/film.mp4", below])
    later = datetime.now(timezone.utc) + timedelta(days=1, minutes=1)
    _store(local_s3, bucket, now=lambda: later).put("b" + _NAME, _sealed(b"[]\n"))
    assert sorted(_unfinished(local_s3, bucket)) == sorted(["jira/film.mp4", below])


@pytest.mark.parametrize(
    "fault",
    [Fault("refuse", 403, "AccessDenied"), Fault("refuse", 501, "NotImplemented"), Fault("cut")],
)
def test_without_the_right_to_list_the_run_goes_on(
    local_s3: LocalS3, bucket: str, fault: Fault
) -> None:
    """Cleaning up is a favour."""
    with FaultyS3(local_s3.port, {("list", 1): fault}) as proxy:
        assert _store(local_s3, bucket, url=proxy.url, now=lambda: _FOREVER).put(_NAME, _sealed())
    assert list(local_s3.objects(bucket).values()) == [_BODY]
