"""An issue as one answer shows it: the fields asked for, in this flavour, with what `expand` adds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from sandbox import cloud, expanded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from zoneinfo import ZoneInfo

    from sandbox.asked import Asked
    from sandbox.corpus import Corpus
    from sandbox.issue import Issue
    from sandbox.render import Renderer


@dataclass(frozen=True)
class Bodies:
    """Makes issue bodies for requests."""

    corpus: Corpus
    renderer: Renderer
    list_cap: int | None = None

    def of(
        self, asked: Asked, keep: Callable[[str], bool], expand: frozenset[str] = frozenset()
    ) -> Callable[[Issue], Any]:
        """A callable that makes the JSON of an issue; without `expand` what did not change is not made again."""
        zone = asked.identity.user.zone
        form = self._forms[asked.documents] if asked.cloud else self._cut

        def extended(issue: Issue) -> dict[str, Any]:
            held = form(issue) if form else issue
            body = self.renderer.body(held, zone, asked.base, keep)
            if "renderedFields" in expand:
                body["renderedFields"] = expanded.rendered(issue, keep, self._texts, zone)
            if "changelog" in expand:
                histories = self.corpus.children.histories(issue)
                found = expanded.changelog(histories, zone, cloud=asked.cloud, cap=self.list_cap)
                body["changelog"] = (
                    cloud.shaped(found, documents=asked.documents) if asked.cloud else found
                )
            if "transitions" in expand:
                statuses = self.corpus.reference.statuses
                body["transitions"] = expanded.transitions(
                    statuses, issue.fields.get("status"), cloud=asked.cloud
                )
            return body

        if expand & (expanded.OF_ISSUES | expanded.OF_SEARCHES):
            return extended
        return lambda issue: self.renderer.raw(issue, zone, asked.base, keep, form)

    def warm(
        self, zones: Iterable[ZoneInfo], base: str, keep: Callable[[str], bool], *, on_cloud: bool
    ) -> None:
        """Render every issue before somebody asks: for viewers in these zones; for version 3 on Cloud."""
        form = self._forms[True] if on_cloud else None
        for zone in zones:
            for issue in self.corpus.snapshot().issues:
                self.renderer.render(issue, zone, base, keep, form)

    def described(
        self, keep: Callable[[str], bool], expand: frozenset[str], issues: tuple[Issue, ...]
    ) -> dict[str, Any]:
        """`names` and `schema` of the fields that at least one of the issues shows."""
        if not expand & expanded.OF_SEARCHES:
            return {}
        present = {name for issue in issues for name in issue.fields if keep(name)}
        return expanded.described(expand, self.corpus.field_list, present.__contains__)

    @cached_property
    def _forms(self) -> dict[bool, Callable[[Issue], Issue]]:
        """The forms of Cloud, by whether long texts are documents; what is rendered is kept by form."""
        return {
            documents: partial(cloud.issue, texts=self._texts, documents=documents)
            for documents in (False, True)
        }

    @cached_property
    def _cut(self) -> Callable[[Issue], Issue] | None:
        """The form of a Data Center that cuts comments, as some do; None where there is no cap."""
        return partial(with_comments_cut, self.list_cap) if self.list_cap else None

    @cached_property
    def _texts(self) -> frozenset[str]:
        return cloud.textareas(self.corpus.field_list)


def with_comments_cut(cap: int, held: Issue) -> Issue:
    """An issue that embeds at most so many comments."""
    comments = held.fields.get("comment")
    if not comments:
        return held
    shown = {**comments, "comments": comments["comments"][:cap], "maxResults": cap}
    return replace(held, fields={**held.fields, "comment": shown})
