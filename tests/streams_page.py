"""The table and the sections of `docs/streams.md`: every stream, from its class and its schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tap_jira_oauth import paging, streams
from tap_jira_oauth.census_fetch import CLOUD_PAGE, PAGE
from tap_jira_oauth.child_fetch import ISSUE
from tap_jira_oauth.child_lists import WORKLOGS
from tap_jira_oauth.deleted_fetch import BULK, BULK_ISSUES, SEARCHED
from tap_jira_oauth.offset_search import SEARCH
from tap_jira_oauth.streams.children import ChildStream
from tap_jira_oauth.streams.reference import ReferenceStream
from tap_jira_oauth.streams.served import ServedStream
from tap_jira_oauth.tap import TapJiraOAuth
from tap_jira_oauth.unserved import FLAVORS
from tap_jira_oauth.worklog_log import DELETED, LIST, UPDATED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from singer_sdk.streams import Stream

SCHEMAS = Path(streams.__file__).parent / "schemas"

PAGINGS: dict[type, str] = {
    paging.Whole: "one array",
    paging.Single: "one object",
    paging.Mapped: "one object",
    paging.Links: "one object",
    paging.Slices: "arrays of {size}, until one is empty",
    paging.Values: "pages of {size}",
    paging.PagesOrArrays: "pages of {size}, or an array",
    paging.Texts: "pages of {size}",
    paging.Numbered: "numbered pages of {size}",
    paging.Picker: "one answer, no pages",
}


def every_stream() -> list[Stream]:
    """Return all streams by name."""
    found = TapJiraOAuth(validate_config=False).streams
    return [found[name] for name in sorted(found)]


def table() -> str:
    """Return a row for each stream, and its fields below."""
    lines = [
        "| stream | asks for | key | replication | pages | flavours | takes |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [row(stream) for stream in every_stream()]
    for stream in every_stream():
        lines += ["", *section(stream)]
    return "\n".join(lines)


def row(stream: Stream) -> str:
    """Return what one stream costs and takes."""
    name = stream.name
    keys = ", ".join(f"`{key}`" for key in stream.primary_keys or ())
    replication = f"by `{stream.replication_key}`" if stream.replication_key else "whole"
    if isinstance(stream, ChildStream):
        replication = "with its issue"
    if isinstance(stream, streams.DeletedIssuesStream):
        replication = "by the last census"
    endpoint, pages = asked(stream)
    return (
        f"| [`{name}`](#{name}) | {endpoint} | {keys} | {replication} | {pages} | {taken(stream)} |"
    )


def asked(stream: Stream) -> tuple[str, str]:
    """Return the resource of a stream and how it pages, on both flavours where they differ."""
    if isinstance(stream, ReferenceStream):
        here = (f"`{short(stream.path)}`", pages_of(stream.paging))
        there = (
            f"`{short(stream.cloud_path or stream.path)}`",
            pages_of(stream.cloud_paging or stream.paging),
        )
        return both(here[0], there[0]), both(here[1], there[1])
    if isinstance(stream, ChildStream):
        kind = stream.kind
        joint = "" if kind.resource.startswith("?") else "/"
        own = f"`{short(ISSUE)}/{{id}}{joint}{kind.resource}`" if kind.resource else ""
        if kind.apart:
            return own, "one answer an issue"
        search = f"the search, then {own}" if own else "the search"
        if kind is WORKLOGS:
            search += f"; `{short(UPDATED)}`, `{short(LIST)}`"
        return (
            search,
            "with those of the issues; longer lists: pages of 500"
            if own
            else "with those of the issues",
        )
    if isinstance(stream, ServedStream):
        return f"`{short(stream.path)}`", "pages of 1,000 by `offset`"
    if isinstance(stream, (streams.IssuesStream, *streams.CENSUS_STREAMS)):
        return searched(stream)
    return f"`{short(DELETED)}`", "pages of 1,000 by time"


def searched(stream: Stream) -> tuple[str, str]:
    """Return what `asked` does of a stream that searches."""
    search = both(f"`{short(SEARCH)}`", "`search/jql`")
    if isinstance(stream, streams.IssuesStream):
        return search, "pages of `page_size`"
    ids = f"pages of {PAGE:,} ids by key; Cloud: {CLOUD_PAGE:,}"
    if not isinstance(stream, streams.DeletedIssuesStream):
        return search, ids
    alone = f"then `{short(ISSUE)}/{{id}}`"
    return (
        both(f"`{short(SEARCH)}`, {alone}", f"`search/jql`, `{short(BULK)}`, {alone}"),
        f"{ids}; what is missing {SEARCHED} at once, Cloud: {BULK_ISSUES}, and then one by one",
    )


def both(here: str, there: str) -> str:
    """Say two things, once where they are the same."""
    return here if here == there else f"{here}; Cloud: {there}"


def short(path: str) -> str:
    """Return a path as Jira's documentation calls it, without what it is asked for."""
    return path.removeprefix("/rest/api/2/").removeprefix("/rest/").partition("?")[0]


def pages_of(way: Any) -> str:
    """Return how a list pages, in words."""
    return PAGINGS[type(way)].format(size=getattr(way, "size", ""))


def taken(stream: Stream) -> str:
    """Return the flavours that have a stream, and what it takes."""
    if not isinstance(stream, ServedStream):
        return "both | "
    flavors = "both" if stream.flavors == frozenset(FLAVORS) else FLAVORS[min(stream.flavors)]
    needs = [stream.product] if stream.product != "Jira" else []
    needs += [stream.right] if stream.right else []
    return f"{flavors} | {'; '.join(needs)}"


def section(stream: Stream) -> Iterable[str]:
    """Return what a record is, and its fields."""
    name = stream.name
    first = (stream.__doc__ or "").splitlines()[0]
    schema = json.loads((SCHEMAS / f"{name}.json").read_text("utf-8"))
    yield from (f"### {name}", "", first, "", "| field | type | |", "|---|---|---|")
    for field, declared in schema["properties"].items():
        said = " ".join(str(declared.get("description", "")).split()).replace("|", "\\|")
        yield f"| `{field}` | {kind_of(declared)} | {said} |"


def kind_of(declared: dict[str, Any]) -> str:
    """Return the type of a field; every one may be null where it is not said to be there always."""
    types = declared.get("type", "any")
    named = [types] if isinstance(types, str) else types
    kinds = [declared.get("format", kind) for kind in named if kind != "null"]
    always = "" if "null" in named or types == "any" else ", always"
    return "any" + always if len(kinds) > 3 else " or ".join(kinds) + always
