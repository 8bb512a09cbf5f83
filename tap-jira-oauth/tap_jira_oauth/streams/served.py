"""Streams that not every Jira serves: by its flavour, by what is installed, by what the user may."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from singer_sdk.singerlib.catalog import Metadata
from typing_extensions import override

from tap_jira_oauth.errors import AuthenticationError, TapError, UnservedError
from tap_jira_oauth.fetch import overlapped
from tap_jira_oauth.stream_redaction import paths_of, stream_of
from tap_jira_oauth.streams.quiet import QuietStream
from tap_jira_oauth.unserved import FLAVORS, REFUSALS, Needs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from singer_sdk import Tap

    from tap_jira_oauth.jira import Jira
    from tap_jira_oauth.stream_redaction import Path


class ServedStream(QuietStream):
    """A stream that says what it takes; where that is missing, the other streams are read first."""

    path: ClassVar[str]
    flavors: ClassVar[frozenset[str]] = frozenset(FLAVORS)
    """Which Jiras have it, in the words of the setting `api_flavor`."""
    product: ClassVar[str] = "Jira"
    """What has to be installed for it."""
    right: ClassVar[str] = ""
    """What the user needs beyond seeing projects."""

    def __init__(self, tap: Tap, connect: Callable[[], Jira]) -> None:
        """Connect to nothing yet."""
        super().__init__(tap)
        self._connect = connect

    @property
    def needs(self) -> Needs:
        """What the stream takes."""
        return Needs(self.name, self.path, self.flavors, self.product, self.right)

    def redacted(self, jira: Jira) -> list[Path]:
        """Return what nobody may see of the records.

        Raises:
            ConfigurationError: the setting names what the stream does not have.
        """
        names = served_names(self._tap)
        wanted = jira.settings.redact_fields
        mine = [text for text in wanted if stream_of(text, names) == self.name]
        return paths_of(mine, self.name, self.schema, self.primary_keys or ())

    def lack(self, jira: Jira) -> str | None:
        """Ask for as little as tells whether this Jira serves the stream; return what is missing.

        Raises:
            TapError: it is not known, for another reason.
        """
        try:
            self.require_flavor(jira)
            self.ask_first(jira)
        except (*REFUSALS, UnservedError) as error:
            return self._said(jira, error)
        return None

    def ask_first(self, jira: Jira) -> None:
        """Ask for the beginning of what the stream reads."""
        raise NotImplementedError

    def require_flavor(self, jira: Jira) -> None:
        """Refuse a server of a flavour that does not have what the stream reads.

        Raises:
            UnservedError: it is one.
        """
        if lack := self.needs.wrong_flavor(is_cloud=jira.is_cloud):
            raise UnservedError(lack)

    def mark_unserved(self) -> None:
        """Say in the catalog that this Jira does not serve the stream: then no pattern selects it."""
        self.metadata.root.inclusion = Metadata.InclusionType.UNSUPPORTED

    def unmark(self) -> bool:
        """Take a person's word against such a mark; tell whether a pattern wanted the stream in vain.

        Meltano leaves `selected` of a stream that is so marked alone, and sets that of its
        properties. So where it is true for the stream itself, somebody meant this one.
        """
        root = self.metadata.root
        if root.inclusion != Metadata.InclusionType.UNSUPPORTED:
            return False
        if root.selected:
            root.inclusion = Metadata.InclusionType.AVAILABLE
            return False
        return any(each.selected for each in self.metadata.values())

    @contextmanager
    def noting_refusals(self, jira: Jira) -> Iterator[None]:
        """Note what Jira does not serve in the block, which then ends; the run fails at its end."""
        try:
            yield
        except (*REFUSALS, UnservedError) as error:
            jira.unserved.append(self._said(jira, error))

    def _said(self, jira: Jira, error: TapError) -> str:
        if isinstance(error, UnservedError):
            return str(error)
        if isinstance(error, AuthenticationError):
            jira.confirm_sign_in()
        return self.needs.refused(error)

    @override
    def log_sync_costs(self) -> None:
        """Fail if streams could not be read; the SDK calls this of each when all have had their turn."""
        super().log_sync_costs()
        if unserved := self._connect().unserved:
            raise UnservedError("\n".join(unserved))


def served_names(tap: Tap) -> set[str]:
    """Return the names of these streams."""
    return {name for name, each in tap.streams.items() if isinstance(each, ServedStream)}


def lacking(streams: Sequence[ServedStream], jira: Jira) -> tuple[dict[str, str], dict[str, str]]:
    """Ask once for each stream; return why some are not served, and why some could not be tried, by name."""
    with suppress(TapError):  # which each stream that needs them says itself
        _ = jira.projects  # each stream would else ask for them at the same time
    works = (partial(_tried, stream, jira) for stream in streams)
    found = overlapped(works, jira.settings.max_concurrent_requests)
    lacks: dict[str, str] = {}
    untried: dict[str, str] = {}
    for stream, (lack, trouble) in zip(streams, found, strict=True):
        if lack:
            lacks[stream.name] = lack
        if trouble:
            untried[stream.name] = trouble
    return lacks, untried


def _tried(stream: ServedStream, jira: Jira) -> tuple[str | None, str | None]:
    """Return why a stream is not served, or why that is not known just now; neither where it is."""
    try:
        return stream.lack(jira), None
    except TapError as error:
        return None, f"The stream {stream.name!r} could not be tried: {error}"
