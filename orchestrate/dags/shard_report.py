"""What a shard tells at its end, for the manifest of the whole run. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

INCOMPLETE = 3
"""Status of what tells how a run over all shards ended, where not every shard has succeeded."""

_MANIFEST = re.compile(rb"Manifest of this run: (_catalog/runs/[0-9a-f]+-[0-9a-f]+\.jsonl)")
_MARK = "shard_report"


@dataclass(frozen=True)
class Report:
    """How a shard ended.

    Attributes:
        shard: such as `7/32`.
        state_id_suffix: of its state id.
        status: of the command, as a shell has it.
        stopped: whether it was asked to stop.
        began: RFC 3339, UTC.
        ended: RFC 3339, UTC.
        manifests: places in the lake of what the target wrote of its run; none if it stored nothing.
    """

    shard: str
    state_id_suffix: str
    status: int
    stopped: bool
    began: str
    ended: str
    manifests: Sequence[str]

    def line(self) -> bytes:
        """Return it as the last line that a shard prints."""
        return json.dumps({_MARK: asdict(self)}).encode() + b"\n"


class Listener:
    """Hears what Meltano prints, in whatever format its log is, and notes the target's manifests."""

    def __init__(self) -> None:
        """Nothing was heard yet."""
        self.manifests: list[str] = []

    def hear(self, line: bytes) -> None:
        """Take a line."""
        if (found := _MANIFEST.search(line)) and found[1].decode() not in self.manifests:
            self.manifests.append(found[1].decode())


def report_in(line: str) -> Report | None:
    """Return the report that a line is, None if it is none."""
    if f'"{_MARK}"' not in line:
        return None
    try:
        told = json.loads(line)[_MARK]
        return Report(**{**told, "manifests": tuple(told["manifests"])})
    except (ValueError, TypeError, KeyError):
        return None
