"""A store that keeps nothing and says where everything would go: what `--explain-path` runs with."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from target_s3_jsonl.batch import Sealed


class PathsOnly:
    """Takes objects like any other store."""

    def __init__(self, destination: str, say: Callable[[str], object]) -> None:
        """Tell `say` each object's place below `destination`, and what it holds."""
        self._destination = destination.rstrip("/")
        self._say = say

    def put(self, path: str, sealed: Sealed) -> bool:
        """Tell where the object would go."""
        self._say(
            f"{self._destination}/{path}\t{sealed.rows} rows\t{sealed.size} bytes\tclosed by {sealed.reason}"
        )
        return True
