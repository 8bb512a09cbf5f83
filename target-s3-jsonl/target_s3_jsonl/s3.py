"""Objects in an S3 bucket, and what S3's refusals mean for the person who has to act.

One `PutObject` writes an object, or above 256 MiB an upload in parts: S3 shows it whole or not at all.
It carries the checksum that S3 verifies before storing, and `If-None-Match: *`, so that nothing is
ever replaced. The same `S3Store` serves several threads.
"""

from __future__ import annotations

import base64
import logging
import threading
import time
from datetime import datetime, timedelta, timezone
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
from botocore import exceptions as boto
from botocore.config import Config

from target_s3_jsonl import multipart
from target_s3_jsonl.compress import CONTENT_TYPES
from target_s3_jsonl.errors import ConfigurationError, ConflictError, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_s3 import S3Client

    from target_s3_jsonl.batch import Sealed
    from target_s3_jsonl.settings import Settings


class _LaterError(Exception):
    """Another attempt may go better; `error` is what to say when there is none."""

    def __init__(self, error: StoreError) -> None:
        super().__init__(str(error))
        self.error = error


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
        self._checksum = settings.checksum == "sha256"
        self._conditional = settings.conditional_writes == "auto"
        # Runs that never send parts leave none behind, and need no right to list them.
        self._in_parts = settings.batch_size_bytes >= multipart.FROM
        self._version = version
        self._sleep = sleep
        self._monotonic = monotonic
        self._now = now
        self._first = threading.Lock()
        self._works = False
        """Whether an object was stored: until then nobody knows what this server can do, or whether there is one."""

    def put(self, path: str, sealed: Sealed) -> bool:
        """Send the spool. The first object goes alone, so that only one has to find out what the server lacks."""
        key = self._prefix + path
        if not self._works:
            with self._first:
                if not self._works:
                    created = self._put(key, sealed)
                    self._works = True
                    if self._in_parts:
                        self._abort_orphans()
                    return created
        return self._put(key, sealed)

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
        """Send once; look at a name that is taken."""
        conditional = self._conditional
        try:
            self._send(key, sealed, conditional=conditional)
        except boto.ClientError as error:
            return self._refused(key, sealed, error, conditional=conditional)
        except (boto.BotoCoreError, OSError) as error:
            failure = self._failure(key, error)
            if self._works and isinstance(error, _CONNECTION_LOST):
                raise _LaterError(failure) from error
            raise failure from error
        return True

    def _refused(
        self, key: str, sealed: Sealed, error: boto.ClientError, *, conditional: bool
    ) -> bool:
        status = _status(error)
        if status == HTTPStatus.PRECONDITION_FAILED and self._holds(key, sealed):
            return False
        if status in {HTTPStatus.PRECONDITION_FAILED, HTTPStatus.CONFLICT} or (
            # The answer to our last request was lost, or somebody removed the upload: the next attempt will see.
            _code(error) == "NoSuchUpload"
        ):
            raise _LaterError(self._contended(key)) from error
        if conditional and (
            status == HTTPStatus.NOT_IMPLEMENTED or _code(error) in _CONDITION_UNKNOWN
        ):
            self._conditional = False
            return self._attempt(key, sealed)
        failure = self._failure(key, error)
        if status in _BUSY:
            raise _LaterError(failure) from error
        raise failure from error

    def _send(self, key: str, sealed: Sealed, *, conditional: bool) -> None:
        condition: dict[str, Any] = {"IfNoneMatch": "*"} if conditional else {}
        where = {"Bucket": self._bucket, "Key": key}
        described: dict[str, Any] = {
            # No Content-Encoding: clients would unpack on the way, and the name would lie.
            "ContentType": CONTENT_TYPES[sealed.compression],
            "Metadata": {
                "content-sha256": sealed.content_sha256,
                "rows": str(sealed.rows),
                "size": str(sealed.size),
                "target-version": self._version,
            },
        }
        if sealed.size > multipart.FROM:
            multipart.send(
                self._client,
                where,
                sealed,
                part=multipart.PART,
                described=described,
                condition=condition,
                checksum=self._checksum,
            )
            return
        if self._checksum:
            condition["ChecksumSHA256"] = base64.b64encode(sealed.stored_sha256).decode()
        sealed.file.seek(0)
        self._client.put_object(
            **where,  # type: ignore[arg-type]  # built as a mapping
            Body=sealed.file,
            ContentLength=sealed.size,
            **described,
            **condition,
        )

    def _contended(self, key: str) -> StoreError:
        return StoreError(
            f"s3://{self._bucket}/{key} is being written and deleted by somebody else; "
            "give each run a destination of its own."
        )

    def _holds(self, key: str, sealed: Sealed) -> bool:
        """Return whether the object that has our name has our content; False if it is gone again.

        Our own retry after a lost answer finds our own object here. Without the right to look, the
        name has to do: it is made of the content's digest.
        """
        try:
            found = self._client.head_object(Bucket=self._bucket, Key=key)
        except boto.ClientError as error:
            if _status(error) == HTTPStatus.NOT_FOUND:
                return False
            if _status(error) == HTTPStatus.FORBIDDEN:
                return True
            raise self._failure(key, error) from error
        metadata = found["Metadata"]
        # Another zlib stores the same lines in another size, so the size has to be the one its own writer noted.
        if metadata.get(
            "content-sha256", sealed.content_sha256
        ) != sealed.content_sha256 or metadata.get("size", str(sealed.size)) != str(
            found["ContentLength"]
        ):
            raise ConflictError(
                f"s3://{self._bucket}/{key} exists with other content. It was left as it is; move it away and run again."
            )
        return True

    def _failure(self, key: str, error: Exception) -> StoreError:
        where = f"s3://{self._bucket}/{key}"
        if isinstance(error, boto.ClientError):
            code = _code(error)
            reason = _BY_CODE.get(code) or _BY_STATUS.get(_status(error))
            if reason is None:
                reason = f"S3 answered {code}: {error.response.get('Error', {}).get('Message', 'no reason given')}"
        else:
            reason = next((text for kind, text in _BY_CLASS if isinstance(error, kind)), str(error))
        return StoreError(
            f"Cannot write {where}: "
            + reason.format(bucket=self._bucket, endpoint=self._client.meta.endpoint_url)
        )


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
_CONDITION_UNKNOWN = {"NotImplemented", "InvalidArgument", "InvalidRequest"}
_WRONG_REGION = "bucket {bucket!r} is in another region than {endpoint}; set region."
_EXPIRED = "the AWS credentials have expired; sign in again or renew aws_session_token."
_UNKNOWN_KEY = "S3 does not accept the access key; check aws_access_key_id and aws_secret_access_key, and endpoint_url."
_DENIED = "access denied. The identity needs s3:PutObject on this key (and kms:GenerateDataKey if the bucket uses its own KMS key)."
_BY_CODE = {
    "NoSuchBucket": "there is no bucket {bucket!r} at {endpoint}; create it, or correct destination.",
    "PermanentRedirect": _WRONG_REGION,
    "AuthorizationHeaderMalformed": _WRONG_REGION,
    "IllegalLocationConstraintException": _WRONG_REGION,
    "ExpiredToken": _EXPIRED,
    "ExpiredTokenException": _EXPIRED,
    "RequestExpired": _EXPIRED,
    "InvalidAccessKeyId": _UNKNOWN_KEY,
    "InvalidToken": _UNKNOWN_KEY,
    "SignatureDoesNotMatch": _UNKNOWN_KEY,
    "RequestTimeTooSkewed": "the clock of this machine is wrong; S3 refuses requests more than 15 minutes off.",
    "KeyTooLongError": "the key is longer than 1024 bytes; shorten path_template, the prefix or the stream's name.",
    "BadDigest": "the bytes changed on the way (checksum mismatch).",
}
_BY_STATUS = {int(HTTPStatus.FORBIDDEN): _DENIED, int(HTTPStatus.MOVED_PERMANENTLY): _WRONG_REGION}
_BY_CLASS: tuple[tuple[type[Exception], str], ...] = (
    (
        boto.NoCredentialsError,
        "no AWS credentials found; set aws_access_key_id, profile, or the environment that boto3 reads.",
    ),
    (
        boto.PartialCredentialsError,
        "the AWS credentials are incomplete; an access key needs its secret.",
    ),
    (boto.TokenRetrievalError, _EXPIRED),
    (boto.SSLError, "{endpoint} shows a certificate that is not trusted; set ca_bundle."),
    (boto.ProxyConnectionError, "the proxy does not answer; check proxy_url and HTTPS_PROXY."),
    (
        boto.ConnectTimeoutError,
        "{endpoint} cannot be reached (time out); check endpoint_url and the network.",
    ),
    (
        boto.EndpointConnectionError,
        "{endpoint} cannot be reached; check endpoint_url and the network.",
    ),
    (boto.ReadTimeoutError, "{endpoint} does not answer."),
    (boto.ConnectionClosedError, "{endpoint} closed the connection."),
)


def _status(error: boto.ClientError) -> int:
    return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)


def _code(error: boto.ClientError) -> str:
    return error.response.get("Error", {}).get("Code", "")


def s3_client(settings: Settings, version: str) -> S3Client:
    """Return the client that the settings ask for; it makes no request yet.

    Raises:
        ConfigurationError: A profile, file or address that does not exist.
    """
    # At DEBUG they print signed headers, a session token among them.
    for name in ("boto3", "botocore", "urllib3"):
        logging.getLogger(name).setLevel(logging.INFO)
    config = Config(
        connect_timeout=10,
        read_timeout=60,
        max_pool_connections=settings.max_parallel_uploads,
        retries={"mode": "standard", "total_max_attempts": 4},
        # boto3 would add checksums of its own, as a trailer that older S3 servers refuse or store with the object.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        s3={"addressing_style": settings.addressing_style},
        proxies={"http": settings.proxy_url, "https": settings.proxy_url}
        if settings.proxy_url
        else None,
        user_agent_extra=f"target-s3-jsonl/{version}",
    )
    try:
        session = boto3.session.Session(
            aws_access_key_id=settings.aws_access_key_id,
            aws_secret_access_key=settings.aws_secret_access_key,
            aws_session_token=settings.aws_session_token,
            profile_name=settings.profile,
            region_name=settings.region,
        )
        return session.client(
            "s3",
            endpoint_url=settings.endpoint_url,
            verify=settings.ca_bundle
            if settings.verify_ssl
            else False,  # None leaves it to the AWS configuration
            config=config,
        )
    except (boto.BotoCoreError, ValueError) as error:
        raise ConfigurationError(f"The S3 settings cannot be used: {error}.") from error
