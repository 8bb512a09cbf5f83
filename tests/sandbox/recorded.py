"""Issues out of a folder of recorded Jira answers, whatever envelope they came in."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox.issue import Issue, from_body

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True)
class Recording:
    """What a folder held.

    Attributes:
        issues: the newest version of each.
        bodies: how many issue bodies were good, counting every version.
        skipped: how many looked like issues but lacked project, created or updated.
    """

    issues: tuple[Issue, ...]
    bodies: int
    skipped: int


def read_folder(folder: Path) -> Recording:
    """Every issue in the JSON and JSONL files below `folder`.

    ValueError when nothing is there, or when two servers (its sub-folders) have an issue of the same id.
    """
    newest: dict[str, tuple[str, Issue]] = {}
    bodies = skipped = 0
    for path in sorted(p for p in folder.rglob("*") if p.suffix in {".json", ".jsonl"}):
        server = path.relative_to(folder).parts[0] if path.parent != folder else ""
        for body in _bodies(path):
            try:
                issue = from_body(body)
            except ValueError:
                skipped += 1
                continue
            bodies += 1
            home, known = newest.setdefault(issue.id, (server, issue))
            if home != server:
                raise ValueError(
                    f"issue id {issue.id} is in {home} and in {server}: load one server's folder"
                )
            if _rank(issue) > _rank(known):
                newest[issue.id] = server, issue
    if not newest:
        raise ValueError(f"no issue with project and updated in any JSON file below {folder}")
    return Recording(tuple(issue for _, issue in newest.values()), bodies, skipped)


def _rank(issue: Issue) -> tuple[int, int]:
    """Newer first; of one version the body with more fields."""
    return issue.updated_ms, len(issue.fields)


def _bodies(path: Path) -> Iterator[dict[str, Any]]:
    text = path.read_text(encoding="utf-8")
    for document in text.splitlines() if path.suffix == ".jsonl" else [text]:
        if document.strip():
            yield from _issues_in(json.loads(document))


def _issues_in(value: object) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if {"id", "key"} <= value.keys() and isinstance(value.get("fields"), dict):
            yield value
        else:
            for inner in value.values():
                yield from _issues_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _issues_in(inner)
