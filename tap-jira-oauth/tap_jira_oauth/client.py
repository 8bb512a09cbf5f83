"""One exchange with Jira over HTTP: send, judge the answer, wait, sign anew, send again."""

from __future__ import annotations

import logging
import random
import threading
import time
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import msgspec
import requests

from tap_jira_oauth.answer import Answer, Wait, judge, refuse
from tap_jira_oauth.errors import AnswerError, TapError, UnavailableError
from tap_jira_oauth.transport import describe, transport_options, user_agent

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


class JiraClient:
    """Asks one Jira server as one user.

    Requests are signed once per try by `auth`. No redirect is followed and no transport below
    repeats a request: a signature is good for one address and one moment only.
    """

    def __init__(self, settings: Settings, auth: AuthBase, timing: Timing | None = None) -> None:
        """Prepare the session; nothing is sent yet."""
        self._base = settings.api_url
        self._anonymous = settings.auth_method == "anonymous"
        self._patience = settings.max_retry_seconds
        self._timing = timing or Timing()
        self._session = requests.Session()
        self._session.auth = auth
        self._session.headers.update(
            {
                "Accept": "application/json",
                "Accept-Language": "en",
                "X-Force-Accept-Language": "true",
                "User-Agent": user_agent(settings),
            }
        )
        self._transport = transport_options(settings)

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
        tries = 0
        while True:
            tries += 1
            outcome = self._try(method, path, body)
            if isinstance(outcome, Answer):
                wait = self._judge(outcome, method, path)
                if wait is None:
                    return outcome
                if wait.once and tries > 1:
                    _explain(refuse, outcome, method, path)
            else:
                wait = outcome
            left = self._patience - (self._timing.clock() - started)
            pause = self._pause(wait, tries)
            if pause > left:
                raise UnavailableError(
                    f"{method} {path}: {wait.reason}, and still no answer after {tries} tries. "
                    "Jira is overloaded or unreachable; run again later, the bookmark is saved."
                )
            if pause:
                logger.warning("%s %s: %s; waiting %.1f s", method, path, wait.reason, pause)
            if self._timing.wait(pause):
                raise StopRequestedError

    def _judge(self, answer: Answer, method: str, path: str) -> Wait | None:
        return _explain(lambda given: judge(given, anonymous=self._anonymous), answer, method, path)

    def _try(self, method: str, path: str, body: bytes | None) -> Answer | Wait:
        headers = {"Content-Type": "application/json"} if body is not None else None
        try:
            response = self._session.request(
                method, f"{self._base}{path}", data=body, headers=headers, **self._transport
            )
        except OSError as error:
            trouble = describe(error, self._base)
            if isinstance(trouble, TapError):
                raise trouble from error
            return Wait(trouble, 0)
        return Answer(response.status_code, response.headers, response.content)

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
