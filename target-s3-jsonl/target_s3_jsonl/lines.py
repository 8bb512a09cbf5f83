"""Bytes, cut into lines, of which none may go on without end. Pure."""

from __future__ import annotations

from target_s3_jsonl.errors import MessageError

LONGEST = 128 * 1024**2
"""Bytes of a line, at most: six times a record of 20 MB, which is more than most readers of a lake take.

A line is in memory as a whole, twice over while its record is checked and compressed. Without a bound, a binary file,
/dev/zero or a tap that never ends its line would be read until the machine has no memory left, and
would take the rows before it along.
"""


class Lines:
    """Takes the input in pieces of any size, and hands out its lines."""

    def __init__(self, longest: int = LONGEST) -> None:
        """Begin at the first line."""
        self._longest = longest
        self._ended = 0
        self._begun = bytearray()

    def cut(self, piece: bytes) -> list[bytes]:
        """Return the lines that end in this piece, without their newlines.

        Raises:
            MessageError: One is too long; the error has its number. Nothing can be cut after it.
        """
        first, *rest = piece.split(b"\n")
        self._begun += first
        if len(self._begun) > self._longest:
            raise MessageError(
                f"the line is longer than {self._longest // 1024**2} MiB, and may have no end. "
                "Look whether this is the output of a tap; if it is, the tap has to print less on one line.",
                line=self._ended + 1,
            )
        if not rest:
            return []
        lines = [self.rest, *rest[:-1]]
        self._ended += len(lines)
        self._begun = bytearray(rest[-1])
        return lines

    @property
    def rest(self) -> bytes:
        """What came after the last newline so far."""
        return bytes(self._begun)
