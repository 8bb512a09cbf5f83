"""The tap: its settings and its list of streams, and how it ends."""

from __future__ import annotations

import io
import logging
import os
import signal
import sys
import time
from functools import cached_property
from typing import IO, TYPE_CHECKING, Any, ClassVar

import msgspec
from singer_sdk import Tap
from singer_sdk.contrib.msgspec import MsgSpecWriter
from singer_sdk.helpers.capabilities import PluginCapabilities, TapCapabilities
from singer_sdk.plugin_base import _ConfigInput
from typing_extensions import override

from tap_jira_oauth.auth import build_auth
from tap_jira_oauth.bookmark import check_state
from tap_jira_oauth.client import JiraClient
from tap_jira_oauth.config_schema import (
    config_jsonschema,
    refuse_secrets_of_other_types,
    refuse_unknown,
)
from tap_jira_oauth.credentials import load_settings
from tap_jira_oauth.errors import (
    AuthenticationError,
    ConfigurationError,
    OutputError,
    TapError,
)
from tap_jira_oauth.gate import Stop, StopRequestedError, Timing
from tap_jira_oauth.jira import Jira
from tap_jira_oauth.progress import Progress
from tap_jira_oauth.redaction import guard
from tap_jira_oauth.streams import (
    CENSUS_STREAMS,
    CHILD_STREAMS,
    INCREMENTAL_STREAMS,
    REFERENCE_STREAMS,
    IssuesStream,
    Taking,
)
from tap_jira_oauth.streams.served import ServedStream, lacking

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

    import click
    from singer_sdk.helpers.capabilities import CapabilitiesEnum
    from singer_sdk.mapper import PluginMapper
    from singer_sdk.streams import Stream


class TapJiraOAuth(Tap):
    """Reads Jira Data Center and Cloud: signs in with OAuth 1.0a, loses no issue while people edit."""

    name = "tap-jira-oauth"
    message_writer_class = MsgSpecWriter
    config_jsonschema: ClassVar[dict[str, Any]] = config_jsonschema()
    capabilities: ClassVar[list[CapabilitiesEnum]] = [
        TapCapabilities.CATALOG,
        TapCapabilities.DISCOVER,
        TapCapabilities.STATE,
        TapCapabilities.TEST,
        TapCapabilities.ACTIVATE_VERSION,
        PluginCapabilities.ABOUT,
        PluginCapabilities.STREAM_MAPS,
        PluginCapabilities.FLATTENING,
        PluginCapabilities.STRUCTURED_LOGGING,
    ]

    stopped_by: ClassVar[int] = signal.SIGTERM
    """The signal that ended the run, for the exit status."""

    @override
    def __init__(self, **kwargs: Any) -> None:
        """Check the configuration as a whole; nothing is sent yet."""
        self._stopping = Stop()
        self._connected = False
        refuse_secrets_of_other_types(kwargs.get("config") or {})
        if kwargs.get("state") is not None:
            check_state(kwargs["state"])
        # The SDK leaves settings unchecked only where it discovers.
        self._discovers = not kwargs.get("validate_config", True)
        super().__init__(**kwargs)
        if not self._discovers:
            refuse_unknown(set(self.config), set(self.config_jsonschema["properties"]))
            _ = self.jira

    @cached_property
    def jira(self) -> Jira:
        """The connection that all streams share."""
        settings = load_settings(self.config)
        progress = Progress(time.monotonic)
        timing = Timing(wait=self._stopping.wait)
        client = JiraClient(settings, build_auth(settings), timing, progress.waits)
        return Jira(settings, client, progress)

    @override
    def setup_mapper(self) -> None:
        """Put it off: it wants the schemas, for which Jira may have to be asked."""

    @property  # type: ignore[misc]  # the SDK's can be set as well, which nobody does
    @override
    def mapper(self) -> PluginMapper:
        """The stream maps, made when the first record is due."""
        if self._mapper is None:
            super().setup_mapper()
        return super().mapper

    @override
    def discover_streams(self) -> list[Stream]:
        """Return all streams; they connect when their schemas are wanted or they are read."""
        taking = Taking(self._connect)
        return [
            IssuesStream(self, self._connect),
            *(stream(self) for stream in CHILD_STREAMS),
            *(stream(self, self._connect) for stream in (*INCREMENTAL_STREAMS, *REFERENCE_STREAMS)),
            *(stream(self, taking) for stream in CENSUS_STREAMS),
        ]

    @property
    @override
    def streams(self) -> dict[str, Stream]:
        """Return them by name, as the SDK does, but those of the census last.

        What they find may end the run with an error, and the ids in their state make it large.
        """
        if self._streams is None:
            found = super().streams
            self._heed_marks(found)
            last = [name for name, stream in found.items() if isinstance(stream, CENSUS_STREAMS)]
            names = [*(name for name in found if name not in last), *reversed(last)]
            self._streams = {name: found[name] for name in names}
        return self._streams

    @property
    def served(self) -> list[ServedStream]:
        """The streams that not every Jira serves."""
        return [stream for stream in self.streams.values() if isinstance(stream, ServedStream)]

    @override
    def run_discovery(self) -> str:
        """Print the catalog, and name the streams in it that this Jira does not serve."""
        _ = self.streams[IssuesStream.name].schema  # asks Jira, where there is a sign-in
        if self._connected:
            self._mark_unserved()
        return super().run_discovery()

    def _mark_unserved(self) -> None:
        cloud = self.jira.is_cloud
        lacks, untried = lacking(self.served, self.jira)
        for stream in self.served:
            if stream.name in lacks:
                stream.mark_unserved()
        other = [each.name for each in self.served if each.needs.wrong_flavor(is_cloud=cloud)]
        if other:
            here, there = ("Cloud", "Data Center") if cloud else ("Data Center", "Cloud")
            self.logger.info(
                "This is Jira %s. Not to be selected, since only Jira %s has them: %s",
                *(here, there, ", ".join(other)),
            )
        if mine := [name for name in lacks if name not in other]:
            self.logger.info(
                "Not to be selected, since this Jira does not serve them to the signed-in user: %s. "
                "`jira-oauth check` says what each of them takes",
                ", ".join(mine),
            )
        for trouble in untried.values():
            self.logger.warning(trouble)

    def _heed_marks(self, found: dict[str, Stream]) -> None:
        """Name the streams that are not read, though a pattern selects them in the catalog."""
        served = [each for each in found.values() if isinstance(each, ServedStream)]
        if vain := [each.name for each in served if each.unmark()]:
            self.logger.warning(
                "Not read, though selected, since this Jira did not serve them when the catalog was "
                "made: %s. When it does, discover again (`meltano run --refresh-catalog`)",
                ", ".join(vain),
            )

    @override
    def _setup_signal_handlers(self) -> None:
        """Take over the signals, but for a discovery, which has no state to print."""
        if not self._discovers:
            super()._setup_signal_handlers()

    def _connect(self) -> Jira:
        """Return the connection; to discover with a sign-in that has ended is as without one.

        Meltano discovers before it runs `login`, too, which would never come to its turn.
        """
        if self._discovers:
            try:
                _ = self.jira.started
            except AuthenticationError as error:
                raise ConfigurationError(str(error)) from error
        self._connected = True
        return self.jira

    @classmethod
    @override
    def cb_config(
        cls, ctx: click.Context, param: click.Option, value: Sequence[str]
    ) -> _ConfigInput:
        """Read the files that `--config` names."""
        files = [_config_file(path) for path in value]
        return _ConfigInput(
            config={name: each for file in files for name, each in file.config.items()},
            parse_env=any(file.parse_env for file in files),
        )

    @classmethod
    @override
    def invoke(
        cls, *, state: IO[str] | None = None, catalog: IO[str] | None = None, **options: Any
    ) -> None:
        """Run, after the two files are known to be JSON."""
        files = {
            "state": _checked_json("state", state),
            "catalog": _checked_json("catalog", catalog),
        }
        try:
            super().invoke(state=files["state"], catalog=files["catalog"], **options)
        except BrokenPipeError as error:
            raise OutputError(
                "Nobody reads the output any more: the target has ended, and its own log says why. "
                "What it has not acknowledged comes again with the next run."
            ) from error

    @override
    def load_state(self, state: dict[str, Any]) -> None:
        """Take over a state, or begin an empty one, so that a starting STATE is always printed."""
        check_state(state)
        super().load_state(state)
        self.state.setdefault("bookmarks", {})

    @override
    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:
        """Ask the run to stop: it finishes the page in hand and prints its state."""
        if not self._stopping.asked:
            type(self).stopped_by = signum
            self._stopping.ask()
        elif signum == signal.SIGINT:
            # A person who presses Ctrl-C again does not want to wait for Jira's answer. The STATE
            # that was printed last is true.
            sys.exit(128 + signum)


def _config_file(path: str) -> _ConfigInput:
    try:
        return _ConfigInput.from_cli_args(path)
    except OSError as error:
        reason = error.strerror or "No such file or directory"  # which the SDK leaves out
        raise ConfigurationError(f"Cannot read the config file {path}: {reason}.") from error
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"The config file {path} is no JSON object: {error}.") from error


def _checked_json(kind: str, file: IO[str] | None) -> IO[str] | None:
    if file is None:
        return None
    text = file.read()
    try:
        msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise ConfigurationError(f"The {kind} file {file.name} is no JSON: {error}.") from error
    return io.StringIO(text)


def _buffer_output() -> None:
    """Give standard output a buffer where PYTHONUNBUFFERED, as in many containers, has taken it away.

    A raw write that a signal interrupts writes less than it was given, and whoever does not look
    at the count loses the rest of it. A buffer writes on.
    """
    if isinstance(getattr(sys.stdout, "buffer", None), io.RawIOBase):
        sys.stdout = open(sys.stdout.fileno(), "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - stays open


def _is_news(record: logging.LogRecord) -> bool:
    """Tell a line of the log from what the SDK says of each of the many streams that nobody asked for."""
    return not str(record.msg).startswith("Skipping deselected stream")


def main() -> None:
    """Run the command line, and end with one line and a status that say why."""
    _buffer_output()
    try:
        command = TapJiraOAuth.cli  # the SDK sets logging up by this
        guard(logging.getLogger().handlers)
        TapJiraOAuth.logger.addFilter(_is_news)
        command()
    except TapError as error:
        for line in str(error).splitlines():
            TapJiraOAuth.logger.critical("%s", line)
        if isinstance(error, OutputError):
            # Python flushes standard output once more at its end, and would fail again.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except StopRequestedError:
        # Two signals often come together, from the terminal and from Meltano. The second one must
        # not meet Python's default while the interpreter ends.
        for signum in (signal.SIGINT, signal.SIGTERM):
            signal.signal(signum, signal.SIG_IGN)
        name = signal.Signals(TapJiraOAuth.stopped_by).name
        TapJiraOAuth.logger.warning("Stopped by %s; the state is printed.", name)
        sys.exit(128 + TapJiraOAuth.stopped_by)
