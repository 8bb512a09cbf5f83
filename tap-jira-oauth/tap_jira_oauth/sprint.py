"""A sprint as older servers print it: the `toString()` of a Java object. Pure.

`com.atlassian.greenhopper.service.sprint.Sprint@7eede03a[id=2,rapidViewId=2,state=FUTURE,name=A, b,...]`
is how Data Center, and Cloud until about 2019, fill the field Sprint. Nothing in it is escaped: a
name may hold commas. What could be read in two ways is not read.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

PREFIX = "com.atlassian.greenhopper.service.sprint.Sprint@"
"""How every such text begins; an identity hash follows, which differs on every read."""

_TEXT = re.compile(re.escape(PREFIX) + r"[0-9a-f]+\[(.*)\]", re.DOTALL)
_NUMBERS = {"id": "id", "rapidViewId": "boardId", "sequence": "sequence"}
_FREE = ("name", "goal")
_WORDS = ("state", "startDate", "endDate", "completeDate")
_UNUSED = ("activatedDate", "autoStartStop", "synced", "incompleteIssuesDestinationId")
_NAMES = "|".join((*_NUMBERS, *_FREE, *_WORDS, *_UNUSED))
_PART = re.compile(rf"({_NAMES})=(.*?)(?:,(?=(?:{_NAMES})=)|\Z)", re.DOTALL)
_NEXT_PART = re.compile(r",\s*\w+=")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})", re.ASCII)
_NONE = "<null>"


def parse_sprint(text: str) -> dict[str, Any] | None:
    """Return a sprint as the newer servers show it, with the whole text as `text`; None if in doubt.

    Keys: `id`, `boardId`, `sequence` (numbers), `state`, `name`, `goal`, `startDate`, `endDate`,
    `completeDate` (texts as they are), each null for `<null>` and absent where the text lacks it.
    """
    body = _TEXT.fullmatch(text)
    made = _parsed(body[1]) if body else None
    return None if made is None else {**made, "text": text}


# A project has few sprints and many issues; only the hash before the body differs.
@lru_cache(maxsize=1024)
def _parsed(body: str) -> dict[str, Any] | None:
    made: dict[str, Any] = {}
    for name, value in (_parts(body) or {}).items():
        if name in _NUMBERS:
            if value != _NONE and not _NUMBER.fullmatch(value):
                return None
            made[_NUMBERS[name]] = None if value == _NONE else int(value)
        elif name in _FREE:
            if _NEXT_PART.search(value):
                return None
            made[name] = None if value == _NONE else value
        elif "," in value:
            return None
        elif name in _WORDS:
            made[name] = None if value == _NONE else value
    return made if made.get("id") is not None else None


def _parts(body: str) -> dict[str, str] | None:
    """Cut `name=value,name=value` at the known names; None where a name comes twice."""
    parts: dict[str, str] = {}
    end = 0
    for part in _PART.finditer(body):
        if part.start() != end or part[1] in parts:
            return None
        parts[part[1]] = part[2]
        end = part.end()
    return parts if end == len(body) else None
