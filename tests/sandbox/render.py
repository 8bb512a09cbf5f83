"""An issue as one viewer reads it now: datetimes in his zone, this server's address, fresh identity hashes."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import msgspec

from sandbox import times
from sandbox.content import Content
from sandbox.issue import BASE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from random import Random
    from zoneinfo import ZoneInfo

    from sandbox.issue import Issue

    Keep = Callable[[str], bool]
    Form = Callable[[Issue], Issue]
    Key = tuple[str, str, str, Keep, Form | None]

# Both begin with the one byte that a search can leap to.
_IDENTITY: Final = re.compile(rb"@(?<=[A-Za-z]@)[0-9a-f]{1,8}(?=\[)")
# A whole JSON string; an escaped quote inside another string ends in a backslash before it, so it does not match.
_DATETIME: Final = re.compile(rb'"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d{4}(?=")')
_KEPT_BYTES: Final = 900_000_000


@dataclass(frozen=True, slots=True)
class Rendered:
    """One version of an issue as JSON, cut where an identity hash belongs."""

    issue: Issue
    parts: tuple[bytes, ...]


@dataclass
class Renderer:
    """Makes issue bodies; what does not change between two reads of one version is encoded once and kept.

    Attributes:
        chance: makes the identity hashes of Java objects, which differ on every read.
        kept_bytes: how much is kept; the oldest goes first.
    """

    chance: Random
    kept_bytes: int = _KEPT_BYTES
    _kept: dict[Key, Rendered] = field(default_factory=dict)
    _size: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def held_bytes(self) -> int:
        """How much is kept now."""
        return self._size

    @property
    def held_issues(self) -> int:
        """How many renderings are kept now."""
        return len(self._kept)

    def body(self, issue: Issue, zone: ZoneInfo, base: str, keep: Keep) -> dict[str, Any]:
        """The issue with the fields that `keep` wants; without a `fields` key when it wants none."""
        fields = {
            name: msgspec.Raw(self._joined(_cut(_encoded(value, zone, base))))
            for name, value in picked(issue.fields, keep).items()
        }
        return {**_head(issue, base), **({"fields": fields} if fields else {})}

    def raw(
        self, issue: Issue, zone: ZoneInfo, base: str, keep: Keep, form: Form | None = None
    ) -> msgspec.Raw:
        """The same as finished JSON, in a flavour's form; an unchanged issue and the same `keep` cost next to nothing."""
        parts = self.render(issue, zone, base, keep, form).parts
        return msgspec.Raw(parts[0] if len(parts) == 1 else self._joined(parts))

    def render(
        self, issue: Issue, zone: ZoneInfo, base: str, keep: Keep, form: Form | None = None
    ) -> Rendered:
        """What is kept of an issue, made where it is not there or no longer true."""
        key = issue.id, zone.key, base, keep, form
        found = self._kept.get(key)
        if found is None or found.issue is not issue:
            shown = form(issue) if form else issue
            found = self._keep(key, Rendered(issue, _cut(_whole(shown, zone, base, keep))))
        return found

    def _keep(self, key: Key, made: Rendered) -> Rendered:
        with self._lock:
            old = self._kept.pop(key, None)
            self._size += _bytes(made) - (_bytes(old) if old else 0)
            self._kept[key] = made
            while self._size > self.kept_bytes and len(self._kept) > 1:
                self._size -= _bytes(self._kept.pop(next(iter(self._kept))))
        return made

    def _joined(self, parts: tuple[bytes, ...]) -> bytes:
        """The parts with a fresh hash at every cut."""
        pieces = [parts[0]]
        for part in parts[1:]:
            pieces += (b"@%x" % (self.chance.getrandbits(31) | 1 << 20), part)
        return b"".join(pieces)


def picked(fields: Mapping[str, Any], keep: Keep) -> dict[str, Any]:
    """The values of the fields that `keep` wants."""
    if isinstance(fields, Content):
        return fields.picked(keep)
    return {name: value for name, value in fields.items() if keep(name)}


def encode(value: object, base: str) -> bytes:
    """JSON as Jira writes it: UTF-8, no spaces, `3.0` for a float, links to this server."""
    return msgspec.json.encode(value).replace(BASE.encode(), base.encode())


def localised(value: Any, zone: ZoneInfo) -> Any:
    """The same JSON value with every datetime in a viewer's zone."""
    if isinstance(value, str):
        return times.render(times.parse(value), zone) if times.DATETIME.fullmatch(value) else value
    if isinstance(value, dict):
        return {key: localised(inner, zone) for key, inner in value.items()}
    if isinstance(value, list):
        return [localised(inner, zone) for inner in value]
    return value


def _head(issue: Issue, base: str) -> dict[str, Any]:
    return {
        "expand": issue.expand,
        "id": issue.id,
        "self": issue.url.replace(BASE, base),
        "key": issue.key,
    }


def _whole(issue: Issue, zone: ZoneInfo, base: str, keep: Keep) -> bytes:
    fields = picked(issue.fields, keep)
    return _encoded({**_head(issue, base), **({"fields": fields} if fields else {})}, zone, base)


def _encoded(value: object, zone: ZoneInfo, base: str) -> bytes:
    """JSON with datetimes in the zone, which is far cheaper to do on the text than on the value."""
    return _DATETIME.sub(lambda match: _in_zone(match[0], zone), encode(value, base))


@lru_cache(maxsize=16_384)
def _in_zone(quoted: bytes, zone: ZoneInfo) -> bytes:
    return b'"' + times.render(times.parse(quoted[1:].decode()), zone).encode()


def _cut(text: bytes) -> tuple[bytes, ...]:
    return tuple(_IDENTITY.split(text)) if b"com.atlassian" in text else (text,)


def _bytes(rendered: Rendered) -> int:
    return sum(map(len, rendered.parts))
