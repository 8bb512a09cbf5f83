"""Every setting of the target, declared once: the fields of `Settings`.

The Singer SDK's `config_jsonschema`, the documentation and the check for unknown names are all
derived from here. Numbers are integers only: the SDK hands out `Decimal` for fractions.
"""

from __future__ import annotations

import dataclasses
import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from target_s3_jsonl.errors import ConfigurationError
from target_s3_jsonl.setting import Setting, declare

if TYPE_CHECKING:
    from collections.abc import Mapping

_ACLS = (
    "private",
    "public-read",
    "public-read-write",
    "authenticated-read",
    "aws-exec-read",
    "bucket-owner-read",
    "bucket-owner-full-control",
)
_MAX_TAGS = 10
_MAX_PUT = 5 * 1024**3  # S3 takes no more in one PutObject


@dataclass(frozen=True)
class Settings:
    """The checked settings of one run."""

    destination: str = declare(
        "string",
        "Where objects go: `s3://bucket/prefix`, `gs://bucket/prefix`, `azure://container/prefix`, `sftp://user@host/folder`, `file:///folder`, or a folder.",
        "output",
    )
    path_template: str = declare(
        "string",
        "Path of an object below the destination. Placeholders are `{stream}`, `{load_date}`, `{load_time}`, `{name}`, `{run}` and a record's values such as `{record[project_key]}`; "
        "`{stream}` and `{name}` are needed. The suffix of the compression is added.",
        "{stream}/load_date={load_date}/{name}.jsonl",
    )
    compression: Literal["gzip", "zstd", "none"] = declare(
        "options", "How objects are compressed.", "gzip", options=("gzip", "zstd", "none")
    )
    compression_level: int = declare(
        "integer", "Effort of the compression, 1 (fast) to 9 (small).", 2, minimum=1, maximum=9
    )
    batch_size_rows: int = declare(
        "integer", "Rows after which an object is closed.", 100_000, minimum=1
    )
    batch_size_bytes: int = declare(
        "integer",
        "Stored (compressed) bytes after which an object is closed.",
        64 * 1024**2,
        minimum=1,
        maximum=_MAX_PUT,
    )
    batch_age_seconds: int = declare(
        "integer",
        "Seconds after its first row at which an object is closed, also while no message arrives.",
        300,
        minimum=1,
    )
    states_per_object: int = declare(
        "integer",
        "STATE messages with rows after which an object is closed. 0 leaves it to rows, bytes and age.",
        0,
        minimum=0,
    )
    max_parallel_uploads: int = declare(
        "integer",
        "Objects that are uploaded at once, beside reading. When so many are, the tap waits.",
        4,
        minimum=1,
        maximum=64,
    )
    max_open_objects: int = declare(
        "integer",
        "Most objects that are being filled at once, over all streams and partitions. One more closes the one that was written to longest ago.",
        100,
        minimum=1,
        maximum=10_000,
    )
    endpoint_url: str | None = declare(
        "string", "Address of an S3-compatible store. Empty means AWS."
    )
    region: str | None = declare(
        "string",
        "Region of the bucket. Empty means that of `AWS_REGION`, or what the AWS configuration says.",
    )
    profile: str | None = declare("string", "Profile of the AWS configuration files to use.")
    aws_access_key_id: str | None = declare(
        "string",
        "Access key. Empty means boto3's own chain: environment, profile, role.",
        secret=True,
    )
    aws_secret_access_key: str | None = declare("string", "Secret of the access key.", secret=True)
    aws_session_token: str | None = declare(
        "string", "Session token of a temporary access key.", secret=True
    )
    role_arn: str | None = declare(
        "string",
        "ARN of a role to assume with the credentials above. It is renewed before it expires, however long the run.",
    )
    external_id: str | None = declare(
        "string", "External id that the trust policy of the role asks for."
    )
    addressing_style: Literal["auto", "path", "virtual"] = declare(
        "options",
        "Whether the bucket stands in the path or in the host name.",
        "auto",
        options=("auto", "path", "virtual"),
    )
    verify_ssl: bool = declare(
        "boolean", "Whether to check the certificate of the store.", default=True
    )
    ca_bundle: str | None = declare(
        "string", "File with the certificates of the authorities to trust."
    )
    proxy_url: str | None = declare("string", "Proxy for requests to the store.", secret=True)
    checksum: Literal["sha256", "crc32", "none"] = declare(
        "options",
        "Checksum sent with an object, which the store verifies. One that does not know it gets Content-MD5.",
        "sha256",
        options=("sha256", "crc32", "none"),
    )
    conditional_writes: Literal["auto", "never"] = declare(
        "options",
        "Whether to ask the store to refuse a name that is taken. `auto` goes on without for a store that cannot.",
        "auto",
        options=("auto", "never"),
    )
    sse: Literal["AES256", "aws:kms", "aws:kms:dsse"] | None = declare(
        "options",
        "Encryption to ask the store for. Empty means what the bucket does by itself.",
        options=("AES256", "aws:kms", "aws:kms:dsse"),
    )
    kms_key_id: str | None = declare(
        "string", "ARN or id of the KMS key, for `sse` `aws:kms`. Empty means the account's own."
    )
    acl: str | None = declare(
        "options", "Canned ACL of each object. Empty sends none.", options=_ACLS
    )
    storage_class: str | None = declare(
        "string", "Storage class of each object, such as `STANDARD_IA`. Empty sends none."
    )
    tags: Mapping[str, Any] | None = declare(
        "object", "Tags of each object, names and texts; S3 takes ten."
    )
    manifests: bool = declare(
        "boolean",
        "Whether each run stores a manifest of its objects, and each SCHEMA once, below `_catalog/`; `ddl` and `verify` read them.",
        default=True,
    )
    on_invalid_record: Literal["fail", "quarantine", "ignore"] = declare(
        "options",
        "What to do with a record that does not conform to its SCHEMA, or lacks a key property or a sound value for `path_template`. "
        "`quarantine` stores it below `_rejects/` with the reason; `ignore` leaves it out and counts it.",
        "fail",
        options=("fail", "quarantine", "ignore"),
    )
    validate_records: bool = declare(
        "boolean", "Whether to check each record against its SCHEMA.", default=True
    )
    load_method: str = declare(
        "string", "Only `append-only`: objects are added, never changed.", "append-only"
    )
    add_record_metadata: bool = declare(
        "boolean", "Only `false`: records are stored as they came.", default=False
    )
    stream_maps: Mapping[str, Any] | None = declare(
        "object", "Inline stream maps of the Singer SDK."
    )
    stream_map_config: Mapping[str, Any] | None = declare(
        "object", "Values for use in stream map expressions."
    )
    faker_config: Mapping[str, Any] | None = declare(
        "object", "Seed and locale of `fake` in stream map expressions."
    )
    flattening_enabled: bool = declare(
        "boolean", "Whether to flatten nested objects into columns.", default=False
    )
    flattening_max_depth: int | None = declare(
        "integer", "How deep to flatten; needed when flattening.", minimum=0
    )
    flattening_max_key_length: int | None = declare(
        "integer", "Longest name of a flattened column.", minimum=1
    )
    flattening_separator: str | None = declare(
        "string", "What joins the parts of a flattened column's name."
    )

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Settings:
        """Build from a config whose types the JSON schema has checked; null means not set.

        Raises:
            ConfigurationError: An unknown name, or settings that contradict each other.
        """
        names = [setting.name for setting in SETTINGS]
        for name in config:
            if name not in names:
                raise ConfigurationError(_unknown(name, names))
        settings = cls(**{name: value for name, value in config.items() if value is not None})
        settings._check_destination()
        settings._check_methods()
        settings._check_proxy()
        settings._check_credentials()
        settings._check_attributes()
        return settings

    @property
    def maps_records(self) -> bool:
        """Whether records are rewritten, by stream maps or flattening."""
        return bool(self.stream_maps) or (
            self.flattening_enabled and bool(self.flattening_max_depth)
        )

    def _check_destination(self) -> None:
        """Refuse a password before anything prints it."""
        if "://" not in self.destination:
            return
        try:
            parts = urlsplit(self.destination)
            sound = parts.password is None and parts.port != 0
        except ValueError:
            sound = False
        if not sound:
            raise ConfigurationError(
                "destination is no sound URL, or has a password in it, and it is no secret: it stands in logs. "
                "Sign in by a key that ~/.ssh or an agent has."
            )

    def _check_methods(self) -> None:
        if self.load_method != "append-only":
            raise ConfigurationError(
                f"load_method {self.load_method!r} is not possible on objects that are never changed; only 'append-only' is."
            )
        if self.add_record_metadata:
            raise ConfigurationError(
                "add_record_metadata is not available in this version: its load times would make a repeated run write every row again."
            )
        if self.flattening_enabled and self.flattening_max_depth is None:
            raise ConfigurationError("flattening_enabled needs flattening_max_depth.")

    def _check_proxy(self) -> None:
        """Refuse what is no address before a library prints it, password and all."""
        if self.proxy_url is None:
            return
        try:
            parts = urlsplit(self.proxy_url)
            whole = bool(parts.scheme and parts.hostname) and parts.port != 0
        except ValueError:
            whole = False
        if not whole or parts.path not in {"", "/"} or parts.query or parts.fragment:
            raise ConfigurationError(
                "proxy_url is no address such as http://proxy.example.com:3128. Special characters in its password must be percent-encoded."
            )

    def _check_credentials(self) -> None:
        if bool(self.aws_access_key_id) != bool(self.aws_secret_access_key):
            raise ConfigurationError(
                "aws_access_key_id and aws_secret_access_key go together: set both or neither."
            )
        if self.aws_session_token and not self.aws_access_key_id:
            raise ConfigurationError(
                "aws_session_token needs aws_access_key_id and aws_secret_access_key."
            )
        if self.profile and self.aws_access_key_id:
            raise ConfigurationError("Set either profile or an access key, not both.")
        if self.external_id and not self.role_arn:
            raise ConfigurationError("external_id needs role_arn: only a role asks for it.")
        if self.ca_bundle and not self.verify_ssl:
            raise ConfigurationError(
                "ca_bundle has no effect while verify_ssl is false: remove one of the two."
            )

    def _check_attributes(self) -> None:
        if self.kms_key_id and self.sse not in {"aws:kms", "aws:kms:dsse"}:
            raise ConfigurationError("kms_key_id needs sse 'aws:kms' or 'aws:kms:dsse'.")
        wrong = [name for name, value in (self.tags or {}).items() if not isinstance(value, str)]
        if wrong:
            raise ConfigurationError(
                f"tags: the value of {wrong[0]!r} must be a text: put it in quotes."
            )
        if len(self.tags or {}) > _MAX_TAGS:
            raise ConfigurationError(f"tags: S3 takes at most {_MAX_TAGS} tags on an object.")


SETTINGS: tuple[Setting, ...] = tuple(
    Setting(name=each.name, default=each.default, **each.metadata)
    for each in dataclasses.fields(Settings)
)


def refuse_secrets_of_other_types(config: Mapping[str, Any]) -> None:
    """Refuse a secret that is no text, such as a key of digits without quotes in YAML.

    To be called before the SDK validates: it would print the value.

    Raises:
        ConfigurationError: naming the setting only.
    """
    for setting in SETTINGS:
        value = config.get(setting.name)
        if setting.secret and value is not None and not isinstance(value, str):
            raise ConfigurationError(f"{setting.name} must be a text: put its value in quotes.")


def config_jsonschema() -> dict[str, Any]:
    """Return the JSON schema that the Singer SDK validates, documents and reads the environment by."""
    return {
        "type": "object",
        "properties": {setting.name: setting.json_schema() for setting in SETTINGS},
    }


def _unknown(name: str, names: list[str]) -> str:
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else "`target-s3-jsonl --about` lists the settings."
    return f"Unknown setting {name!r}. {hint}"
