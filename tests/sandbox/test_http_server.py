"""The server below the application: connections that stay open, bodies in pieces, and what it refuses."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.http_server import HttpServer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

TIMEOUT = 5


def echo(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
    """Answers with what it understood; the path decides on oddities."""
    body = environ["wsgi.input"].read()
    path = environ["PATH_INFO"]
    text = f"{environ['REQUEST_METHOD']} {path} {environ['QUERY_STRING']} ".encode() + body
    if path == "/dropped":
        raise ConnectionAbortedError("ordered")
    if path == "/cut":
        start("200 OK", [("Content-Length", str(len(text) + 1))])
        return [text]
    if path == "/pieces":
        start("200 OK", [("Content-Length", str(2 * len(text)))])
        return iter([text, text])
    if path == "/endless":
        start("200 OK", [])
        return [text]
    start("200 OK", [("Content-Length", str(len(text)))])
    return [text]


@contextmanager
def serving() -> Iterator[HttpServer]:
    """The echo on a free port."""
    server = HttpServer(socket.create_server(("127.0.0.1", 0)), echo)
    server.start()
    try:
        yield server
    finally:
        server.close()


@contextmanager
def connection(server: HttpServer) -> Iterator[socket.socket]:
    """A raw connection."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=TIMEOUT) as made:
        yield made


def everything(made: socket.socket) -> bytes:
    """All bytes until the server closes."""
    found = b""
    while data := made.recv(65_536):
        found += data
    return found


def test_a_connection_serves_one_request_after_another() -> None:
    """Two requests in one write get two answers in their order, and the last one closes when asked to."""
    with serving() as server, connection(server) as made:
        made.sendall(
            b"POST /one?a=%20b HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nxyz"
            b"GET /tw%C3%B6 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        )
        text = everything(made)
    assert text.count(b"HTTP/1.1 200 OK") == 2
    assert b"POST /one a=%20b xyz" in text
    assert text.endswith(b"GET /tw\xc3\x83\xc2\xb6  ")
    assert text.count(b"Connection: close") == 1


def test_a_request_may_come_byte_by_byte() -> None:
    """Head and body are put together from whatever arrives."""
    with serving() as server, connection(server) as made:
        for byte in b"POST / HTTP/1.1\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi":
            made.sendall(bytes([byte]))
        assert everything(made).endswith(b"POST /  hi")


@pytest.mark.parametrize(
    ("path", "ending"),
    [("/cut", b"GET /cut  "), ("/endless", b"GET /endless  "), ("/dropped", b"")],
)
def test_a_broken_or_unmeasured_answer_ends_the_connection(path: str, ending: bytes) -> None:
    """A body shorter than announced, one without a length, and none at all: nothing may follow them."""
    with serving() as server, connection(server) as made:
        made.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        text = everything(made)
    assert text.endswith(ending)
    assert bool(text) == bool(ending)


def test_a_body_in_pieces_keeps_the_connection_open() -> None:
    """Several chunks with the right length are one answer."""
    request = b"GET /pieces HTTP/1.1\r\nHost: x\r\n\r\n"
    with serving() as server, connection(server) as made:
        made.sendall(request + request.replace(b"Host: x", b"Connection: close"))
        assert everything(made).count(b"GET /pieces  ") == 4


@pytest.mark.parametrize(
    "request_",
    [
        b"rubbish\r\n\r\n",
        b"GET / HTTP/1.1\r\nno header\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n",
    ],
)
def test_what_it_does_not_read_is_a_400(request_: bytes) -> None:
    """The answer says why, and the connection ends."""
    with serving() as server, connection(server) as made:
        made.sendall(request_)
        assert everything(made).startswith(b"HTTP/1.1 400 Bad Request\r\n")


def test_a_client_that_waits_for_continue_gets_it() -> None:
    """`Expect: 100-continue` is answered before the body is read."""
    with serving() as server, connection(server) as made:
        made.sendall(b"POST / HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        assert made.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        made.sendall(b"hi")
        assert made.recv(1000).endswith(b"POST /  hi")


def test_closing_ends_open_connections_and_threads() -> None:
    """An idle client sees the end at once, and no thread of the server goes on."""
    before = threading.active_count()
    with serving() as server, connection(server) as made:
        made.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert made.recv(1000)
        server.close()
        assert made.recv(1000) == b""
        for thread in threading.enumerate():
            if thread.name.startswith("sandbox"):
                thread.join(TIMEOUT)
    assert threading.active_count() <= before
