"""One exchange with Jira over HTTP: send, judge the answer, wait, sign anew, send again."""

from __future__ import annotations

import logging
from decimal import Decimal
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import requests
import urllib3
from requests.adapters import HTTPAdapter

from tap_jira_oauth.answer import Answer, Wait, breather, judge, refuse
from tap_jira_oauth.errors import AnswerError, ConfigurationError, TapError, UnavailableError
from tap_jira_oauth.gate import Gate, Timing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from requests.auth import AuthBase

    from tap_jira_oauth.settings import Settings

logger = logging.getLogger("tap-jira-oauth")

LONGEST_PAUSE = 60.0
"""Seconds; the longest pause that grows by itself. The server may ask for longer ones."""

T = TypeVar("T")


class JiraClient:
    """Asks one Jira server as one user.

    Requests are signed once per try by `auth`. No redirect is followed and no transport below
    repeats a request: a signature is good for one address and one moment only.
    """

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
        self._session = requests.Session()
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(pool_maxsize=settings.max_concurrent_requests))
        self._session.auth = auth
        self._session.headers.update(
            {
                "Accept": "application/json",
                "Accept-Language": "en",
                "X-Force-Accept-Language": "true",
                "User-Agent": settings.user_agent or f"tap-jira-oauth/{version('tap-jira-oauth')}",
            }
        )
        if not settings.verify_ssl:
            logger.warning("verify_ssl is off: whoever is between here and Jira can read along")
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        proxy = settings.proxy_url
        # Given with every request, since requests lets the environment win over the session.
        self._transport: dict[str, Any] = {
            "timeout": settings.request_timeout,
            "stream": True,
            "allow_redirects": False,
            "verify": (settings.ca_bundle or True) if settings.verify_ssl else False,
            "cert": settings.client_certificate,
            "proxies": {"http": proxy, "https": proxy} if proxy else None,
        }

    @property
    def stopping(self) -> bool:
        """Tell whether a signal asked the run to stop."""
        return bool(self._timing.wait(0))

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
            TapError: the answer is final, see `answer.judge`.
        """
        troubled: float | None = None
        tries = 0
        while True:
            tries += 1
            with self._gate.passage():
                outcome = self._try(method, path, body() if body else None)
            if isinstance(outcome, Answer):
                wait = self._judge(outcome, method, path)
                if wait is None:
                    self._welcome(outcome)
                    return outcome
                if wait.once and tries > 1:
                    _explain(refuse, outcome, method, path)
            else:
                wait = outcome
            now = self._timing.clock()
            troubled = now if troubled is None else troubled
            pause = self._pause(wait, tries)
            if pause > self._patience - (now - troubled):
                raise UnavailableError(
                    f"{method} {path}: {wait.reason}, and still no answer after {tries} tries. "
                    "Jira is overloaded or unreachable; run again later, the bookmark is saved."
                )
            if wait.heavy and lighten:
                lighten()
            if pause:
                logger.warning("%s %s: %s; waiting %.1f s", method, path, wait.reason, pause)
                self._gate.close(pause)
            if self._on_wait is not None:
                self._on_wait(wait.reason, pause)

    def _welcome(self, answer: Answer) -> None:
        self._gate.answered()
        if pause := breather(answer):
            self._gate.close(pause)

    def _judge(self, answer: Answer, method: str, path: str) -> Wait | None:
        return _explain(lambda given: judge(given, anonymous=self._anonymous), answer, method, path)

    def _try(self, method: str, path: str, body: bytes | None) -> Answer | Wait:
        headers = {"Content-Type": "application/json"} if body is not None else None
        try:
            with self._session.request(
                method, f"{self._base}{path}", data=body, headers=headers, **self._transport
            ) as response:
                # `content` would put the body together from small pieces, at twice the cost.
                content = response.raw.read(decode_content=True)
                return Answer(response.status_code, response.headers, content)
        except requests.exceptions.SSLError as error:
            if "EOF" in str(error):  # the connection was cut, which may pass
                return Wait(f"{self._base} broke off the TLS connection", 0)
            raise ConfigurationError(
                f"TLS with {self._base} failed: {_cause(error)}. For a private authority set "
                "'ca_bundle' to its certificates."
            ) from error
        except requests.exceptions.ProxyError as error:
            raise ConfigurationError(
                f"The proxy does not let us through to {self._base}. Check 'proxy_url' or "
                "HTTPS_PROXY and NO_PROXY."
            ) from error
        except OSError as error:  # requests' own errors are OSErrors, too; a lost file is one
            if not isinstance(error, requests.exceptions.RequestException):
                raise ConfigurationError(f"Cannot read {error.filename or error}.") from error
            if isinstance(error, _HOPELESS):
                # Not in the library's words: they may hold the proxy's password.
                raise ConfigurationError(
                    f"Cannot ask {self._base} ({type(error).__name__}): 'api_url' or the proxy's "
                    "address is malformed."
                ) from error
            heavy = isinstance(error, requests.exceptions.ReadTimeout)
            return Wait(f"{self._base} does not answer ({type(error).__name__})", 0, heavy=heavy)
        except urllib3.exceptions.HTTPError as error:  # while the body was read
            reason = f"{self._base} broke off its answer ({type(error).__name__})"
            return Wait(reason, 0, heavy=True)

    def _pause(self, wait: Wait, tries: int) -> float:
        """Grow from one second, doubled with each try, with dice so that clients spread out."""
        if wait.once:
            return 0.0
        grown = min(LONGEST_PAUSE, 2.0 ** (tries - 1))
        return max(wait.seconds, grown) * (1 + self._timing.dice() / 4)


_HOPELESS = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidProxyURL,
)


def _explain(step: Callable[[Answer], T], answer: Answer, method: str, path: str) -> T:
    """Run a step that may refuse an answer, and put the request in front of its message."""
    try:
        return step(answer)
    except TapError as error:
        raise type(error)(f"{method} {path}: {error}") from error


def _cause(error: BaseException) -> str:
    """Return the innermost reason of a transport error, without addresses of Python objects."""
    while error.__context__ is not None:
        error = error.__context__
    return str(error).split(":", maxsplit=1)[-1].strip(" )") or type(error).__name__


def decode(answer: Answer, path: str, decoder: msgspec.json.Decoder[T]) -> T:
    """Decode the JSON of an answer.

    Raises:
        AnswerError: it has another shape.
        UnavailableError: it is no JSON, though it said so; a proxy may have cut it.
    """
    try:
        return decoder.decode(answer.body)
    except msgspec.ValidationError as error:
        raise AnswerError(f"{path}: Jira's answer has an unexpected shape: {error}.") from error
    except msgspec.DecodeError as error:
        raise UnavailableError(f"{path}: Jira's answer is broken JSON ({error}).") from error
