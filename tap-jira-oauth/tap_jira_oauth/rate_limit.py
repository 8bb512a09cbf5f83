"""How long Jira wants to be left alone, by the headers of its answers. Pure."""

from __future__ import annotations

import re
from datetime import datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tap_jira_oauth.answer import Answer

LONGEST_BREATHER = 60.0
"""Seconds; a rest that nobody asked for is not longer."""


def retry_after(answer: Answer) -> float:
    """Return the seconds that the server wants us to wait; 0 where it does not say, or in the past.

    `Retry-After` holds seconds or a date, `X-RateLimit-Reset` (Cloud) a date, and Data Center
    tells with `X-RateLimit-Interval-Seconds` when the next tokens come. Jira sends
    `Retry-After: 0` even with 429 (pycontribs/jira #1805), so 0 never means "at once".
    """
    for name in ("Retry-After", "X-RateLimit-Reset"):
        if (seconds := _until(answer, answer.headers.get(name, "").strip())) > 0:
            return seconds
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        return _number(answer, "X-RateLimit-Interval-Seconds")
    return 0.0


def breather(answer: Answer) -> float:
    """Return how long to let Jira rest after a good answer that was the last one allowed for now.

    Data Center's rate limit fills a bucket with `X-RateLimit-FillRate` tokens every
    `X-RateLimit-Interval-Seconds`; Cloud tells when the quota begins anew.
    """
    if answer.headers.get("X-RateLimit-Remaining", "").strip() == "0":
        interval = _number(answer, "X-RateLimit-Interval-Seconds")
        return min(interval or retry_after(answer), LONGEST_BREATHER)
    return 0.0


def near_limit(answer: Answer) -> bool:
    """Tell whether Cloud warns that less than a fifth of what it allows is left.

    Source: Atlassian, "Rate limiting" of the Jira Cloud platform, header `X-RateLimit-NearLimit`.
    """
    return answer.headers.get("X-RateLimit-NearLimit", "").strip().lower() == "true"


def _number(answer: Answer, name: str) -> float:
    text = answer.headers.get(name, "").strip()
    return float(text) if re.fullmatch(r"\d{1,9}(\.\d+)?", text) else 0.0


def _until(answer: Answer, text: str) -> float:
    """Return the seconds until a moment in a header, by the server's own clock."""
    if re.fullmatch(r"\d+", text):
        return float(text)
    try:
        now = parsedate_to_datetime(answer.headers["Date"])
        if re.match(r"\d{4}-", text):
            until = datetime.fromisoformat(re.sub(r"[zZ]$", "+00:00", text))
        else:
            until = parsedate_to_datetime(text)
        return max(0.0, (until - now).total_seconds())
    except (KeyError, TypeError, ValueError):
        return 0.0
