"""What hangs below the issues of a sandbox, and a catalog that selects the streams of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tap.command import Run, ended, messages
from tap_jira_oauth.tap import TapJiraOAuth

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from sandbox import Sandbox
    from sandbox.issue import Issue

CHILDREN = (
    *("issue_attachments", "issue_changelogs", "issue_comments", "issue_links"),
    "issue_worklogs",
)
ALL = ("issues", *CHILDREN)


def truth_of(jira: Sandbox, issue: Issue) -> dict[str, set[str]]:
    """Return the ids of everything below an issue, by stream."""
    below = jira.world.corpus.children
    found = {
        "issue_comments": below.comments(issue),
        "issue_worklogs": below.worklogs(issue),
        "issue_changelogs": below.histories(issue),
        "issue_links": issue.fields["issuelinks"],
        "issue_attachments": issue.fields["attachment"],
    }
    return {stream: {child["id"] for child in children} for stream, children in found.items()}


def truth(jira: Sandbox) -> dict[str, dict[str, set[str]]]:
    """Return the ids of everything below every living issue: by stream, by issue."""
    found: dict[str, dict[str, set[str]]] = {stream: {} for stream in CHILDREN}
    for issue in jira.world.corpus.snapshot().issues:
        for stream, ids in truth_of(jira, issue).items():
            found[stream][issue.id] = ids
    return found


def newest(*runs: Run) -> dict[str, dict[str, set[str]]]:
    """Return the ids of the children of each issue's newest printed version: by stream, by issue."""
    versions: dict[str, str] = {}
    for run in runs:
        for record in run.of("issues"):
            versions[record["id"]] = max(record["updated"], versions.get(record["id"], ""))
    found = {stream: {id_: set[str]() for id_ in versions} for stream in CHILDREN}
    for run in runs:
        for stream in CHILDREN:
            for record in run.of(stream):
                if record["issue_updated"] == versions.get(record["issue_id"]):
                    found[stream][record["issue_id"]].add(record["id"])
    return found


def once(run: Run) -> bool:
    """Tell whether no child of a version of an issue was printed twice."""
    return all(
        len(records)
        == len({(each["issue_id"], each["issue_updated"], each["id"]) for each in records})
        for records in map(run.of, CHILDREN)
    )


def catalog(streams: Collection[str]) -> dict[str, Any]:
    """Discover, and select these streams alone."""
    found: dict[str, Any] = TapJiraOAuth(validate_config=False).catalog_dict
    for stream in found["streams"]:
        top = next(each["metadata"] for each in stream["metadata"] if not each["breadcrumb"])
        top["selected"] = stream["tap_stream_id"] in streams
    return found


def select(folder: Path, streams: Collection[str] = ALL) -> tuple[str, str]:
    """Write such a catalog; return the arguments that hand it over."""
    path = folder / "catalog.json"
    path.write_text(json.dumps(catalog(streams)))
    return "--catalog", str(path)


def run_with(
    folder: Path,
    config: Mapping[str, Any],
    options: tuple[str, ...],
    state: Mapping[str, Any] | None = None,
) -> Run:
    """Run the command with a catalog to its end; every message is checked."""
    status, output = ended(folder, config, state, *options)
    return Run(status, messages(output), (folder / "log").read_text())
