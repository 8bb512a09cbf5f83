"""An issue as one viewer reads it now: datetimes in his zone, this server's address, fresh identity hashes."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import msgspec

from sandbox import times
from sandbox.issue import BASE

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random
    from zoneinfo import ZoneInfo

    from sandbox.issue import Issue

_IDENTITY: Final = re.compile(rb"(?<=[A-Za-z])@[0-9a-f]{1,8}(?=\[)")
_KEPT: Final = 4096


class Renderer:
    """Makes issue bodies; what does not change between two reads of one version is encoded once."""

    def __init__(self, chance: Random) -> None:
        """`chance` makes the identity hashes of Java objects, which differ on every read."""
        self._chance = chance
        self._encoded = lru_cache(maxsize=_KEPT)(_encode_fields)

    def body(
        self, issue: Issue, zone: ZoneInfo, base: str, keep: Callable[[str], bool]
    ) -> dict[str, Any]:
        """The issue with the fields that `keep` wants; without a `fields` key when it wants none."""
        encoded = self._encoded(issue, zone, base)
        fields = {
            name: msgspec.Raw(self._refresh(raw)) for name, raw in encoded.items() if keep(name)
        }
        body = {
            "expand": issue.expand,
            "id": issue.id,
            "self": issue.url.replace(BASE, base),
            "key": issue.key,
        }
        return {**body, "fields": fields} if fields else body

    def _refresh(self, raw: bytes) -> bytes:
        if b"com.atlassian" not in raw:
            return raw
        return _IDENTITY.sub(lambda _: b"@%x" % self._chance.randrange(1 << 20, 1 << 31), raw)


def encode(value: object, base: str) -> bytes:
    """JSON as Jira writes it: UTF-8, no spaces, `3.0` for a float, links to this server."""
    return msgspec.json.encode(value).replace(BASE.encode(), base.encode())


def _encode_fields(issue: Issue, zone: ZoneInfo, base: str) -> dict[str, bytes]:
    return {name: encode(_localised(value, zone), base) for name, value in issue.fields.items()}


def _localised(value: Any, zone: ZoneInfo) -> Any:
    if isinstance(value, str):
        return times.render(times.parse(value), zone) if times.DATETIME.fullmatch(value) else value
    if isinstance(value, dict):
        return {key: _localised(inner, zone) for key, inner in value.items()}
    if isinstance(value, list):
        return [_localised(inner, zone) for inner in value]
    return value
