"""One exchange with Jira over HTTP: send, judge the answer, wait, sign anew, send again."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

import msgspec

from tap_jira_oauth.answer import Answer, Wait
from tap_jira_oauth.errors import AnswerError, AuthenticationError, TapError, UnavailableError
from tap_jira_oauth.gate import Gate, Timing
from tap_jira_oauth.rate_limit import breather, near_limit
from tap_jira_oauth.transport import Body, Transport
from tap_jira_oauth.verdict import judge, refuse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from requests.auth import AuthBase

    from tap_jira_oauth.settings import Settings

logger = logging.getLogger("tap-jira-oauth")

LONGEST_PAUSE = 60.0
"""Seconds; the longest pause that grows by itself. The server may ask for longer ones."""

UNKNOWN_NAME_PATIENCE = 60.0
"""Seconds for a server whose name nobody has known yet in this run: that is mostly a typing error."""

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Decoder(Protocol[T_co]):
    """Decodes JSON text, as msgspec's own."""

    def decode(self, body: bytes, /) -> T_co:
        """Decode it."""


@runtime_checkable
class Renewable(Protocol):
    """A sign-in that can be had anew when Jira does not take it any more."""

    @property
    def generation(self) -> int:
        """How often it has changed."""

    def expire(self, generation: int, /) -> None:
        """Sign in anew before the next request, unless somebody has done so since."""


class JiraClient:
    """Asks one Jira server as one user, until it is answered; several requests at a time."""

    def __init__(
        self,
        settings: Settings,
        auth: AuthBase,
        timing: Timing | None = None,
        on_wait: Callable[[str, float], None] | None = None,
    ) -> None:
        """Prepare the session; nothing is sent yet.

        `on_wait` is told why and how many seconds it will be until a request is tried again.
        """
        self._on_wait = on_wait
        self._base = settings.api_url
        self._anonymous = settings.auth_method == "anonymous"
        self._patience = settings.max_retry_seconds
        self._timing = timing or Timing()
        self._gate = Gate(self._timing, settings.max_concurrent_requests)
        self._transport = Transport(settings, auth)
        self._renewable = auth if isinstance(auth, Renewable) else None
        self._name_known = False

    @property
    def stopping(self) -> bool:
        """Tell whether a signal asked the run to stop."""
        return bool(self._timing.wait(0))

    def rest(self, seconds: float) -> None:
        """Send no request for so long."""
        self._gate.close(seconds)

    def get(self, path: str, kind: type[T]) -> tuple[T, Answer]:
        """Ask for `path` (below the base URL) and decode the JSON answer as `kind`."""
        answer = self.exchange("GET", path)
        return decode(answer, path, msgspec.json.Decoder(kind, float_hook=Decimal)), answer

    def search(
        self, path: str, payload: Callable[[], Mapping[str, Any]], lighten: Callable[[], None]
    ) -> Answer:
        """Send a search to `path` and return its raw answer.

        `payload` is asked anew for each try, and `lighten` called where Jira or a proxy before it
        could not finish the answer, so that the next try may ask for less.
        """
        return self.exchange("POST", path, lambda: msgspec.json.encode(payload()), lighten)

    def exchange(
        self,
        method: str,
        path: str,
        body: Callable[[], bytes] | None = None,
        lighten: Callable[[], None] | None = None,
    ) -> Answer:
        """Send one request until it is answered, and return the raw answer.

        Raises:
            UnavailableError: no usable answer within `max_retry_seconds`.
            StopRequestedError: the run was asked to stop while it waited.
            TapError: the answer is final, see `verdict.judge`.
        """
        troubled: float | None = None
        tries = 0
        renewed = False
        while True:
            tries += 1
            generation = self._renewable.generation if self._renewable else 0
            with self._gate.passage():
                sent = Body(body()) if body else None
                outcome = self._transport.send(method, self._base, path, sent)
            self._name_known |= not (isinstance(outcome, Wait) and outcome.nameless)
            try:
                wait = self._judge(outcome, method, path, tries)
            except AuthenticationError:
                if renewed or self._renewable is None:
                    raise
                renewed = True
                self._renewable.expire(generation)
                continue
            if wait is None and isinstance(outcome, Answer):
                self._welcome(outcome)
                return outcome
            if wait is not None:
                now = self._timing.clock()
                troubled = now if troubled is None else troubled
                self._wait(wait, now - troubled, tries, f"{method} {path}")
                if wait.heavy and lighten:
                    lighten()

    def _judge(self, outcome: Answer | Wait, method: str, path: str, tries: int) -> Wait | None:
        """Return how to wait, or None for an answer to use."""
        if isinstance(outcome, Wait):
            return outcome
        try:
            wait = judge(outcome, anonymous=self._anonymous)
            return refuse(outcome) if wait and wait.once and tries > 1 else wait
        except TapError as error:
            raise type(error)(f"{method} {path}: {error}") from error

    def _wait(self, wait: Wait, troubled: float, tries: int, request: str) -> None:
        """Close the gate until the next try, if patience lasts so long."""
        pause = self._pause(wait, tries)
        patience = (
            self._patience if self._name_known else min(self._patience, UNKNOWN_NAME_PATIENCE)
        )
        if pause > patience - troubled:
            advice = (
                "Jira is overloaded or unreachable; run again later, or correct 'api_url' if it never answered."
                if self._name_known
                else "Look for a typing error in 'api_url', and whether this machine can look names up."
            )
            raise UnavailableError(
                f"{request}: {wait.reason}, and still no answer after {tries} tries. {advice}"
            )
        if pause:
            logger.warning("%s: %s; waiting %.1f s", request, wait.reason, pause)
            self._gate.close(pause)
        if self._on_wait is not None:
            self._on_wait(wait.reason, pause)

    def _welcome(self, answer: Answer) -> None:
        if near_limit(answer):
            self._gate.narrow()
        else:
            self._gate.answered()
        if pause := breather(answer):
            self._gate.close(pause)

    def _pause(self, wait: Wait, tries: int) -> float:
        """Grow from one second, doubled with each try, with dice so that clients spread out."""
        if wait.once:
            return 0.0
        grown = min(LONGEST_PAUSE, 2.0 ** (tries - 1))
        return max(wait.seconds, grown) * (1 + self._timing.dice() / 4)


def decode(answer: Answer, path: str, decoder: Decoder[T]) -> T:
    """Decode the JSON of an answer.

    Raises:
        AnswerError: it has another shape.
        UnavailableError: it is no JSON, though it said so; a proxy may have cut it.
    """
    body = answer.body
    with decoding(path):
        if body.find(b"\n", 0, -1) >= 0:
            # Parts of it are printed as they are, and a line must not be broken.
            body = msgspec.json.format(body, indent=-1)
        return decoder.decode(body)


@contextmanager
def decoding(path: str) -> Iterator[None]:
    """Say of what cannot be decoded within the block that it is the answer from `path`; raises as `decode`."""
    try:
        yield
    except msgspec.ValidationError as error:
        raise AnswerError(f"{path}: Jira's answer has an unexpected shape: {error}.") from error
    except msgspec.DecodeError as error:
        raise UnavailableError(f"{path}: Jira's answer is broken JSON ({error}).") from error
