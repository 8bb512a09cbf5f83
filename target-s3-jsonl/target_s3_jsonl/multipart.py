"""A large object in parts. S3 shows nothing of it before the last request, which carries the condition.

What a killed run leaves behind is invisible but is paid for: `abort_orphans` removes it. S3 lists no
metadata of unfinished uploads, so ours are known by their key: below the destination, and named as
only this target names objects.
"""

from __future__ import annotations

import io
import logging
import re
from typing import IO, TYPE_CHECKING, Any, cast

from botocore import exceptions as boto

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

    from target_s3_jsonl.batch import Sealed
    from target_s3_jsonl.checksum import Checksum

FROM = 256 * 1024**2
"""Bytes above which an object goes in parts."""
PART = 64 * 1024**2
_MOST_PARTS = 9000  # S3 takes 10,000
_OURS = re.compile(r"[0-9a-f]{12}-\d{5,}-[0-9a-f]{16}\b")
_logger = logging.getLogger(__name__)


class Part(io.RawIOBase):
    """A stretch of a file as a file of its own, so that no part has to fit into memory."""

    def __init__(self, file: IO[bytes], start: int, size: int) -> None:
        """Begin at its first byte. Nobody else may move the file's position meanwhile."""
        self._file = file
        self._start = start
        self._size = size
        self._place = 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes: a part that has to be sent again begins again."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move within the part."""
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        self._place = origin + offset
        return self._place

    def tell(self) -> int:
        """Return the place within the part."""
        return self._place

    def readinto(self, buffer: Any) -> int:
        """Read what is left of the part, at most."""
        self._file.seek(self._start + self._place)
        wanted = min(len(buffer), max(self._size - self._place, 0))
        data = self._file.read(wanted)
        buffer[: len(data)] = data
        self._place += len(data)
        return len(data)


def send(  # noqa: PLR0913 - what S3 asks for
    client: S3Client,
    where: Mapping[str, str],
    sealed: Sealed,
    *,
    part: int,
    described: Mapping[str, Any],
    condition: Mapping[str, Any],
    checksum: Checksum | None,
) -> Mapping[str, Any]:
    """Upload in parts of `part` bytes; anything but success aborts the upload.

    `where` is bucket and key, `described` what `CreateMultipartUpload` takes about the object,
    `condition` what `CompleteMultipartUpload` takes, whose answer is returned. Raises what boto3 raises.
    """
    algorithm = checksum.announced if checksum else {}
    upload = client.create_multipart_upload(**where, **described, **algorithm)  # type: ignore[arg-type]  # built as a mapping
    this: dict[str, Any] = {**where, "UploadId": upload["UploadId"]}
    try:
        parts = _send_parts(client, this, sealed, max(part, sealed.size // _MOST_PARTS), checksum)
        return client.complete_multipart_upload(
            **this, MultipartUpload={"Parts": parts}, **condition
        )
    except BaseException:
        _abort(client, this)
        raise


def _send_parts(
    client: S3Client,
    this: dict[str, Any],
    sealed: Sealed,
    size: int,
    checksum: Checksum | None,
) -> list[CompletedPartTypeDef]:
    parts: list[CompletedPartTypeDef] = []
    for number, start in enumerate(range(0, sealed.size, size), 1):
        body = Part(sealed.file, start, min(size, sealed.size - start))
        readable = cast("IO[bytes]", body)
        digest: dict[str, Any] = {checksum.member: checksum.of(readable)} if checksum else {}
        sent = client.upload_part(**this, PartNumber=number, Body=readable, **digest)
        told = digest if checksum and checksum.announced else {}
        part: dict[str, Any] = {"PartNumber": number, "ETag": sent["ETag"], **told}
        parts.append(cast("CompletedPartTypeDef", part))
    return parts


def _abort(client: S3Client, this: dict[str, Any]) -> None:
    try:
        client.abort_multipart_upload(**this)
    except (boto.ClientError, boto.BotoCoreError) as error:
        if "NoSuchUpload" not in str(error):
            _logger.warning(
                "An unfinished upload of s3://%s/%s could not be removed (%s). It is invisible, but paid for; "
                "s3:AbortMultipartUpload or a lifecycle rule removes it.",
                this["Bucket"],
                this["Key"],
                type(error).__name__,
            )


def abort_orphans(client: S3Client, bucket: str, prefix: str, *, before: datetime) -> None:
    """Abort uploads of this target below the prefix that were begun `before`. Without the right to list, nothing happens."""
    try:
        pages = client.get_paginator("list_multipart_uploads").paginate(
            Bucket=bucket, Prefix=prefix
        )
        found = [each for page in pages for each in page.get("Uploads", [])]
    except (boto.ClientError, boto.BotoCoreError) as error:
        _logger.info("Unfinished uploads of killed runs were not looked for: %s.", error)
        return
    for each in found:
        if each["Initiated"] < before and _OURS.search(each["Key"]):
            _logger.info("Removing the unfinished upload of s3://%s/%s.", bucket, each["Key"])
            this = {"Bucket": bucket, "Key": each["Key"], "UploadId": each["UploadId"]}
            _abort(client, this)
