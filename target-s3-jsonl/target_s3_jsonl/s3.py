"""Objects in an S3 bucket, and what S3's refusals mean for the person who has to act.

One `PutObject` writes an object: S3 shows it whole or not at all. It carries the checksum that S3
verifies before storing, and `If-None-Match: *`, so that nothing is ever replaced.
"""

from __future__ import annotations

import base64
import logging
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
from botocore import exceptions as boto
from botocore.config import Config

from target_s3_jsonl.errors import ConfigurationError, ConflictError, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_s3 import S3Client

    from target_s3_jsonl.batch import Sealed
    from target_s3_jsonl.settings import Settings


class S3Store:
    """A bucket as a store."""

    # Our own attempts, around botocore's, for a key that somebody else is writing at this moment.
    _ATTEMPTS = 5

    def __init__(
        self,
        client: S3Client,
        settings: Settings,
        *,
        version: str,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        """Write where `destination` says; `version` goes into each object's metadata."""
        url = urlsplit(settings.destination)
        self._client = client
        self._bucket = url.netloc
        self._prefix = f"{url.path.strip('/')}/".lstrip("/")
        self._checksum = settings.checksum == "sha256"
        self._conditional = settings.conditional_writes == "auto"
        self._version = version
        self._sleep = sleep

    def put(self, path: str, sealed: Sealed) -> bool:
        """Send the spool; look at a name that is taken, try again where somebody else writes it."""
        key = self._prefix + path
        for attempt in range(1, self._ATTEMPTS + 1):
            created = self._attempt(key, sealed)
            if created is not None:
                return created
            self._sleep(0.1 * 2**attempt)
        raise StoreError(
            f"s3://{self._bucket}/{key} is being written and deleted by somebody else; "
            "give each run a destination of its own."
        )

    def _attempt(self, key: str, sealed: Sealed) -> bool | None:
        """Return None where another attempt may go better."""
        try:
            self._send(key, sealed)
        except boto.ClientError as error:
            status = _status(error)
            if status == HTTPStatus.PRECONDITION_FAILED:
                return False if self._holds(key, sealed) else None
            if status == HTTPStatus.CONFLICT:
                return None
            if self._conditional and (
                status == HTTPStatus.NOT_IMPLEMENTED or _code(error) in _CONDITION_UNKNOWN
            ):
                self._conditional = False
                return self._attempt(key, sealed)
            raise self._failure(key, error) from error
        except (boto.BotoCoreError, OSError) as error:
            raise self._failure(key, error) from error
        return True

    def _send(self, key: str, sealed: Sealed) -> None:
        options: dict[str, Any] = {}
        if self._conditional:
            options["IfNoneMatch"] = "*"
        if self._checksum:
            options["ChecksumSHA256"] = base64.b64encode(sealed.stored_sha256).decode()
        sealed.file.seek(0)
        self._client.put_object(
            Bucket=self._bucket,
            Key=key,
            Body=sealed.file,
            ContentLength=sealed.size,
            # No Content-Encoding: clients would unpack on the way, and the name would lie.
            ContentType="application/gzip"
            if sealed.compression == "gzip"
            else "application/x-ndjson",
            Metadata={
                "content-sha256": sealed.content_sha256,
                "rows": str(sealed.rows),
                "size": str(sealed.size),
                "target-version": self._version,
            },
            **options,
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
        retries={"mode": "standard", "total_max_attempts": 6},
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
