"""Where an object goes: template -> path below the destination. Pure.

The template is checked once, at start. What a tap sends (the stream's name) is percent-encoded, so
that it can neither leave the prefix nor hide an object nor meet another stream's path. So is what
records hold, where the template sorts objects by it: `{record[project_key]}`.
"""

from __future__ import annotations

import hashlib
import itertools
import re
import string
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from target_s3_jsonl.errors import ConfigurationError, RecordError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

PLACEHOLDERS = ("stream", "load_date", "load_time", "name", "run")
REQUIRED = ("stream", "name")
NO_START = "0" * 12
_decoder = msgspec.json.Decoder(float_hook=Decimal)
_encoder = msgspec.json.Encoder(order="sorted", decimal_format="number")
_FIELD = re.compile(r"record((?:\[[^\[\]]+\])+)")
_PLACEHOLDER = re.compile(r"{[^{}]*}")
_LENGTH = re.compile(r"\.[1-9]\d*")
_LONGEST_VALUE = 200  # file systems take 255 bytes in a name
NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
"""What Hive calls a partition without a value; readers take it for null."""
REJECTS = "_rejects"
"""Folder of what was not stored as it should be; readers of a lake pass over names with a leading underscore."""
CATALOG = "_catalog"
"""Folder of manifests and schemas."""
_REJECTED = f"{REJECTS}/{{stream}}/load_date={{load_date}}/{{name}}.jsonl"
_OWN = {
    REJECTS: "where on_invalid_record puts what it sorts out",
    CATALOG: "for manifests and schemas",
}
_NAME = re.compile(r"[0-9a-f]{12}-\d{5,}-[0-9a-f]{16}")
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


def object_name(start: str, sequence: int, sha256: bytes) -> str:
    """Return `{start}-{sequence}-{digest}`: where the run began, which object of its stream, and what is in it."""
    return f"{start}-{sequence:05d}-{sha256.hex()[:16]}"


def name_in(path: str) -> str | None:
    """Return the `{name}` in an object's path; None if nothing like it is there."""
    found = _NAME.findall(path)
    return found[-1] if found else None


def run_name(began: datetime, start: str) -> str:
    """Return the value of `{run}`: when the run began (UTC) and from which STATE."""
    return f"{compact_time(began)}-{start}"


def compact_time(moment: datetime) -> str:
    """Return a UTC moment as `20260102T030405Z`, safe in file names and object keys."""
    return moment.strftime("%Y%m%dT%H%M%SZ")


def safe_segment(text: str) -> str:
    """Return what a tap sent as one path segment, or a part of one, reversibly: percent-encoded.

    A leading dot or underscore is encoded, too: it would hide the objects from readers, and
    folders of this target's own begin with an underscore.
    """
    encoded = quote(text, safe="")
    return f"%{ord(encoded[0]):02X}{encoded[1:]}" if encoded.startswith((".", "_")) else encoded


@dataclass(frozen=True)
class Field:
    """A place in a record that names a folder, and how many characters of it do (None: all)."""

    path: tuple[str, ...]
    length: int | None = None

    def text(self, record: Mapping[str, Any]) -> str:
        """Return the record's value as a part of a path segment.

        Raises:
            RecordError: It is no single value, or too long for a name.
        """
        value: Any = record
        for step in self.path:
            value = value.get(step) if isinstance(value, Mapping) else None
        if isinstance(value, Mapping | list):
            raise RecordError(f"{self} is an object or a list, which cannot name a folder.")
        if value is None:
            return NO_VALUE
        plain = value if isinstance(value, str) else _encoder.encode(value).decode()
        text = safe_segment(plain[: self.length]) or NO_VALUE
        if len(text) > _LONGEST_VALUE:
            raise RecordError(
                f"{self} is too long to name a folder; path_template can take a part of it, as in {{record[x]:.10}}."
            )
        return text

    def __str__(self) -> str:
        """Return it as the template spells it."""
        return "record" + "".join(f"[{step}]" for step in self.path)


DAY = "{load_date}"


@dataclass(frozen=True)
class Segments:
    """The parts of a stream's paths between slashes: `DAY` stands for the day of loading, `*` for whatever else differs.

    `own` is the place of the first that is the stream's own.
    """

    all: tuple[str, ...]
    own: int


class Layout:
    """A checked path template."""

    def __init__(self, template: str, suffix: str = "") -> None:
        """Check the template; `suffix` (such as `.gz`) is added to every path.

        Raises:
            ConfigurationError: The template could not keep objects apart or below the destination.
        """
        pieces = _pieces(template)
        names = [name for _, name, _ in pieces]
        for _, name, spec in pieces:
            if name is not None and name not in PLACEHOLDERS and not _FIELD.fullmatch(name):
                raise ConfigurationError(_unknown(name))
            if spec and not (name and _FIELD.fullmatch(name) and _LENGTH.fullmatch(spec)):
                raise ConfigurationError(
                    f"path_template takes plain placeholders: {{{name}}}, without ':' or '!'; only a record's value may be cut, as in {{record[updated]:.10}}."
                )
        for name in REQUIRED:
            if name not in names:
                raise ConfigurationError(
                    f"path_template needs {{{name}}}: without it two objects could get one path. It is now {template!r}."
                )
        _check_parts(template)
        self.fields: tuple[Field, ...] = tuple(
            Field(tuple(re.findall(r"\[([^\[\]]+)\]", name)), int(spec[1:]) if spec else None)
            for _, name, spec in pieces
            if name is not None and _FIELD.fullmatch(name)
        )
        """The places in a record that its object's path depends on."""
        self._template = _numbered(pieces) + suffix
        self._rejected = _REJECTED + suffix

    def partition(self, record: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the values of `fields`, as they stand in the path.

        Raises:
            RecordError: A value cannot name a folder.
        """
        return tuple(field.text(record) for field in self.fields)

    def path(  # noqa: PLR0913 - one for each placeholder
        self,
        *,
        stream: str,
        opened: datetime,
        name: str,
        run: str,
        partition: Sequence[str] = (),
        rejected: bool = False,
    ) -> str:
        """Return an object's path below the destination; `opened` is the UTC time of its first record."""
        template = self._rejected if rejected else self._template
        return template.format(
            *partition,
            stream=safe_segment(stream),
            load_date=opened.strftime("%Y-%m-%d"),
            load_time=compact_time(opened),
            name=name,
            run=run,
        )

    def segments(self, stream: str) -> Segments:
        """Return what the paths of a stream's objects have in common.

        Raises:
            ConfigurationError: The stream has no folder of its own, so its objects cannot be told from others by their paths.
        """
        folders = self._template.split("/")[:-1]
        own = [at for at, each in enumerate(folders) if _PLACEHOLDER.findall(each) == ["{stream}"]]
        if not own:
            raise ConfigurationError(
                "path_template gives a stream no folder of its own: one of its folders has to be named by {stream} alone, "
                "or readers cannot tell streams apart."
            )
        path = self._template.format(
            *("*" for _ in self.fields),
            stream=safe_segment(stream),
            load_date=DAY,
            load_time="*",
            name="*",
            run="*",
        )
        return Segments(tuple(path.split("/")), own[0])


def _pieces(template: str) -> list[tuple[str, str | None, str]]:
    """Return each literal text with the placeholder behind it and what stands behind its colon."""
    try:
        pieces = list(string.Formatter().parse(template))
    except ValueError as error:
        raise ConfigurationError(f"path_template {template!r} is malformed: {error}.") from error
    for _, name, _, conversion in pieces:
        if conversion:
            raise ConfigurationError(
                f"path_template takes plain placeholders: {{{name}}}, without ':' or '!'."
            )
    return [(text, name, spec or "") for text, name, spec, _ in pieces]


def _numbered(pieces: Sequence[tuple[str, str | None, str]]) -> str:
    """Return the template with a number in place of each record's value."""
    numbers = itertools.count()
    spelled = ""
    for text, name, _ in pieces:
        spelled += text.replace("{", "{{").replace("}", "}}")
        if name is not None:
            spelled += f"{{{next(numbers) if _FIELD.fullmatch(name) else name}}}"
    return spelled


def _check_parts(template: str) -> None:
    # A record's member may have any name, a slash in it, too.
    parts = _FIELD.sub("record", template).split("/")
    if _CONTROL.search(template) or any(part in {"", ".", ".."} for part in parts):
        raise ConfigurationError(
            f"path_template must be a plain relative path: no leading or doubled '/', no '.' or '..' part, "
            f"no backslash or control character. It is now {template!r}."
        )
    for folder, purpose in _OWN.items():
        if parts[0].startswith(folder):
            raise ConfigurationError(
                f"path_template: {folder}/ is {purpose}; choose another folder."
            )
    if any("{stream}" in part and "{record" in part for part in parts):
        raise ConfigurationError(
            "path_template: {stream} and a record's value need a '/' between them: "
            "without it two streams could get one path."
        )


def _unknown(name: str) -> str:
    known = ", ".join(f"{{{known}}}" for known in (*PLACEHOLDERS, "record[...]"))
    if name.startswith("record"):
        return f"path_template: a record's value is spelt as in {{record[project_key]}} or {{record[fields][status]}}, not {{{name}}}."
    return f"path_template: unknown placeholder {{{name}}}. Known are {known}."
