"""The S3 client, with credentials as people have them: an access key, a profile, a role, boto3's own chain.

A role of `role_arn` is assumed by botocore's own refreshing credentials, so a run may last longer
than the role's session. The identity that assumes it is whatever the other settings, or the chain,
say; a web identity (`AWS_WEB_IDENTITY_TOKEN_FILE`) is a link of that chain.
"""

from __future__ import annotations

import functools
import logging
import os
from typing import TYPE_CHECKING, Any, cast

import boto3
import botocore.session
from botocore import exceptions as boto
from botocore.config import Config
from botocore.credentials import (
    AssumeRoleCredentialFetcher,
    CredentialProvider,
    CredentialResolver,
    DeferredRefreshableCredentials,
)

from target_s3_jsonl.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from mypy_boto3_s3 import S3Client

    from target_s3_jsonl.settings import Settings

_SESSION_NAME = "target-s3-jsonl"
"""What CloudTrail shows for a role that was assumed; policies may ask for it."""


def s3_client(
    settings: Settings, version: str, *, clock: Callable[[], datetime] | None = None
) -> S3Client:
    """Return the client that the settings ask for; it makes no request yet.

    `clock` gives the time (with its zone) by which a role's credentials expire; None is the
    machine's.

    Raises:
        ConfigurationError: A profile, file or address that does not exist.
    """
    own = Config(
        # boto3 would add checksums of its own, as a trailer that older S3 servers refuse or store with the object.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        s3={"addressing_style": settings.addressing_style},
    )
    made = _client("s3", settings, version, own, settings.endpoint_url, clock)
    return cast("S3Client", made)


def glue_client(settings: Settings, version: str) -> Any:
    """Return a client of Glue with the same credentials; its address is AWS_ENDPOINT_URL_GLUE.

    Raises:
        ConfigurationError: As for S3.
    """
    return _client("glue", settings, version, Config(), None, None)


def _client(  # noqa: PLR0913, PLR0917 - what the two differ in
    service: str,
    settings: Settings,
    version: str,
    own: Config,
    endpoint_url: str | None,
    clock: Callable[[], datetime] | None,
) -> Any:
    # At DEBUG they print signed headers, a session token among them.
    for name in ("boto3", "botocore", "urllib3"):
        logging.getLogger(name).setLevel(logging.INFO)
    verify: bool | str | None = settings.ca_bundle if settings.verify_ssl else False
    try:
        session = _own_session(settings)
        if settings.role_arn:
            session = _in_role(session, settings, version, verify=verify, clock=clock)
        return session.client(  # type: ignore[call-overload]  # one of two services
            service,
            endpoint_url=endpoint_url,
            verify=verify,  # None leaves it to the AWS configuration
            config=_config(settings, version).merge(own),
        )
    except (boto.BotoCoreError, ValueError) as error:
        raise ConfigurationError(f"The S3 settings cannot be used: {error}.") from error


def _config(settings: Settings, version: str) -> Config:
    proxy = settings.proxy_url
    return Config(
        connect_timeout=10,
        read_timeout=60,
        max_pool_connections=settings.max_parallel_uploads,
        retries={"mode": "standard", "total_max_attempts": 4},
        proxies={"http": proxy, "https": proxy} if proxy else None,
        user_agent_extra=f"target-s3-jsonl/{version}",
    )


def _own_session(settings: Settings) -> boto3.session.Session:
    return boto3.session.Session(
        aws_access_key_id=settings.aws_access_key_id,
        aws_secret_access_key=settings.aws_secret_access_key,
        aws_session_token=settings.aws_session_token,
        profile_name=settings.profile,
        # Of the two variables boto3 reads AWS_DEFAULT_REGION only; AWS's own services set the other one.
        region_name=settings.region or os.environ.get("AWS_REGION"),
    )


def _in_role(
    source: boto3.session.Session,
    settings: Settings,
    version: str,
    *,
    verify: bool | str | None,
    clock: Callable[[], datetime] | None,
) -> boto3.session.Session:
    """Return a session whose credentials are those of `role_arn`, assumed by the source's when first used."""
    credentials = source.get_credentials()
    if credentials is None:
        raise boto.NoCredentialsError
    fetcher = AssumeRoleCredentialFetcher(
        # The proxy and the authorities of the S3 client hold for STS, too; its address is AWS_ENDPOINT_URL_STS.
        client_creator=functools.partial(_sts_client, source, settings, version, verify),
        source_credentials=credentials,
        role_arn=settings.role_arn or "",
        extra_args={
            "RoleSessionName": _SESSION_NAME,
            **({"ExternalId": settings.external_id} if settings.external_id else {}),
        },
    )
    inner = botocore.session.Session(profile=settings.profile)
    provider = _RoleProvider(fetcher.fetch_credentials, clock)
    inner.register_component("credential_provider", CredentialResolver([provider]))
    return boto3.session.Session(botocore_session=inner, region_name=source.region_name)


def _sts_client(
    source: boto3.session.Session,
    settings: Settings,
    version: str,
    verify: bool | str | None,  # noqa: FBT001 - boto3's own parameter
    service: str,
    **credentials: Any,
) -> Any:
    own = credentials.pop("config", None)
    config = _config(settings, version)
    return source.client(  # type: ignore[call-overload]  # botocore names the service, sts
        service, verify=verify, config=config.merge(own) if own else config, **credentials
    )


class _RoleProvider(CredentialProvider):
    """The one link of a chain that knows only a role."""

    METHOD = "assume-role"
    CANONICAL_NAME = None

    def __init__(
        self, fetch: Callable[[], dict[str, Any]], clock: Callable[[], datetime] | None
    ) -> None:
        super().__init__()
        self._fetch = fetch
        self._clock = {"time_fetcher": clock} if clock else {}

    def load(self) -> DeferredRefreshableCredentials:
        """Return credentials that renew themselves some minutes before they expire."""
        return DeferredRefreshableCredentials(self._fetch, self.METHOD, **self._clock)
