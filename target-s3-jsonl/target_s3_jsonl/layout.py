"""Where an object goes: template -> path below the destination. Pure.

The template is checked once, at start. What a tap sends (the stream's name) is percent-encoded, so
that it can neither leave the prefix nor hide an object nor meet another stream's path.
"""

from __future__ import annotations

import hashlib
import re
import string
from decimal import Decimal
from typing import TYPE_CHECKING
from urllib.parse import quote

import msgspec

from target_s3_jsonl.errors import ConfigurationError

if TYPE_CHECKING:
    from datetime import datetime

PLACEHOLDERS = ("stream", "load_date", "load_time", "name", "run")
REQUIRED = ("stream", "name")
NO_START = "0" * 12
_decoder = msgspec.json.Decoder(float_hook=Decimal)
_encoder = msgspec.json.Encoder(order="sorted", decimal_format="number")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\\]")


def start_of(state: bytes | None) -> str:
    """Return 12 hexadecimal digits that name the STATE a run began with.

    Spelling does not count: the value is parsed and encoded again, compact and with sorted keys.
    `000000000000` without a STATE.
    """
    if state is None:
        return NO_START
    try:
        value = _decoder.decode(state)
    except (msgspec.DecodeError, ArithmeticError, RecursionError):
        normal = state  # beyond what Python decodes; its spelling has to do
    else:
        normal = _encoder.encode(value)
    return hashlib.sha256(normal).hexdigest()[:12]


def object_name(start: str, sequence: int, content_sha256: str) -> str:
    """Return `{start}-{sequence}-{digest}`: where the run began, which object of its stream, and what is in it."""
    return f"{start}-{sequence:05d}-{content_sha256[:16]}"


def run_name(began: datetime, start: str) -> str:
    """Return the value of `{run}`: when the run began (UTC) and from which STATE."""
    return f"{compact_time(began)}-{start}"


def compact_time(moment: datetime) -> str:
    """Return a UTC moment as `20260102T030405Z`, safe in file names and object keys."""
    return moment.strftime("%Y%m%dT%H%M%SZ")


def safe_stream(stream: str) -> str:
    """Return a stream's name as one path segment, reversibly: percent-encoded, and never hidden by a leading dot."""
    encoded = quote(stream, safe="")
    return f"%2E{encoded[1:]}" if encoded.startswith(".") else encoded


class Layout:
    """A checked path template."""

    def __init__(self, template: str, suffix: str = "") -> None:
        """Check the template; `suffix` (such as `.gz`) is added to every path.

        Raises:
            ConfigurationError: The template could not keep objects apart or below the destination.
        """
        names = _placeholders(template)
        for name in names:
            if name not in PLACEHOLDERS:
                raise ConfigurationError(_unknown(name))
        for name in REQUIRED:
            if name not in names:
                raise ConfigurationError(
                    f"path_template needs {{{name}}}: without it two objects could get one path. It is now {template!r}."
                )
        if _CONTROL.search(template) or any(
            part in {"", ".", ".."} for part in template.split("/")
        ):
            raise ConfigurationError(
                f"path_template must be a plain relative path: no leading or doubled '/', no '.' or '..' part, "
                f"no backslash or control character. It is now {template!r}."
            )
        self._template = template + suffix

    def path(self, *, stream: str, opened: datetime, name: str, run: str) -> str:
        """Return an object's path below the destination; `opened` is the UTC time of its first record."""
        return self._template.format(
            stream=safe_stream(stream),
            load_date=opened.strftime("%Y-%m-%d"),
            load_time=compact_time(opened),
            name=name,
            run=run,
        )


def _placeholders(template: str) -> list[str]:
    try:
        fields = list(string.Formatter().parse(template))
    except ValueError as error:
        raise ConfigurationError(f"path_template {template!r} is malformed: {error}.") from error
    for _, name, spec, conversion in fields:
        if name is not None and (spec or conversion):
            raise ConfigurationError(
                f"path_template takes plain placeholders only: {{{name}}}, without ':' or '!'."
            )
    return [name for _, name, _, _ in fields if name is not None]


def _unknown(name: str) -> str:
    known = ", ".join(f"{{{known}}}" for known in PLACEHOLDERS)
    if name.startswith("record"):
        return f"path_template: {{{name}}} is not available in this version, which knows {known}."
    return f"path_template: unknown placeholder {{{name}}}. Known are {known}."
