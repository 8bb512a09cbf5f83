"""The page to which Jira sends the browser back: a server on loopback that takes one answer."""

from __future__ import annotations

import hmac
import queue
import secrets
import threading
from dataclasses import dataclass, field
from html import escape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from string import Template
from typing import TYPE_CHECKING, ClassVar, TypeVar
from urllib.parse import parse_qs, urlencode, urlsplit

from typing_extensions import override

from tap_jira_oauth.errors import (
    AuthenticationError,
    ConfigurationError,
    TapError,
    UnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from typing_extensions import Self

T = TypeVar("T")

LOOPBACK = "127.0.0.1"
PATH = "/callback"

_CONNECTION_SECONDS = 30
_SEND_SECONDS = 5
_PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #ffffff; --mark: $light; }
@media (prefers-color-scheme: dark) {
:root { --ink: #e8ebef; --paper: #14171a; --mark: $dark; }
}
body { font: 1.125rem/1.5 sans-serif; color: var(--ink); background: var(--paper); max-width: 36rem; margin: 15vh auto 2rem; padding: 0 1rem; }
main { border-left: .5rem solid var(--mark); padding-left: 1.5rem; }
h1 { font-size: 1.6rem; line-height: 1.25; margin-top: 0; }
p { overflow-wrap: anywhere; }
</style>
</head>
<body>
<main>
<h1>$title</h1>
<p>$text</p>
</main>
</body>
</html>
""")


@dataclass
class _Arrival:
    """The browser is back with an answer, and waits for a page."""

    given: dict[str, str]
    page: queue.Queue[bytes] = field(default_factory=queue.Queue)
    sent: threading.Event = field(default_factory=threading.Event)


class Callback:
    """Listens on a port of loopback for the answer to one sign-in.

    Whoever else finds the port is turned away without ending the wait: an answer counts only with
    the secret `state` and, in OAuth 1.0a, with our request token.
    """

    def __init__(self, port: int = 0, path: str = PATH) -> None:
        """Take a port, any free one for 0; `url` is what to give to Jira.

        Raises:
            ConfigurationError: the port is taken.
        """
        self._state = secrets.token_urlsafe(24)
        self._path = path
        self._arrivals: queue.Queue[_Arrival] = queue.Queue(maxsize=1)
        try:
            self._server = _Server((LOOPBACK, port), _Handler)
        except OSError as error:
            raise ConfigurationError(
                f"Cannot listen on port {port} for the browser's answer: {error.strerror}."
            ) from error
        self._server.arrive = self._arrive
        self._expected: dict[str, str] = {}
        self._answers: tuple[str, ...] = ()
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """Where Jira sends the browser. Holds the secret `state`."""
        query = urlencode({"state": self._state})
        return f"http://{LOOPBACK}:{self._server.server_port}{PATH}?{query}"

    def __enter__(self) -> Self:
        """Start to listen."""
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the port back; idle connections of the browser are left to themselves."""
        self._server.shutdown()
        self._server.server_close()

    def expect(self, request_token: str) -> None:
        """Accept the answer to this request from now on; to be called before the page is opened."""
        self._expect({"state": self._state, "oauth_token": request_token}, ("oauth_verifier",))

    def expect_code(self, state: str) -> None:
        """Accept the answer of OAuth 2.0 to the page with this `state` from now on."""
        self._expect({"state": state}, ("code", "error"))

    def _expect(self, expected: dict[str, str], answers: tuple[str, ...]) -> None:
        with self._lock:
            self._expected, self._answers = expected, answers

    def wait(self, seconds: float, finish: Callable[[dict[str, str]], T]) -> T:
        """Wait for the browser, finish the sign-in with its answer, and show how it ended.

        The page is only shown when `finish` has returned or failed, so that it tells the truth.

        Raises:
            UnavailableError: nobody answered in time.
            TapError: what `finish` raised.
        """
        try:
            arrival = self._arrivals.get(timeout=seconds)
        except queue.Empty:
            raise UnavailableError(
                f"Nobody answered on Jira's page within {seconds:.0f} seconds. Start `jira-oauth "
                "login` again; if the browser runs on another machine, use --no-browser."
            ) from None
        try:
            result = finish(arrival.given)
        except TapError as error:
            self._show(arrival, failure_page(str(error)))
            raise
        self._show(arrival, success_page())
        return result

    def _show(self, arrival: _Arrival, page: bytes) -> None:
        arrival.page.put(page)
        arrival.sent.wait(_SEND_SECONDS)

    def _arrive(self, address: str) -> _Arrival:
        """Take the answer from the address that the browser asked for.

        Raises:
            AuthenticationError: it is not the answer that is waited for, or comes a second time.
        """
        parts = urlsplit(address)
        given = {name: values[0] for name, values in parse_qs(parts.query).items()}
        with self._lock:
            known = bool(self._expected) and all(
                _same(given.get(name, ""), value) for name, value in self._expected.items()
            )
            answered = any(given.get(name) for name in self._answers)
            if parts.path != self._path or not known or not answered:
                raise AuthenticationError("This is not the answer to a sign-in that waits here.")
            # One answer only; a page that is loaded again finds nobody.
            self._expected = {}
        arrival = _Arrival(given)
        self._arrivals.put(arrival)
        return arrival


class _Server(ThreadingHTTPServer):
    """A thread a connection: browsers open some in advance and send nothing on them."""

    daemon_threads = True
    arrive: Callable[[str], _Arrival]


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout: ClassVar[int] = _CONNECTION_SECONDS

    def do_GET(self) -> None:
        """Answer the browser when the sign-in is finished."""
        try:
            arrival = self.server.arrive(self.path)
        except AuthenticationError as error:
            self._send(HTTPStatus.NOT_FOUND, failure_page(str(error)))
            return
        try:
            self._send(HTTPStatus.OK, arrival.page.get())
        finally:
            arrival.sent.set()

    def _send(self, status: HTTPStatus, page: bytes) -> None:
        self.send_response(status)
        for name, value in (
            ("Content-Type", "text/html; charset=utf-8"),
            ("Content-Length", str(len(page))),
            ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'"),
            ("Cache-Control", "no-store"),
            # The address holds the verifier.
            ("Referrer-Policy", "no-referrer"),
            ("Connection", "close"),
        ):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(page)
        self.wfile.flush()

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Print nothing: the address holds the verifier."""


def success_page() -> bytes:
    """Return the page for a finished sign-in."""
    text = "The tap can read Jira as you now. You may close this page and go back to the terminal."
    return _page("Signed in", text, "#1a7f37", "#57c973")


def failure_page(reason: str) -> bytes:
    """Return the page for a sign-in that came to nothing, with the reason."""
    text = f"{reason} Nothing was stored.".replace("`", "")
    return _page("Not signed in", text, "#b42318", "#ff8a80")


def _page(title: str, text: str, light: str, dark: str) -> bytes:
    """Fill the page; the colors say again what the words say."""
    return _PAGE.substitute(title=escape(title), text=escape(text), light=light, dark=dark).encode()


def _same(given: str, expected: str) -> bool:
    return bool(expected) and hmac.compare_digest(given.encode(), expected.encode())
