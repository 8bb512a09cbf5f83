"""The bases of the streams that are read whole in every run: what issues refer to.

Jira does not tell when one of these has changed, and a renaming does not touch the issues. A stream
here is a class with its path and its way of paging, and a schema file of the stream's name.
"""

from __future__ import annotations

import itertools
import logging
import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk import SchemaDirectory, StreamSchema
from typing_extensions import override

from tap_jira_oauth.errors import (
    AccessError,
    AuthenticationError,
    NotFoundError,
    SearchLimitError,
    TapError,
    UnservedError,
)
from tap_jira_oauth.fetch import overlapped
from tap_jira_oauth.gate import StopRequestedError
from tap_jira_oauth.jql import in_utc
from tap_jira_oauth.paging import Whole
from tap_jira_oauth.stream_redaction import without
from tap_jira_oauth.streams import schemas
from tap_jira_oauth.streams.served import ServedStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context

    from tap_jira_oauth.jira import Jira
    from tap_jira_oauth.paging import Item, Paging

NAMED = 10
"""Parents that an error names."""


class ReferenceStream(ServedStream):
    """A list of Jira's. A selected one costs at least one request a run, so none is selected by default."""

    primary_keys: ClassVar[tuple[str, ...]] = ("id",)
    schema = StreamSchema(SchemaDirectory(schemas))
    selected_by_default = False

    paging: ClassVar[Paging] = Whole()
    cloud_path: ClassVar[str | None] = None
    cloud_paging: ClassVar[Paging | None] = None
    """Where Cloud has the list, and how it pages there, if not as above."""

    asks_first_only = False
    """Set where nothing but the first entry is wanted, to see whether there is an answer at all."""

    @override
    def get_records(self, context: Context | None) -> Iterator[Item]:
        """Yield every entry that the user may see; moments in UTC.

        When the last one is printed, their version is said, so that targets may remove what is no
        longer there. Of a list that could not be read whole it is not.
        """
        properties = self.schema["properties"]
        moments = [name for name, kind in properties.items() if kind.get("format") == "date-time"]
        jira = self._connect()
        versions = jira.settings.emit_activate_version_messages
        # The server's clock, which is one for all machines; the first question is who we are, since
        # to nobody Jira answers with less instead of refusing. Seconds, as the SDK has it: SQL
        # targets keep versions in 32 bits.
        self._stream_version = jira.started // 1000 if versions else None
        redacted = self.redacted(jira)
        with self.noting_refusals(jira):
            self.require_flavor(jira)
            for item in self.items(jira):
                for name in moments:
                    if item.get(name):
                        item[name] = in_utc(item[name])
                yield without(item, redacted)
            self.look_back(jira)
            if self._stream_version is not None:
                self._write_activate_version_message(self._stream_version)

    def items(self, jira: Jira) -> Iterator[Item]:
        """Yield the entries as they come."""
        yield from self.listed(jira, *self.at(jira))

    @classmethod
    def at(cls, jira: Jira) -> tuple[str, Paging]:
        """Tell where this flavour has the list, and how it pages."""
        if not jira.is_cloud:
            return cls.path, cls.paging
        return cls.cloud_path or cls.path, cls.cloud_paging or cls.paging

    def listed(self, jira: Jira, path: str, paging: Paging) -> Iterator[Item]:
        """Yield the entries below a path."""

        def get(part: str) -> Any:
            if jira.client.stopping:
                raise StopRequestedError
            if self.asks_first_only:
                part = re.sub(r"\b(maxResults|limit)=\d+", r"\1=1", part)
            return jira.client.get(part, Any)[0]

        yield from paging.items(get, path)

    @override
    def ask_first(self, jira: Jira) -> None:
        self.asks_first_only = True
        try:
            if next(iter(self.items(jira)), None) is None:
                self.look_back(jira)
        finally:
            self.asks_first_only = False

    def look_back(self, jira: Jira) -> None:
        """Say what could not be read, when everything else was.

        Raises:
            UnservedError: that makes the run fail.
        """


@dataclass(frozen=True)
class Parent:
    """What a list belongs to: its id in the path, its name for people, and what each record says of it.

    An id of several parts has a place in the path for each; they are quoted as an address wants it.
    """

    id: str | int | tuple[str, ...]
    named: str
    keys: Mapping[str, Any]

    @property
    def place(self) -> tuple[str | int, ...]:
        """The parts of the id."""
        return self.id if isinstance(self.id, tuple) else (self.id,)


Unread = tuple[str, TapError]
"""Whose list was not read, and what Jira said."""


class OfParentsStream(ReferenceStream):
    """A list of each of several things; `{}` in the path stands for the id of one.

    The lists are asked for ahead, as many at a time as requests may be under way; of each of them
    one page is held. They are printed in the order of what they belong to.
    """

    not_there: ClassVar[tuple[type[TapError], ...]] = (NotFoundError,)
    """How Jira says that one of them has no such list, or is deleted meanwhile."""
    each_has_one: ClassVar[bool] = True
    """Whether it would be strange if none of them had one."""
    unreadable: ClassVar[tuple[type[TapError], ...]] = ()
    """Which of these ways rather mean that there is a list which Jira cannot make, as of a broken board."""

    def __init__(self, tap: Tap, connect: Callable[[], Jira]) -> None:
        """Connect to nothing yet."""
        super().__init__(tap, connect)
        self._absent: list[Unread] = []
        self._refused: list[Unread] = []
        self._seen = False

    @override
    def ask_first(self, jira: Jira) -> None:
        try:
            super().ask_first(jira)
        finally:
            self._absent, self._refused, self._seen = [], [], False

    def parents(self, jira: Jira) -> Iterable[Parent]:
        """Yield what there is a list of."""
        raise NotImplementedError

    @override
    def items(self, jira: Jira) -> Iterator[Item]:
        yield from self.lists(jira, self.parents(jira), *self.at(jira))

    def lists(
        self, jira: Jira, parents: Iterable[Parent], path: str, paging: Paging
    ) -> Iterator[Item]:
        """Yield the entries of the lists at a path, with what each says of its parent."""
        parents = itertools.islice(parents, 1 if self.asks_first_only else None)
        width = 1 if self.asks_first_only else jira.settings.max_concurrent_requests
        begun = (partial(_begin, self._list(jira, parent, path, paging)) for parent in parents)
        for entries in overlapped(begun, width):
            yield from entries

    def _list(self, jira: Jira, parent: Parent, path: str, paging: Paging) -> Iterator[Item]:
        """Yield the entries of one list; note where there is none, or it may not be seen."""
        try:
            for item in self.listed(jira, path.format(*parent.place), paging):
                yield {**item, **parent.keys}
            self._seen = True
        except self.not_there as error:
            self._absent.append((parent.named, error))
        except AuthenticationError as error:
            jira.confirm_sign_in()
            self._refused.append((parent.named, error))
        except (AccessError, SearchLimitError) as error:
            self._refused.append((parent.named, error))

    @override
    def look_back(self, jira: Jira) -> None:
        """Say which lists are not there, and which may not be seen; the latter is not right.

        Raises:
            UnservedError: none may be seen, or some and the setting does not let it pass.
        """
        if self._absent:
            self._say_absent()
        if not self._refused:
            return
        error = self._refused[0][1]
        limited = isinstance(error, SearchLimitError)
        said = f"Of {_few(self._refused)}: {error if limited else self.needs.refused(error)}"
        if not self._seen:
            raise UnservedError(said)
        if jira.settings.on_inaccessible_project != "skip":
            raise UnservedError(
                f"{said} To go on without these, set on_inaccessible_project to 'skip'."
            )
        self.logger.warning(said)
        self._stream_version = None

    def _say_absent(self) -> None:
        """Say which lists are not there.

        Raises:
            UnservedError: it is all of them, and each should have one.
        """
        named, error = _few(self._absent), self._absent[0][1]
        alone = not self._seen and not self._refused and len(self._absent) > 1
        if alone and self.each_has_one:
            raise UnservedError(
                f"{self.name}: Jira says that there are none of {named}, which is all: {error} "
                "Report it, with the version of this Jira, and deselect the stream."
            )
        odd = any(isinstance(error, self.unreadable) for _, error in self._absent)
        level = logging.WARNING if odd else logging.INFO
        self.logger.log(level, "%s: there are none of %s: %s", self.name, named, error)
        if odd:
            self._stream_version = None


def _few(unread: list[Unread]) -> str:
    """Name the first ones, and count the rest."""
    rest = len(unread) - NAMED
    return ", ".join(sorted(named for named, _ in unread)[:NAMED]) + (
        f" and {rest} more" if rest > 0 else ""
    )


def _begin(entries: Iterator[Item]) -> Iterator[Item]:
    """Ask for the first page; the others are asked for when that one is printed."""
    first = list(itertools.islice(entries, 1))
    return itertools.chain(first, entries)


class OfProjectsStream(OfParentsStream):
    """What each project of `project_keys` has; `{}` in the path stands for the project's id."""

    @override
    def parents(self, jira: Jira) -> Iterator[Parent]:
        for project in jira.projects:
            keys = {"project_id": project.id, "project_key": project.key}
            yield Parent(project.id, f"project {project.key}", keys)
