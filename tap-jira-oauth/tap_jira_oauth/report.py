"""What `jira-oauth check` found out, as a screen for people and as JSON. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

Status = Literal["ok", "warning", "failed", "skipped"]

_MARKS: dict[Status, str] = {"ok": "ok", "warning": "WARNING", "failed": "FAILED", "skipped": "-"}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: a sentence for people, values for programs."""

    name: str
    status: Status
    says: str
    values: dict[str, Any] = field(default_factory=dict)


def could_sync(findings: Sequence[Finding]) -> bool:
    """Tell whether nothing was found that would stop a sync."""
    return all(finding.status != "failed" for finding in findings)


def as_text(findings: Sequence[Finding]) -> str:
    """Return one line a finding, and the verdict."""
    width = max(len(finding.name) for finding in findings)
    lines = [
        f"{finding.name.ljust(width)}  {_MARKS[finding.status].ljust(7)}  {finding.says}"
        for finding in findings
    ]
    verdict = "A sync can run." if could_sync(findings) else "A sync could not work."
    return "\n".join([*lines, "", verdict])


def as_json(findings: Sequence[Finding]) -> str:
    """Return an object: `ok`, and `checks` by name, each with `status`, `says` and its values."""
    checks = {
        finding.name: {"status": finding.status, "says": finding.says, **finding.values}
        for finding in findings
    }
    body = msgspec.json.encode({"ok": could_sync(findings), "checks": checks})
    return msgspec.json.format(body, indent=2).decode()
