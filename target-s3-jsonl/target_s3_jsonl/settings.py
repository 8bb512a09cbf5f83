"""Every setting of the target, declared once: the fields of `Settings`.

The Singer SDK's `config_jsonschema`, the documentation and the check for unknown names are all
derived from here. Numbers are integers only: the SDK hands out `Decimal` for fractions.
"""

from __future__ import annotations

import dataclasses
import difflib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from target_s3_jsonl.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

Kind = Literal["string", "integer", "boolean", "array", "object", "options"]
_JSON_TYPES = {"options": "string"}
_MAX_PUT = 5 * 1024**3  # S3 takes no more in one PutObject


@dataclass(frozen=True)
class Setting:
    """What people and tools are told about one setting. `kind` is a word of Meltano's."""

    name: str
    kind: Kind
    help: str
    default: Any = None
    options: tuple[str, ...] = ()
    minimum: int | None = None
    maximum: int | None = None
    secret: bool = False
    required: bool = False


def _declare(kind: Kind, help_text: str, default: object = None, **details: object) -> Any:
    return field(default=default, metadata={"kind": kind, "help": help_text, **details})


@dataclass(frozen=True)
class Settings:
    """The checked settings of one run."""

    destination: str = _declare(
        "string", "Where objects go: `s3://bucket/prefix`, `file:///folder`, or a folder.", "output"
    )
    path_template: str = _declare(
        "string",
        "Path of an object below the destination. Placeholders are `{stream}`, `{load_date}`, `{load_time}`, `{name}` and `{run}`; "
        "`{stream}` and `{name}` are needed. The suffix of the compression is added.",
        "{stream}/load_date={load_date}/{name}.jsonl",
    )
    compression: Literal["gzip", "zstd", "none"] = _declare(
        "options", "How objects are compressed.", "gzip", options=("gzip", "zstd", "none")
    )
    compression_level: int = _declare(
        "integer", "Effort of the compression, 1 (fast) to 9 (small).", 2, minimum=1, maximum=9
    )
    batch_size_rows: int = _declare(
        "integer", "Rows after which an object is closed.", 100_000, minimum=1
    )
    batch_size_bytes: int = _declare(
        "integer",
        "Stored (compressed) bytes after which an object is closed.",
        64 * 1024**2,
        minimum=1,
        maximum=_MAX_PUT,
    )
    batch_age_seconds: int = _declare(
        "integer",
        "Seconds after its first row at which an object is closed, also while no message arrives.",
        300,
        minimum=1,
    )
    states_per_object: int = _declare(
        "integer",
        "STATE messages with rows after which an object is closed. 0 leaves it to rows, bytes and age.",
        0,
        minimum=0,
    )
    max_parallel_uploads: int = _declare(
        "integer",
        "Objects that are uploaded at once, beside reading. When so many are, the tap waits.",
        4,
        minimum=1,
        maximum=64,
    )
    endpoint_url: str | None = _declare(
        "string", "Address of an S3-compatible store. Empty means AWS."
    )
    region: str | None = _declare(
        "string", "Region of the bucket. Empty means what the AWS configuration says."
    )
    profile: str | None = _declare("string", "Profile of the AWS configuration files to use.")
    aws_access_key_id: str | None = _declare(
        "string",
        "Access key. Empty means boto3's own chain: environment, profile, role.",
        secret=True,
    )
    aws_secret_access_key: str | None = _declare("string", "Secret of the access key.", secret=True)
    aws_session_token: str | None = _declare(
        "string", "Session token of a temporary access key.", secret=True
    )
    addressing_style: Literal["auto", "path", "virtual"] = _declare(
        "options",
        "Whether the bucket stands in the path or in the host name.",
        "auto",
        options=("auto", "path", "virtual"),
    )
    verify_ssl: bool = _declare(
        "boolean", "Whether to check the certificate of the store.", default=True
    )
    ca_bundle: str | None = _declare(
        "string", "File with the certificates of the authorities to trust."
    )
    proxy_url: str | None = _declare("string", "Proxy for requests to the store.", secret=True)
    checksum: Literal["sha256", "none"] = _declare(
        "options",
        "Checksum sent with an object, which the store verifies.",
        "sha256",
        options=("sha256", "none"),
    )
    conditional_writes: Literal["auto", "never"] = _declare(
        "options",
        "Whether to ask the store to refuse a name that is taken. `auto` goes on without for a store that cannot.",
        "auto",
        options=("auto", "never"),
    )
    validate_records: bool = _declare(
        "boolean", "Whether to check each record against its SCHEMA.", default=True
    )
    load_method: str = _declare(
        "string", "Only `append-only`: objects are added, never changed.", "append-only"
    )
    add_record_metadata: bool = _declare(
        "boolean", "Only `false`: records are stored as they came.", default=False
    )
    stream_maps: Mapping[str, Any] | None = _declare(
        "object", "Inline stream maps of the Singer SDK."
    )
    stream_map_config: Mapping[str, Any] | None = _declare(
        "object", "Values for use in stream map expressions."
    )
    faker_config: Mapping[str, Any] | None = _declare(
        "object", "Seed and locale of `fake` in stream map expressions."
    )
    flattening_enabled: bool = _declare(
        "boolean", "Whether to flatten nested objects into columns.", default=False
    )
    flattening_max_depth: int | None = _declare(
        "integer", "How deep to flatten; needed when flattening.", minimum=0
    )
    flattening_max_key_length: int | None = _declare(
        "integer", "Longest name of a flattened column.", minimum=1
    )
    flattening_separator: str | None = _declare(
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
        settings._check_methods()
        settings._check_proxy()
        settings._check_credentials()
        return settings

    @property
    def maps_records(self) -> bool:
        """Whether records are rewritten, by stream maps or flattening."""
        return bool(self.stream_maps) or (
            self.flattening_enabled and bool(self.flattening_max_depth)
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
        if self.ca_bundle and not self.verify_ssl:
            raise ConfigurationError(
                "ca_bundle has no effect while verify_ssl is false: remove one of the two."
            )


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
        "properties": {setting.name: _property(setting) for setting in SETTINGS},
    }


def _property(setting: Setting) -> dict[str, Any]:
    schema: dict[str, Any] = {
        "type": [_JSON_TYPES.get(setting.kind, setting.kind), "null"],
        "description": setting.help,
    }
    if setting.default is not None:
        schema["default"] = setting.default
    if setting.options:
        schema["enum"] = [*setting.options, None]
    if setting.minimum is not None:
        schema["minimum"] = setting.minimum
    if setting.maximum is not None:
        schema["maximum"] = setting.maximum
    if setting.secret:
        schema |= {"secret": True, "writeOnly": True}
    return schema


def _unknown(name: str, names: list[str]) -> str:
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else "`target-s3-jsonl --about` lists the settings."
    return f"Unknown setting {name!r}. {hint}"
