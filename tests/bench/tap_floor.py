"""The shortest way to print issues: the same requests, one parse, one RECORD line each. Takes Jira's address.

With `cut` as the second argument issues are not parsed, but their bytes copied.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import msgspec
import requests

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE = 100


class Page(msgspec.Struct):
    """What is looked at if nothing is parsed."""

    issues: list[msgspec.Raw]
    total: int


def parsed(body: bytes) -> tuple[list[bytes], int]:
    """Return the lines of a page, each issue decoded and encoded again, and the total."""
    page = _decode(body)
    return [
        _encode({"type": "RECORD", "stream": "issues", "record": issue}) + b"\n"
        for issue in page["issues"]
    ], page["total"]


def cut(body: bytes) -> tuple[list[bytes], int]:
    """Return the lines of a page with the bytes that Jira sent, and the total."""
    page = _cut(body)
    line = (
        b'{"type":"RECORD","stream":"issues","record":%b,"time_extracted":"2026-01-01T00:00:00Z"}\n'
    )
    return [line % bytes(issue) for issue in page.issues], page.total


_decode, _encode = msgspec.json.Decoder().decode, msgspec.json.Encoder().encode
_cut = msgspec.json.Decoder(Page).decode


def main(url: str, lines: Callable[[bytes], tuple[list[bytes], int]]) -> None:
    """Print every issue that a search by offsets finds."""
    start, total = 0, 1
    with requests.Session() as session:
        session.headers["Authorization"] = "Bearer sandbox-token"
        while start < total:
            query = {
                "jql": "ORDER BY updated ASC, key ASC",
                "startAt": start,
                "maxResults": PAGE,
                "fields": ["*all", "project", "created", "updated", "-customfield_10104"],
            }
            answer = session.post(f"{url}/rest/api/2/search", json=query, timeout=600)
            found, total = lines(answer.content)
            sys.stdout.buffer.write(b"".join(found))
            start += PAGE


if __name__ == "__main__":
    main(sys.argv[1], cut if sys.argv[2:] == ["cut"] else parsed)
