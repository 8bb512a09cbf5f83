"""An HTTP proxy before a real S3 server that refuses, cuts off, loses or holds the requests that a test names."""

from __future__ import annotations

import http.client
import socket
import threading
from contextlib import closing
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from typing_extensions import Self

Kind = Literal["put", "begin", "part", "complete", "abort", "list", "head", "other"]


@dataclass(frozen=True)
class Fault:
    """What happens to a request.

    `refuse`: `status` and `code` without asking the server. `cut`: the connection closes before the
    server hears of it. `lose`: the server does it, and the answer is lost. `hold`: it waits for
    `release` before the server hears of it. `hold answer`: after the server has done it.
    """

    what: Literal["refuse", "cut", "lose", "hold", "hold answer"]
    status: int = 0
    code: str = ""


Faults = dict[tuple[Kind, int], Fault]
"""By kind of request and its number of that kind, from 1."""


class FaultyS3:
    """The proxy; `held` is set when a request waits, `asked` lists the kinds of all requests, `conditional` which had a condition, `md5` which a Content-MD5."""

    def __init__(
        self,
        upstream: int,
        faults: Faults | Callable[[Kind, int], Fault | None],
        *,
        lacks: str | None = None,
    ) -> None:
        """Listen on a free port; headers that begin with what it `lacks` are refused, as by an older store."""
        self.held = threading.Event()
        self._go = threading.Event()
        self.asked: list[Kind] = []
        self.conditional: list[bool] = []
        self.md5: list[bool] = []
        self._lacks = lacks
        self._lock = threading.Lock()
        self._fault = faults if callable(faults) else lambda kind, n: faults.get((kind, n))
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _serve(self) -> None:
                proxy.serve(self, upstream)

            do_PUT = do_GET = do_POST = do_DELETE = do_HEAD = _serve  # noqa: N815 - http.server's names

            def log_message(self, *arguments: object) -> None:
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            def handle_error(self, *_: object) -> None:
                """A client that was killed is what the tests are about."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
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
        self.release()
        self._server.shutdown()
        self._thread.join(10)
        self._server.server_close()

    def release(self) -> None:
        """Let held requests go on."""
        self._go.set()

    def serve(self, handler: BaseHTTPRequestHandler, upstream: int) -> None:
        """Answer one request."""
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        kind = _kind(handler)
        with self._lock:
            self.asked.append(kind)
            self.conditional.append("If-None-Match" in handler.headers)
            self.md5.append("Content-MD5" in handler.headers)
            fault = self._fault(kind, self.asked.count(kind))
        if self._lacks and any(name.lower().startswith(self._lacks) for name in handler.headers):
            fault = Fault("refuse", 501, "NotImplemented")
        what = fault.what if fault else ""
        if fault and what == "refuse":
            text = f"<Error><Code>{fault.code}</Code><Message>no</Message></Error>".encode()
            _answer(handler, fault.status, {}, b"" if kind == "head" else text)
            return
        if what == "hold":
            self._hold()
        if what != "cut":
            status, headers, text = _forward(handler, upstream, body)
        if what == "hold answer":
            self._hold()
        if what in {"cut", "lose"}:
            handler.close_connection = True
            handler.connection.shutdown(socket.SHUT_RDWR)
            return
        _answer(handler, status, headers, text)

    def _hold(self) -> None:
        self.held.set()
        self._go.wait(60)


def _kind(handler: BaseHTTPRequestHandler) -> Kind:
    query = parse_qs(urlsplit(handler.path).query, keep_blank_values=True)
    named: dict[tuple[str, bool, bool], Kind] = {
        ("PUT", False, False): "put",
        ("PUT", False, True): "part",
        ("POST", True, False): "begin",
        ("POST", False, True): "complete",
        ("DELETE", False, True): "abort",
        ("GET", True, False): "list",
        ("HEAD", False, False): "head",
    }
    return named.get((handler.command, "uploads" in query, "uploadId" in query), "other")


def _forward(
    handler: BaseHTTPRequestHandler, upstream: int, body: bytes
) -> tuple[int, dict[str, str], bytes]:
    with closing(http.client.HTTPConnection("127.0.0.1", upstream, timeout=60)) as connection:
        connection.putrequest(
            handler.command, handler.path, skip_host=True, skip_accept_encoding=True
        )
        for name, value in handler.headers.items():
            if name.lower() != "expect":  # answered here
                connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()


def _answer(
    handler: BaseHTTPRequestHandler, status: int, headers: dict[str, Any], text: bytes
) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        if name.lower() not in {"content-length", "transfer-encoding", "connection"}:
            handler.send_header(name, value)
    length = headers.get("Content-Length", "0") if handler.command == "HEAD" else len(text)
    handler.send_header("Content-Length", str(length))
    handler.end_headers()
    handler.wfile.write(text)
