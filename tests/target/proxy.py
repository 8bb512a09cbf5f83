"""A loopback TCP proxy that loses or delays answers, and an S3 whose answers are scripted."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from typing_extensions import Self

_ANSWER = b"HTTP/1.1 200"


class Proxy:
    """Passes bytes on to a server. The first `lose` good answers are cut off, each answer waits `delay` seconds.

    What a client sends first waits `hold` seconds, and is dropped at the end of the block. `asked`
    is set when the first bytes of a request have come. The server has received all of a request
    whose answer is lost or late: this is how one asks what happens after it stored an object.
    """

    def __init__(
        self, upstream: int, *, lose: int = 0, delay: float = 0.0, hold: float = 0.0
    ) -> None:
        """Listen on a free port."""
        self._upstream = upstream
        self._lose = lose
        self._delay = delay
        self._hold = hold
        self.asked = threading.Event()
        self.lost = 0
        self._closing = threading.Event()
        self._threads: list[threading.Thread] = []
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        """Start."""
        self._spawn(self._accept)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop: close every socket and wait for the threads."""
        self._closing.set()
        for each in [self._listener, *self._sockets]:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        for thread in self._threads:
            thread.join(10)

    def _spawn(self, work: object, *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)  # type: ignore[arg-type]  # a bound method
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._upstream))
            except OSError:
                return
            self._sockets += [client, server]
            self._spawn(self._requests, client, server)
            self._spawn(self._answers, server, client)

    def _requests(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            hold = self._hold
            while data := client.recv(65536):
                self.asked.set()
                if hold and self._closing.wait(hold):
                    return
                hold = 0
                server.sendall(data)
            server.shutdown(socket.SHUT_WR)

    def _answers(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(65536):
                if data.startswith(_ANSWER):
                    self._closing.wait(self._delay)
                    if self.lost < self._lose:
                        self.lost += 1
                        break
                client.sendall(data)
            client.shutdown(socket.SHUT_RDWR)


class ScriptedS3:
    """Answers requests by a list of `(method, status, code)`; a request that is not the next one gets 500.

    `requests` holds what was asked: method, path, and whether `If-None-Match` was sent; `bodies` what
    was posted. Every answer carries `headers`.
    """

    def __init__(
        self, *script: tuple[str, int, str], headers: Mapping[str, str] | None = None
    ) -> None:
        """Listen on a free port."""
        self.requests: list[tuple[str, str, bool]] = []
        self.bodies: list[bytes] = []
        bodies = self.bodies
        remaining = list(script)
        requests = self.requests

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if self.command == "POST":
                    bodies.append(body)
                requests.append((self.command, self.path, "If-None-Match" in self.headers))
                expected, status, code = remaining.pop(0) if remaining else ("", 500, "Unexpected")
                if expected != self.command:
                    status, code = 500, "Unexpected"
                body = b"" if status == 200 or self.command == "HEAD" else _error(code)
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                for name, value in (headers or {}).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_PUT = do_HEAD = do_GET = do_POST = do_DELETE = _answer  # noqa: N815 - http.server's names

            def log_message(self, *arguments: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True
        )
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        """Start."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop."""
        self._server.shutdown()
        self._thread.join(10)
        self._server.server_close()


def _error(code: str) -> bytes:
    return f"<Error><Code>{code}</Code><Message>scripted</Message></Error>".encode()
