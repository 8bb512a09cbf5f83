"""Every setting once: name below `state_backend.dynamodb`, kind, help, default."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Setting:
    """One setting in Meltano's words."""

    name: str
    kind: str
    help: str
    default: str | int | bool | None = None
    secret: bool = False


SETTINGS = (
    Setting(
        "region",
        "string",
        "Region of the table. Without it that of `AWS_REGION`, the profile or the machine.",
    ),
    Setting("profile", "string", "Profile of the AWS configuration."),
    Setting(
        "aws_access_key_id",
        "string",
        "Access key. Without it boto3's own chain: environment, profile, role.",
        secret=True,
    ),
    Setting("aws_secret_access_key", "string", "Secret of the access key.", secret=True),
    Setting(
        "aws_session_token", "string", "Token of a session, for temporary access keys.", secret=True
    ),
    Setting("endpoint_url", "string", "Address of DynamoDB, where it is not AWS's own."),
    Setting(
        "create_table",
        "boolean",
        "Make the table, billed by request, where it is not there.",
        default=False,
    ),
    Setting(
        "lease_seconds",
        "integer",
        "After so many seconds without a sign of life a run is held for dead, and another one may take its state over. It renews three times as often.",
        default=30,
    ),
    Setting(
        "import_table",
        "string",
        "The AWS article's table (`project`, `last_ingest_date`). A state id without a state begins at these dates, each less the hour that the article rounds up.",
    ),
)
