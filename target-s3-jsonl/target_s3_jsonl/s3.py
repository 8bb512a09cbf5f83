"""Objects in an S3 bucket.

One `PutObject` writes an object, or above 256 MiB an upload in parts: S3 shows it whole or not at all.
It carries the checksum that S3 verifies before storing, and `If-None-Match: *`, so that nothing is
ever replaced. The same `S3Store` serves several threads.
"""

from __future__ import annotations

import logging
import threading
import time
from datetime import datetime, timedelta, timezone
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from botocore import exceptions as boto

from target_s3_jsonl import multipart, refusal
from target_s3_jsonl.attributes import asked_rights, attributes, not_encrypted_as_asked
from target_s3_jsonl.checksum import Checksum
from target_s3_jsonl.errors import ConflictError, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mypy_boto3_s3 import S3Client

    from target_s3_jsonl.batch import Sealed
    from target_s3_jsonl.settings import Settings


_logger = logging.getLogger(__name__)


class _LaterError(Exception):
    """Another attempt may go better; `error` is what to say when there is none."""

    def __init__(self, error: StoreError) -> None:
        super().__init__(str(error))
        self.error = error


class _Way(NamedTuple):
    """How to ask for an object to be stored: on the condition that its name is free, and with which checksum."""

    conditional: bool
    checksum: Checksum | None


def _ways(settings: Settings) -> list[_Way]:
    """Return what is asked for, and then what a store can do that lacks some of it: the least loss first."""
    checksums = (
        [None] if settings.checksum == "none" else [Checksum(settings.checksum), Checksum("md5")]
    )
    conditions = [True, False] if settings.conditional_writes == "auto" else [False]
    return [_Way(conditional, checksum) for checksum in checksums for conditional in conditions]


class S3Store:
    """A bucket as a store."""

    # How long an object is tried, in seconds, around botocore's own few attempts.
    _PATIENCE = 120.0
    _LONGEST_WAIT = 20.0
    # Nobody uploads a single object for longer.
    _ORPHAN_AGE = timedelta(days=1)

    def __init__(  # noqa: PLR0913 - the seams
        self,
        client: S3Client,
        settings: Settings,
        *,
        version: str,
        sleep: Callable[[float], object] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        """Write where `destination` says; `version` goes into each object's metadata."""
        url = urlsplit(settings.destination)
        self._client = client
        self._bucket = url.netloc
        self._prefix = f"{url.path.strip('/')}/".lstrip("/")
        self._settings = settings
        self._ways = _ways(settings)
        self._way = 0
        # Runs that never send parts leave none behind, and need no right to list them.
        self._in_parts = settings.batch_size_bytes >= multipart.FROM
        self._version = version
        self._sleep = sleep
        self._monotonic = monotonic
        self._now = now
        self._first = threading.Lock()
        self._works = False
        """Whether an object was stored: until then nobody knows what this server can do, or whether there is one."""
        self._hopeless = False
        """Whether the first object could not be stored: the run ends by that, and no other waits as long again."""

    def put(self, path: str, sealed: Sealed) -> bool:
        """Send the spool. The first object goes alone, so that only one has to find out what the server lacks."""
        key = self._prefix + path
        if not self._works:
            with self._first:
                if self._hopeless:
                    raise StoreError(
                        f"s3://{self._bucket}/{key} was not tried: the first object failed."
                    )
                if not self._works:
                    self._hopeless = True
                    created = self._put(key, sealed)
                    self._hopeless = False
                    self._works = True
                    self._tell()
                    if self._in_parts:
                        self._abort_orphans()
                    return created
        return self._put(key, sealed)

    def _tell(self) -> None:
        """Say what the store was found to lack."""
        asked, found = self._ways[0], self._ways[self._way]
        if asked.conditional and not found.conditional:
            _logger.warning(
                "s3://%s knows no conditional writes: each name is looked at before it is written.",
                self._bucket,
            )
        if asked.checksum is not found.checksum:
            _logger.warning(
                "s3://%s does not know the checksum %s: objects go with their Content-MD5.",
                self._bucket,
                self._settings.checksum,
            )

    def _abort_orphans(self) -> None:
        before = self._now() - self._ORPHAN_AGE
        multipart.abort_orphans(self._client, self._bucket, self._prefix, before=before)

    def _put(self, key: str, sealed: Sealed) -> bool:
        """Try until it is stored, refused, or patience has ended."""
        began = self._monotonic()
        wait = 0.2
        while True:
            try:
                return self._attempt(key, sealed)
            except _LaterError as later:
                if self._monotonic() - began >= self._PATIENCE:
                    raise later.error from later.__cause__
            self._sleep(wait)
            wait = min(2 * wait, self._LONGEST_WAIT)

    def _attempt(self, key: str, sealed: Sealed) -> bool:
        """Send once; look at a name that is taken, or may be where the store is not asked to refuse it."""
        number = self._way
        way = self._ways[number]
        if not way.conditional and self._found(key, sealed):
            return False
        try:
            self._send(key, sealed, way)
        except boto.ClientError as error:
            return self._refused(key, sealed, error, number)
        except (boto.BotoCoreError, OSError) as error:
            raise self._broken(key, error) from error
        except RuntimeError as error:
            # All that botocore has for a role whose new credentials are over, too.
            if "refreshed" not in str(error):
                raise
            raise self._failure(key, error) from error
        return True

    def _broken(self, key: str, error: Exception) -> StoreError | _LaterError:
        """Return what to raise when no answer came."""
        failure = self._failure(key, error)
        later = self._works and isinstance(error, _CONNECTION_LOST)
        return _LaterError(failure) if later else failure

    def _refused(self, key: str, sealed: Sealed, error: boto.ClientError, number: int) -> bool:
        """Find out whether it is there all the same, or go another way than that of this `number`."""
        status = refusal.status(error)
        if status == HTTPStatus.PRECONDITION_FAILED and self._found(key, sealed) is not False:
            return False  # without the right to look, the name has to do: it is made of the content's digest
        if status in {HTTPStatus.PRECONDITION_FAILED, HTTPStatus.CONFLICT} or (
            # The answer to our last request was lost, or somebody removed the upload: the next attempt will see.
            refusal.code(error) == "NoSuchUpload"
        ):
            raise _LaterError(self._contended(key)) from error
        unknown = status == HTTPStatus.NOT_IMPLEMENTED or refusal.code(error) in _UNKNOWN
        if unknown and number + 1 < len(self._ways):
            self._way = max(self._way, number + 1)
            return self._attempt(key, sealed)
        failure = self._failure(key, error)
        if status in _BUSY:
            raise _LaterError(failure) from error
        raise failure from error

    def _send(self, key: str, sealed: Sealed, way: _Way) -> None:
        condition: dict[str, Any] = {"IfNoneMatch": "*"} if way.conditional else {}
        where = {"Bucket": self._bucket, "Key": key}
        described = attributes(self._settings, sealed, self._version)
        answer: Mapping[str, Any]
        if sealed.size > multipart.FROM:
            answer = multipart.send(
                self._client,
                where,
                sealed,
                part=multipart.PART,
                described=described,
                condition=condition,
                checksum=way.checksum,
            )
        else:
            if way.checksum:
                condition[way.checksum.member] = self._digest(way.checksum, sealed)
            sealed.file.seek(0)
            answer = self._client.put_object(
                **where,  # type: ignore[arg-type]  # built as a mapping
                Body=sealed.file,
                ContentLength=sealed.size,
                **described,
                **condition,
            )
        if contradiction := not_encrypted_as_asked(self._settings, answer):
            raise StoreError(f"s3://{self._bucket}/{key}: {contradiction}")

    @staticmethod
    def _digest(checksum: Checksum, sealed: Sealed) -> str:
        if checksum.algorithm == "sha256":
            return checksum.spelled(sealed.sha256)  # known since the spool was written
        return checksum.of(sealed.file)

    def _contended(self, key: str) -> StoreError:
        return StoreError(
            f"s3://{self._bucket}/{key} is being written and deleted by somebody else; "
            "give each run a destination of its own."
        )

    def _found(self, key: str, sealed: Sealed) -> bool | None:
        """Return whether an object has our name and then our content, too; None without the right to look.

        Our own retry after a lost answer finds our own object here.
        """
        try:
            found = self._client.head_object(Bucket=self._bucket, Key=key)
        except boto.ClientError as error:
            status = refusal.status(error)
            if status in {HTTPStatus.NOT_FOUND, HTTPStatus.FORBIDDEN}:
                return False if status == HTTPStatus.NOT_FOUND else None
            failure = self._failure(key, error)
            raise _LaterError(failure) if status in _BUSY else failure from error
        except (boto.BotoCoreError, OSError) as error:
            raise self._broken(key, error) from error
        metadata = found["Metadata"]
        # Whoever copied it here may have left the metadata behind; the name holds half of the digest, too.
        ours = sealed.sha256.hex()
        if metadata.get("sha256", ours) != ours or found["ContentLength"] != sealed.size:
            raise ConflictError(
                f"s3://{self._bucket}/{key} exists with other content. It was left as it is; move it away and run again."
            )
        if contradiction := not_encrypted_as_asked(self._settings, found):
            raise StoreError(f"s3://{self._bucket}/{key}: {contradiction}")
        return True

    def _failure(self, key: str, error: Exception) -> StoreError:
        why = refusal.reason(
            error,
            bucket=self._bucket,
            endpoint=self._client.meta.endpoint_url,
            asked=asked_rights(self._settings),
        )
        return StoreError(f"Cannot write s3://{self._bucket}/{key}: {why}")


_BUSY = {
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.INTERNAL_SERVER_ERROR,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
}
_CONNECTION_LOST = (
    boto.EndpointConnectionError,
    boto.ConnectTimeoutError,
    boto.ConnectionClosedError,
    boto.ReadTimeoutError,
)
_UNKNOWN = {"NotImplemented", "InvalidArgument", "InvalidRequest"}
