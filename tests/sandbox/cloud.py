"""Data Center JSON as Jira Cloud shows it: account ids for names, documents for wiki text in version 3, shorter lists.

The sandbox keeps everything in Data Center's shapes; what Cloud shows is derived from them when somebody asks.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from sandbox import times
from sandbox.issue import BASE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sandbox.issue import Issue

COMMENTS_EMBEDDED: Final = 20
_TEXTS: Final = ("description", "environment")
_TEXTAREA: Final = ":textarea"
_DATA_CENTER_ONLY: Final = frozenset({"archiveddate", "archivedby"})
_SPRINT: Final = re.compile(
    r"greenhopper\.service\.sprint\.Sprint@[0-9a-f]+\[id=(\d+),rapidViewId=(\d+),state=(\w+),name=(.*?),startDate=([^,]*),"
)


def server_info(base: str, now_ms: int) -> dict[str, Any]:
    """`serverInfo` of a Cloud site."""
    return {
        "baseUrl": base,
        "displayUrl": base,
        "displayUrlServicedeskHelpCenter": base,
        "version": "1001.0.0-SNAPSHOT",
        "versionNumbers": [1001, 0, 0],
        "deploymentType": "Cloud",
        "buildNumber": 100_300,
        "buildDate": "2026-06-01T00:00:00.000+0000",
        "serverTime": times.render(now_ms),
        "scmInfo": "0" * 40,
        "serverTitle": "Jira",
        "defaultLocale": {"locale": "en_US"},
        "serverTimeZone": "Etc/UTC",
    }


def account_id(name: str) -> str:
    """The account id that stands for a user name: opaque, and always the same."""
    return hashlib.sha256(name.casefold().encode()).hexdigest()[:24]


def document(text: str | None) -> dict[str, Any] | None:
    """Wiki text as an Atlassian document, a paragraph a line; the marks stay text."""
    if text is None:
        return None
    lines = text.splitlines()
    paragraphs = [
        {"type": "paragraph", "content": [{"type": "text", "text": line}] if line else []}
        for line in lines
    ]
    return {"type": "doc", "version": 1, "content": paragraphs}


def shaped(value: Any, *, documents: bool) -> Any:
    """Any JSON value of Data Center as Cloud shows it; `documents` for version 3. What is rendered already stays."""
    if isinstance(value, (list, tuple)):
        return [shaped(inner, documents=documents) for inner in value]
    if not isinstance(value, dict):
        return value
    inner = {key: shaped(held, documents=documents) for key, held in value.items()}
    if documents and isinstance(inner.get("body"), str) and "updateAuthor" in inner:
        inner["body"] = document(inner["body"])
    if documents and isinstance(inner.get("comment"), str) and "timeSpentSeconds" in inner:
        inner["comment"] = document(inner["comment"])
    return _user(inner) if "name" in inner and "active" in inner else inner


def _user(body: dict[str, Any]) -> dict[str, Any]:
    account = account_id(body["name"])
    kept = {
        key: held for key, held in body.items() if key not in {"self", "name", "key", "deleted"}
    }
    return {
        "self": f"{BASE}/rest/api/2/user?accountId={quote(account)}",
        "accountId": account,
        "accountType": "atlassian",
        "displayName": "Former user",
        **kept,
    }


def textareas(field_list: Iterable[dict[str, Any]]) -> frozenset[str]:
    """The fields whose text is a document in version 3, by the server's field list."""
    return frozenset(_TEXTS) | {
        field["id"]
        for field in field_list
        if field.get("schema", {}).get("custom", "").endswith(_TEXTAREA)
    }


@lru_cache(maxsize=4096)
def issue(held: Issue, texts: frozenset[str], *, documents: bool) -> Issue:
    """An issue as Cloud shows it; `texts` are the fields of `textareas`."""
    fields: dict[str, Any] = {}
    for name, value in held.fields.items():
        if name in _DATA_CENTER_ONLY:
            continue
        if documents and name in texts and (value is None or isinstance(value, str)):
            fields[name] = document(value)
        else:
            fields[name] = shaped(_modern(value), documents=documents)
    fields["statuscategorychangedate"] = fields.get("resolutiondate") or times.render(
        held.created_ms
    )
    comments = fields.get("comment")
    if comments:
        shown = comments["comments"][:COMMENTS_EMBEDDED]
        fields["comment"] = {**comments, "comments": shown, "maxResults": COMMENTS_EMBEDDED}
    return replace(held, fields=fields)


def _modern(value: Any) -> Any:
    """Sprints are objects on Cloud, and the summary of development is JSON in a string."""
    if isinstance(value, str) and value.startswith("{summaryBean="):
        return "{}"
    if isinstance(value, list) and value and isinstance(value[0], str):
        matches = [_SPRINT.search(text) for text in value]
        return [_sprint(m) if m else text for m, text in zip(matches, value, strict=True)]
    return value


def _sprint(match: re.Match[str]) -> dict[str, Any]:
    number, board, state, name, start = match.groups()
    body = {"id": int(number), "name": name, "state": state.lower(), "boardId": int(board)}
    return {**body, "goal": "", **({"startDate": start} if start != "<null>" else {})}
