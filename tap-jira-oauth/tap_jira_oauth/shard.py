"""Which projects one of several workers reads: by a hash of the project's id, which never changes. Pure.

So a new project has its worker without anybody deciding, and a renamed one keeps it.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from tap_jira_oauth.errors import ConfigurationError


@dataclass(frozen=True)
class Shard:
    """One of `count` parts of all projects; `number` begins with 1."""

    number: int
    count: int

    def has(self, project_id: str) -> bool:
        """Tell whether a project is in this part; it is in no other."""
        digest = hashlib.sha256(project_id.encode()).digest()
        return int.from_bytes(digest[:8], "big") % self.count == self.number - 1


def parse_shard(text: str) -> tuple[int, int]:
    """Return number and count that `7/32` means.

    Raises:
        ConfigurationError: it means nothing.
    """
    found = re.fullmatch(r"([1-9]\d{0,5})/([1-9]\d{0,5})", text, re.ASCII)
    if found is None or int(found[1]) > int(found[2]):
        raise ConfigurationError(
            f"Setting 'shard' is '{text}'. Write the number of this part, from 1 on, and how many "
            "there are: 7/32."
        )
    return int(found[1]), int(found[2])
