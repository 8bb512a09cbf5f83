"""The ids of a census as a short text, for the state. Pure.

Sorted, they are close to each other: what is kept are the steps from one to the next, as 64-bit
numbers whose first bytes stand together, then their second bytes and so on. Nearly all but the first
are zero, and zlib makes next to nothing of those. Made in this way no loop of Python's runs over
them: `tests/bench/census_state.py` measures bytes and seconds.
"""

from __future__ import annotations

import base64
import binascii
import sys
import zlib
from array import array
from itertools import accumulate
from operator import sub
from typing import TYPE_CHECKING

from tap_jira_oauth.census import WIDE

if TYPE_CHECKING:
    from collections.abc import Iterable

_WIDTH = array(WIDE).itemsize
_LEVEL = 6


def packed(ids: Iterable[int]) -> str:
    """Return ids as text, whatever their order; each counts once."""
    ordered = sorted(set(ids))
    steps = array(WIDE, map(sub, ordered, [0, *ordered[:-1]]))
    if sys.byteorder == "big":
        steps.byteswap()
    raw = steps.tobytes()
    planes = b"".join(raw[place::_WIDTH] for place in range(_WIDTH))
    return base64.b64encode(zlib.compress(planes, _LEVEL)).decode()


def unpacked(text: str, count: int) -> array[int]:
    """Return so many ids, in ascending order.

    Raises:
        ValueError: the text is not what `packed` makes of so many.
    """
    try:
        planes = zlib.decompress(base64.b64decode(text.encode(), validate=True))
    except (binascii.Error, zlib.error) as error:
        raise ValueError(str(error)) from error
    if len(planes) != count * _WIDTH:
        raise ValueError(f"{len(planes)} bytes for {count} ids")
    raw = bytearray(len(planes))
    for place in range(_WIDTH):
        raw[place::_WIDTH] = planes[place * count : (place + 1) * count]
    steps = array(WIDE, bytes(raw))
    if sys.byteorder == "big":
        steps.byteswap()
    return array(WIDE, accumulate(steps))
