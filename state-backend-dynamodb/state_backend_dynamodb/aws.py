"""The DynamoDB client, with credentials as people have them: settings, or boto3's own chain."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

import boto3
from botocore import exceptions as boto
from botocore.config import Config

from state_backend_dynamodb.errors import ConfigurationError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def dynamodb_client(  # noqa: PLR0913 - each is a setting of its own
    *,
    region: str | None = None,
    profile: str | None = None,
    aws_access_key_id: str | None = None,
    aws_secret_access_key: str | None = None,
    aws_session_token: str | None = None,
    endpoint_url: str | None = None,
) -> DynamoDBClient:
    """Return the client that the settings ask for; it makes no request yet.

    Raises:
        ConfigurationError: a region is missing, or a profile does not exist.
    """
    # At DEBUG they print signed headers, a session token among them; at INFO a line for each client.
    for name in ("boto3", "botocore", "urllib3"):
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        return boto3.session.Session(
            aws_access_key_id=aws_access_key_id,
            aws_secret_access_key=aws_secret_access_key,
            aws_session_token=aws_session_token,
            profile_name=profile,
            # Of the two variables boto3 reads AWS_DEFAULT_REGION only.
            region_name=region or os.environ.get("AWS_REGION"),
        ).client(
            "dynamodb",
            endpoint_url=endpoint_url,
            config=Config(
                connect_timeout=5,
                # A renewal that is not answered must have another try within the lease.
                read_timeout=5,
                retries={"mode": "standard", "total_max_attempts": 5},
                user_agent_extra="meltano-state-backend-dynamodb",
            ),
        )
    except boto.NoRegionError as error:
        raise ConfigurationError(
            "The state backend has no AWS region: set state_backend.dynamodb.region or AWS_REGION."
        ) from error
    except (boto.BotoCoreError, ValueError) as error:
        raise ConfigurationError(f"The DynamoDB settings cannot be used: {error}.") from error
