"""Records that cannot be stored as they should: which policy holds for them, and how many there were. Pure."""

from __future__ import annotations

from collections import Counter
from typing import Literal

Policy = Literal["fail", "quarantine", "ignore"]
_DONE = {"quarantine": "stored below _rejects/", "ignore": "left out"}


class Rejects:
    """Counts by stream what `on_invalid_record` sorts out."""

    def __init__(self, policy: Policy) -> None:
        """Take the policy."""
        self.policy: Policy = policy
        self.counts: Counter[str] = Counter()

    def note(self, stream: str, line: int, reason: str) -> str | None:
        """Count a record; return what to say of it: only the first of each stream is worth a line."""
        self.counts[stream] += 1
        if self.counts[stream] > 1:
            return None
        return f"Input line {line}, stream {stream!r}: {reason} It was {_DONE[self.policy]}; more of this stream are counted only."

    def summary(self) -> list[str]:
        """Return one sentence for each stream that lost records."""
        return [
            f"{count} invalid records of stream {stream!r} were {_DONE[self.policy]}."
            for stream, count in sorted(self.counts.items())
        ]
