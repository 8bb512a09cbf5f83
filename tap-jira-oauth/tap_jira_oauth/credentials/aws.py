"""Parameter Store, Secrets Manager and DynamoDB of AWS, by boto3's own chain of credentials and regions.

boto3 is an extra (`tap-jira-oauth[aws]`) and imported only when a setting leads here.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tap_jira_oauth.credentials.lease import Version
from tap_jira_oauth.errors import ConfigurationError
from tap_jira_oauth.redaction import REDACTION, quieten

if TYPE_CHECKING:
    from collections.abc import Iterator

    from boto3.session import Session
    from mypy_boto3_ssm.type_defs import (
        ParameterStringFilterTypeDef,
        PutParameterRequestTypeDef,
    )

_ADVICE = {
    "ParameterNotFound": "there is none of that name in this account and region",
    "ParameterVersionNotFound": "there is no such version",
    "ResourceNotFoundException": "there is none of that name in this account and region",
    "AccessDeniedException": "AWS does not permit it; the role needs the action for this name, and "
    "for the KMS key behind it",
    "ExpiredTokenException": "the AWS session has expired",
    "UnrecognizedClientException": "the AWS credentials are not valid",
    "InvalidSignatureException": "the AWS credentials are not valid",
    "InvalidKeyId": "its KMS key is not there, or disabled",
}


def read_parameter(name: str, purpose: str) -> str:
    """Return the decrypted value of a parameter; `purpose` begins the sentence of an error.

    Raises:
        ConfigurationError: it is not there, or may not be read.
    """
    with _asking(f"{purpose}: the parameter {name} cannot be read") as session:
        found = session.client("ssm").get_parameter(Name=name, WithDecryption=True)
    return found["Parameter"]["Value"]


def read_secret(name: str, purpose: str) -> str:
    """Return the text of a secret of Secrets Manager, given by name or ARN.

    Raises:
        ConfigurationError: it is not there, may not be read, or is binary.
    """
    with _asking(f"{purpose}: the secret {name} cannot be read") as session:
        found = session.client("secretsmanager").get_secret_value(SecretId=name)
    text = found.get("SecretString")
    if text is None:
        raise ConfigurationError(f"{purpose}: the secret {name} is binary; store it as text.")
    return text


def read_projects(table: str, purpose: str) -> list[str]:
    """Return the projects of a table whose items have `project`, as the AWS article's has; sorted.

    Raises:
        ConfigurationError: it is not there, may not be read, or names no project. Without any the
            tap would read every project.
    """
    with _asking(f"{purpose}: the table {table} cannot be read") as session:
        pages = (
            session.client("dynamodb")
            .get_paginator("scan")
            .paginate(
                TableName=table,
                ProjectionExpression="#project",  # a reserved word
                ExpressionAttributeNames={"#project": "project"},
            )
        )
        items = [item for page in pages for item in page["Items"]]
    projects = [item.get("project", {}).get("S", "") for item in items]
    if not projects or not all(projects):
        lacks = "items without a text 'project'" if projects else "no items"
        raise ConfigurationError(
            f"{purpose}: the table {table} has {lacks}, so it is no list of projects."
        )
    return sorted(projects)


def write_parameter(name: str, value: str, purpose: str) -> None:
    """Create or overwrite an encrypted parameter; its KMS key and tier stay as they are.

    Raises:
        ConfigurationError: it may not be written.
    """
    with _asking(f"{purpose}: the parameter {name} cannot be written") as session:
        ssm = session.client("ssm")
        filters: list[ParameterStringFilterTypeDef] = [
            {"Key": "Name", "Option": "Equals", "Values": [name]}
        ]
        found = ssm.describe_parameters(ParameterFilters=filters)["Parameters"]
        order: PutParameterRequestTypeDef = {
            "Name": name,
            "Value": value,
            "Type": found[0].get("Type", "SecureString") if found else "SecureString",
            "Overwrite": True,
        }
        # Left out, AWS would encrypt the new version with the account's default key.
        if found and "KeyId" in found[0]:
            order["KeyId"] = found[0]["KeyId"]
        if found and "Tier" in found[0]:
            order["Tier"] = found[0]["Tier"]
        ssm.put_parameter(**order)


class NumberedParameter:
    """A plain parameter with the number of each of its versions: a lease is kept in it."""

    def __init__(self, name: str, purpose: str) -> None:
        """Nothing is asked yet."""
        self._name = name
        self._purpose = purpose

    def read(self, number: int | None = None) -> Version | None:
        """Return a version of it, or the latest; None where there is none of that name.

        Raises:
            ConfigurationError: it may not be read.
        """
        with _asking(f"{self._purpose}: the parameter {self._name} cannot be read") as session:
            ssm = session.client("ssm")
            name = self._name if number is None else f"{self._name}:{number}"
            try:
                found = ssm.get_parameter(Name=name)["Parameter"]
            except ssm.exceptions.ParameterNotFound:
                return None
        return Version(found["Version"], found["Value"])

    def write(self, text: str, *, new: bool) -> int:
        """Write, and return the number of this version; 0 where somebody else was faster.

        Raises:
            ConfigurationError: it may not be written.
        """
        with _asking(f"{self._purpose}: the parameter {self._name} cannot be written") as session:
            ssm = session.client("ssm")
            try:
                return ssm.put_parameter(
                    Name=self._name, Value=text, Type="String", Overwrite=not new
                )["Version"]
            except (ssm.exceptions.ParameterAlreadyExists, ssm.exceptions.TooManyUpdates):
                return 0


@contextmanager
def _asking(failure: str) -> Iterator[Session]:
    """Give a session, and turn AWS's errors into one sentence; none of them holds a value."""
    try:
        import boto3  # noqa: PLC0415 - an extra, and slow to import
        from botocore import exceptions as boto  # noqa: PLC0415 - of the extra, too
    except ImportError as error:
        raise ConfigurationError(
            f"{failure} without boto3: install `tap-jira-oauth[aws]`."
        ) from error
    # At DEBUG they print signed headers and decrypted values.
    quieten("boto3", "botocore")
    try:
        # Of the two variables boto3 reads AWS_DEFAULT_REGION only.
        session = boto3.session.Session(region_name=os.environ.get("AWS_REGION"))
        credentials = session.get_credentials()
        if credentials is not None:
            frozen = credentials.get_frozen_credentials()
            REDACTION.learn(frozen.secret_key, frozen.token)
        yield session
    except boto.ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        said = f"{_ADVICE.get(code, 'AWS refuses it')} ({code})"
        raise ConfigurationError(f"{failure}: {said}.") from error
    except boto.NoRegionError as error:
        raise ConfigurationError(f"{failure}: set the region by AWS_REGION.") from error
    except boto.NoCredentialsError as error:
        raise ConfigurationError(
            f"{failure}: there are no AWS credentials in environment, profile or role."
        ) from error
    except boto.BotoCoreError as error:
        raise ConfigurationError(
            f"{failure}: AWS cannot be asked ({type(error).__name__})."
        ) from error
