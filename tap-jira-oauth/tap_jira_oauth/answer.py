"""What came from Jira, and what it says in words; or why to ask again. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

_TAGS = re.compile(r"<[^>]*>")


@dataclass(frozen=True)
class Answer:
    """One HTTP answer, as far as anybody looks at it. Header names are case-insensitive."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_json(self) -> bool:
        """Tell whether the server says that the body is JSON."""
        return "json" in self.headers.get("Content-Type", "").lower()

    @property
    def clock(self) -> int | None:
        """The last millisecond of the second in its `Date` header, in epoch ms; None without."""
        try:
            moment = parsedate_to_datetime(self.headers["Date"])
        except (KeyError, TypeError, ValueError):
            return None
        return int(moment.timestamp()) * 1000 + 999


@dataclass(frozen=True)
class Wait:
    """Ask again later: why, and how many seconds the server wants at least.

    `once` tells that one more try will show, `heavy` that a smaller question may be answered, `nameless`
    that nobody knew the server's name.
    """

    reason: str
    seconds: float
    once: bool = False
    heavy: bool = False
    nameless: bool = False


def oauth_problem(answer: Answer) -> str | None:
    """Return the `oauth_problem` of an answer, from its header or its form-encoded body."""
    match = re.search(r'oauth_problem="?([a-z_]+)', answer.headers.get("WWW-Authenticate", ""))
    if match:
        return match.group(1)
    if answer.status >= HTTPStatus.BAD_REQUEST and answer.body.startswith(b"oauth_"):
        problems = parse_qs(answer.body.decode("latin-1")).get("oauth_problem")
        return problems[0] if problems else None
    return None


def words(answer: Answer) -> str:
    """Return what the server said, as one short line, from any of the shapes that Jira uses."""
    said: list[str] = []
    if answer.is_json:
        try:
            said = _texts(msgspec.json.decode(answer.body))
        except msgspec.DecodeError:
            said = []
    if not said:
        said = [_TAGS.sub(" ", answer.body[:2000].decode("utf-8", "replace"))]
    line = " ".join(" ".join(said).split())[:300] or "no explanation"
    return line if line.endswith((".", "!", "?")) else f"{line}."


def _texts(body: Any) -> list[str]:
    """Collect the texts of the seven shapes in which Jira and its gateways explain an error."""
    if not isinstance(body, dict):
        return []
    texts: list[str] = []
    for key in ("errorMessages", "warningMessages", "errors"):
        value = body.get(key)
        if isinstance(value, dict):
            texts += [f"{name}: {text}" for name, text in value.items()]
        elif isinstance(value, list):
            texts += [str(text) for text in value]
    for key in ("message", "errorMessage", "error_description"):
        if isinstance(body.get(key), str):
            texts.append(body[key])
    return texts
