"""Streams that not every Jira serves: by its flavour, by what is installed, by what the user may."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar

from typing_extensions import override

from tap_jira_oauth.errors import AuthenticationError, TapError, UnservedError
from tap_jira_oauth.streams.quiet import QuietStream
from tap_jira_oauth.unserved import FLAVORS, REFUSALS, Needs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from singer_sdk import Tap

    from tap_jira_oauth.jira import Jira


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
