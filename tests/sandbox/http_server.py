"""The HTTP/1.1 server below the application: connections that stay open, and nothing that a benchmark could measure.

One thread a connection; a defect of the application ends its thread with a traceback and its connection with a cut. It reads requests with a `Content-Length` or none (that is what REST clients send; chunked ones
are refused), and closes a connection whose answer was shorter than announced, which is how a fault cuts one.
"""

from __future__ import annotations

import io
import socket
import sys
import threading
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote_to_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

_LONGEST_HEAD: Final = 65_536
_READ: Final = 65_536
_BACKLOG: Final = 256
_UNPREFIXED: Final = frozenset({"CONTENT_TYPE", "CONTENT_LENGTH"})


class BadRequestError(Exception):
    """The bytes that came are no request that this server reads."""


@dataclass(frozen=True)
class Head:
    """Request line and headers, names as WSGI has them."""

    method: str
    target: str
    version: str
    headers: dict[str, str]

    @classmethod
    def read(cls, text: bytes) -> Head:
        """From the bytes before the empty line."""
        first, *lines = text.decode("latin-1").split("\r\n")
        try:
            method, target, version = first.split(" ")
        except ValueError as error:
            raise BadRequestError(f"no request line: {first[:80]!r}") from error
        headers: dict[str, str] = {}
        for line in lines:
            name, colon, value = line.partition(":")
            if not colon:
                raise BadRequestError(f"no header: {line[:80]!r}")
            key = name.strip().upper().replace("-", "_")
            key = key if key in _UNPREFIXED else f"HTTP_{key}"
            value = value.strip()
            headers[key] = f"{headers[key]},{value}" if key in headers else value
        return cls(method, target, version, headers)

    @property
    def length(self) -> int:
        """Bytes of the body."""
        text = self.headers.get("CONTENT_LENGTH", "0")
        if "HTTP_TRANSFER_ENCODING" in self.headers or not text.isdecimal():
            raise BadRequestError("a request body needs a Content-Length")
        return int(text)

    @property
    def keeps_open(self) -> bool:
        """Whether the client wants to send more."""
        wish = self.headers.get("HTTP_CONNECTION", "").lower()
        return "close" not in wish if self.version == "HTTP/1.1" else "keep-alive" in wish


@dataclass
class Answer:
    """What the application starts its response with."""

    status: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)

    def start(self, status: str, headers: list[tuple[str, str]], _error: object = None) -> Any:
        """WSGI's `start_response`."""
        self.status, self.headers = status, headers

        def write(_data: bytes) -> None:
            raise NotImplementedError("answer with an iterable")

        return write

    def announced(self) -> int | None:
        """The `Content-Length`, if there is one."""
        return next(
            (int(value) for name, value in self.headers if name.lower() == "content-length"), None
        )

    def head(self, *, keep: bool) -> bytes:
        """Status line and headers."""
        lines = [f"HTTP/1.1 {self.status}", *(f"{name}: {value}" for name, value in self.headers)]
        if not keep:
            lines.append("Connection: close")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class HttpServer:
    """Serves one WSGI application on a listening socket until `close`."""

    def __init__(self, listening: socket.socket, application: WSGIApplication) -> None:
        """`listening` is bound and listens; the server owns it from now on."""
        self._listening = listening
        self._application = application
        self._address: tuple[str, int] = listening.getsockname()[:2]
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._accept, name="sandbox", daemon=True)

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._address[1]

    def start(self) -> None:
        """Begin to answer."""
        self._listening.listen(_BACKLOG)
        self._thread.start()

    def close(self) -> None:
        """Answer nobody any more: the port is free and every connection is cut."""
        with self._lock:
            self._closing.set()
            open_ones = list(self._connections)
        for one in (self._listening, *open_ones):
            _shut(one)
        self._listening.close()
        self._thread.join()

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                connection, peer = self._listening.accept()
            except OSError:  # the listening socket was shut by `close`
                return
            with self._lock:
                if self._closing.is_set():
                    connection.close()
                    return
                self._connections.add(connection)
            thread = threading.Thread(
                target=self._serve, args=(connection, peer), name="sandbox-connection", daemon=True
            )
            thread.start()

    def _serve(self, connection: socket.socket, peer: tuple[str, int]) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        buffer = bytearray()
        try:
            while self._one(connection, peer, buffer):
                pass
        except BadRequestError as error:
            _refuse(connection, HTTPStatus.BAD_REQUEST, str(error))
        except OSError:
            pass  # the client went away, or `close` shut the connection; nobody is left to tell
        finally:
            with self._lock:
                self._connections.discard(connection)
            _shut(connection)
            connection.close()

    def _one(self, connection: socket.socket, peer: tuple[str, int], buffer: bytearray) -> bool:
        """Answer one request; whether another may follow on the connection."""
        text = _until_empty_line(connection, buffer)
        if text is None:
            return False
        head = Head.read(text)
        if head.headers.get("HTTP_EXPECT", "").lower() == "100-continue":
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = _exactly(connection, buffer, head.length)
        answer = Answer()
        environ = self._environ(head, body, peer)
        chunks = self._application(environ, answer.start)
        return _send(connection, head, answer, chunks)

    def _environ(self, head: Head, body: bytes, peer: tuple[str, int]) -> WSGIEnvironment:
        path, _, query = head.target.partition("?")
        return {
            "REQUEST_METHOD": head.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "QUERY_STRING": query,
            "REQUEST_URI": head.target,
            "RAW_URI": head.target,
            "REMOTE_ADDR": peer[0],
            "REMOTE_PORT": peer[1],
            "SERVER_NAME": self._address[0],
            "SERVER_PORT": str(self._address[1]),
            "SERVER_PROTOCOL": head.version,
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            **head.headers,
        }


def _send(connection: socket.socket, head: Head, answer: Answer, chunks: Iterable[bytes]) -> bool:
    """Send the answer, its head with its first chunk in one piece; whether the connection stays open."""
    announced = answer.announced()
    keep = head.keeps_open and announced is not None
    waiting, sent = answer.head(keep=keep), 0
    bodiless = head.method == "HEAD"
    try:
        for chunk in chunks:
            sent += len(chunk)
            _send_all(connection, waiting, b"" if bodiless else chunk)
            waiting = b""
        if waiting:
            connection.sendall(waiting)
    finally:
        close = getattr(chunks, "close", None)
        if close is not None:
            close()
    return keep and (bodiless or sent == announced or answer.status[:3] in {"204", "304"})


def _send_all(connection: socket.socket, head: bytes, body: bytes) -> None:
    if len(body) < _READ:
        connection.sendall(head + body)
        return
    if head:
        connection.sendall(head)
    connection.sendall(body)


def _until_empty_line(connection: socket.socket, buffer: bytearray) -> bytes | None:
    """The head of the next request; None when the client has closed between two requests."""
    while (end := buffer.find(b"\r\n\r\n")) < 0:
        if len(buffer) > _LONGEST_HEAD:
            raise BadRequestError(f"the head is longer than {_LONGEST_HEAD} bytes")
        data = connection.recv(_READ)
        if not data:
            return None
        buffer += data
    text = bytes(buffer[:end])
    del buffer[: end + 4]
    return text


def _exactly(connection: socket.socket, buffer: bytearray, length: int) -> bytes:
    while len(buffer) < length:
        data = connection.recv(_READ)
        if not data:
            raise BadRequestError("the body is shorter than its Content-Length")
        buffer += data
    body = bytes(buffer[:length])
    del buffer[:length]
    return body


def _refuse(connection: socket.socket, status: HTTPStatus, reason: str) -> None:
    text = reason.encode()
    answer = Answer(f"{status.value} {status.phrase}", [("Content-Length", str(len(text)))])
    try:
        connection.sendall(answer.head(keep=False) + text)
    except OSError:
        return  # the client went away first


def _shut(one: socket.socket) -> None:
    try:
        one.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # not connected, or shut already
