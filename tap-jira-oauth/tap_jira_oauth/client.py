"""One exchange with Jira over HTTP: send, judge the answer, wait, sign anew, send again."""

from __future__ import annotations

import logging
import random
import threading
import time
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

import msgspec

from tap_jira_oauth.answer import Answer, Wait, judge, refuse
from tap_jira_oauth.errors import AnswerError, AuthenticationError, TapError, UnavailableError
from tap_jira_oauth.transport import Body, Transport

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from requests.auth import AuthBase

    from tap_jira_oauth.settings import Settings

logger = logging.getLogger("tap-jira-oauth")

LONGEST_PAUSE = 60.0
"""Seconds; the longest pause that grows by itself. The server may ask for longer ones."""

T = TypeVar("T")


class Patience(Protocol):
    """Waits, and may be interrupted: returns True when the run is to stop."""

    def __call__(self, seconds: float, /) -> bool | None:
        """Wait for so many seconds."""


class StopRequestedError(Exception):
    """A signal asked the run to stop while it waited. Not an error: nothing went wrong."""


@dataclass(frozen=True)
class Timing:
    """The clock, the waiting and the dice, as parameters so that tests need no real time."""

    clock: Callable[[], float] = time.monotonic
    wait: Patience = threading.Event().wait
    dice: Callable[[], float] = random.random


@runtime_checkable
class Renewable(Protocol):
    """A sign-in that can be had anew when Jira does not take it any more."""

    @property
    def generation(self) -> int:
        """How often it has changed."""

    def expire(self, generation: int, /) -> None:
        """Sign in anew before the next request, unless somebody has done so since."""


class JiraClient:
    """Asks one Jira server as one user, until it is answered."""

    def __init__(self, settings: Settings, auth: AuthBase, timing: Timing | None = None) -> None:
        """Prepare the session; nothing is sent yet."""
        self._base = settings.api_url
        self._anonymous = settings.auth_method == "anonymous"
        self._patience = settings.max_retry_seconds
        self._timing = timing or Timing()
        self._transport = Transport(settings, auth)
        self._renewable = auth if isinstance(auth, Renewable) else None

    @property
    def stopping(self) -> bool:
        """Tell whether a signal asked the run to stop."""
        return bool(self._timing.wait(0))

    def get(self, path: str, kind: type[T]) -> tuple[T, Answer]:
        """Ask for `path` (below the base URL) and decode the JSON answer as `kind`."""
        answer = self.exchange("GET", path)
        return _decode(answer, path, kind), answer

    def post(self, path: str, payload: Mapping[str, Any], kind: type[T]) -> tuple[T, Answer]:
        """Send JSON to `path` and decode the answer. Only for searches: it may be sent twice."""
        answer = self.exchange("POST", path, msgspec.json.encode(payload))
        return _decode(answer, path, kind), answer

    def exchange(self, method: str, path: str, body: bytes | None = None) -> Answer:
        """Send one request until it is answered, and return the raw answer.

        Raises:
            UnavailableError: no usable answer within `max_retry_seconds`.
            StopRequestedError: the run was asked to stop while it waited.
            TapError: the answer is final, see `answer.judge`.
        """
        started = self._timing.clock()
        sent = Body(body) if body is not None else None
        tries = 0
        renewed = self._renewable is None
        while True:
            tries += 1
            generation = self._renewable.generation if self._renewable else 0
            outcome = self._transport.send(method, self._base, path, sent)
            try:
                wait = self._judge(outcome, method, path, tries)
            except AuthenticationError:
                if renewed or self._renewable is None:
                    raise
                renewed = True
                self._renewable.expire(generation)
                continue
            if isinstance(outcome, Answer) and wait is None:
                return outcome
            if wait is not None:
                self._wait(wait, started, tries, f"{method} {path}")

    def _judge(self, outcome: Answer | Wait, method: str, path: str, tries: int) -> Wait | None:
        """Return how to wait, or None for an answer to use."""
        if isinstance(outcome, Wait):
            return outcome

        def step(answer: Answer) -> Wait | None:
            wait = judge(answer, anonymous=self._anonymous)
            return refuse(answer) if wait and wait.once and tries > 1 else wait

        return _explain(step, outcome, method, path)

    def _wait(self, wait: Wait, started: float, tries: int, request: str) -> None:
        """Wait before the next try, if patience lasts so long."""
        left = self._patience - (self._timing.clock() - started)
        pause = self._pause(wait, tries)
        if pause > left:
            raise UnavailableError(
                f"{request}: {wait.reason}, and still no answer after {tries} tries. "
                "Jira is overloaded or unreachable; run again later, the bookmark is saved."
            )
        if pause:
            logger.warning("%s: %s; waiting %.1f s", request, wait.reason, pause)
        if self._timing.wait(pause):
            raise StopRequestedError

    def _pause(self, wait: Wait, tries: int) -> float:
        """Grow from one second, doubled with each try, with dice so that clients spread out."""
        if wait.once:
            return 0.0
        grown = min(LONGEST_PAUSE, 2.0 ** (tries - 1))
        return max(wait.seconds, grown) * (1 + self._timing.dice() / 4)


def _explain(step: Callable[[Answer], T], answer: Answer, method: str, path: str) -> T:
    """Run a step that may refuse an answer, and put the request in front of its message."""
    try:
        return step(answer)
    except TapError as error:
        raise type(error)(f"{method} {path}: {error}") from error


def _decode(answer: Answer, path: str, kind: type[T]) -> T:
    try:
        # Decimal keeps every digit of a number.
        return msgspec.json.Decoder(kind, float_hook=Decimal).decode(answer.body)
    except msgspec.ValidationError as error:
        raise AnswerError(f"{path}: Jira's answer has an unexpected shape: {error}.") from error
    except msgspec.DecodeError as error:
        raise UnavailableError(f"{path}: Jira's answer is broken JSON ({error}).") from error
