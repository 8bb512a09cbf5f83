"""Lines from the tap's pipe, as bytes, with a timer and a stop signal.

The pipe, the timer, the signals and finished uploads are waited for together: a tap that says nothing
does not delay the timer or a STATE, and SIGTERM does not wait for the next message.
"""

from __future__ import annotations

import contextlib
import fcntl
import io
import os
import selectors
import signal
import socket
import threading
from typing import IO, TYPE_CHECKING, Any

from target_s3_jsonl.encode import guess_stream
from target_s3_jsonl.errors import MessageError
from target_s3_jsonl.lines import Lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

_CHUNK = 1024**2
_LONGEST_WAIT = 3600.0  # poll() takes 24 days at most; to wake up too early does no harm
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class StopSignal:
    """What `stop_signal` hands out. `received` is the first signal; Ctrl-C often comes twice."""

    def __init__(self) -> None:
        """Nothing received yet."""
        self.received: signal.Signals | None = None
        self.reader, self.writer = socket.socketpair()
        self.reader.setblocking(False)  # noqa: FBT003 - the socket module's own signature
        self.writer.setblocking(False)  # noqa: FBT003 - the socket module's own signature

    def note(self, signum: int, _frame: FrameType | None) -> None:
        """Handle a signal: set a flag. The wake-up descriptor does the rest."""
        if self.received is None:
            self.received = signal.Signals(signum)

    def wake(self) -> None:
        """End the wait of `Intake.lines`. Any thread may call it."""
        with contextlib.suppress(BlockingIOError):  # full of wake-ups already
            self.writer.send(b"\0")

    def fileno(self) -> int:
        """Return the descriptor that becomes readable on a signal or a call of `wake`."""
        return self.reader.fileno()

    def drain(self) -> None:
        """Forget the wake-ups so far, so that a signal of no concern (a child's end) does not spin the loop."""
        with contextlib.suppress(BlockingIOError):
            self.reader.recv(4096)


@contextlib.contextmanager
def stop_signal() -> Iterator[StopSignal]:
    """Within the block SIGTERM and SIGINT only set a flag and wake whoever waits on the descriptor.

    Only the main thread may handle signals; elsewhere nothing is installed. A signal that the
    parent process chose to ignore stays ignored. The earlier handlers come back afterwards, unless
    a signal was received: the program is about to end then, and a second one that comes a moment
    later must not change its exit code, so both are ignored from there on.
    """
    stop = StopSignal()
    with stop.reader, stop.writer:
        if threading.current_thread() is not threading.main_thread():
            yield stop
            return
        wakeup = signal.set_wakeup_fd(stop.writer.fileno(), warn_on_full_buffer=False)
        handlers = {each: signal.getsignal(each) for each in _SIGNALS}
        ours = [each for each, handler in handlers.items() if handler not in {signal.SIG_IGN, None}]
        for each in ours:
            signal.signal(each, stop.note)
        try:
            yield stop
        finally:
            signal.set_wakeup_fd(wakeup)
            for each in ours:
                signal.signal(each, handlers[each] if stop.received is None else signal.SIG_IGN)


class Intake:
    """The input, line by line."""

    def __init__(self, file: IO[Any], stop: StopSignal) -> None:
        """Take standard input or a file, in text or binary mode; the descriptor itself is read where there is one."""
        self._file = file
        self._stop = stop
        self.tail = b""
        """After the last line: what followed the last newline. A tap that died in mid-line leaves it."""

    def lines(self, seconds_left: Callable[[], float | None]) -> Iterator[bytes | None]:
        """Yield each line without its newline, and None after each reading, in silence after `seconds_left()`, and at a wake-up.

        Ends at the end of the input or at a signal. `seconds_left` returns None where nothing is
        due.

        Raises:
            MessageError: A line is longer than any may be, or the input cannot be read to its end.
        """
        descriptor = _plain_descriptor(self._file)
        if descriptor is not None:
            _widen(descriptor)
        chunks = self._decoded() if descriptor is None else self._chunks(descriptor, seconds_left)
        lines = Lines()
        for chunk in chunks:
            if chunk is not None:
                for line in _cut(lines, chunk):
                    yield line
                    if self._stop.received is not None:
                        return
            yield None
        self.tail = lines.rest

    def _chunks(
        self, descriptor: int, seconds_left: Callable[[], float | None]
    ) -> Iterator[bytes | None]:
        # poll(), because epoll refuses regular files and select() refuses descriptors above 1023.
        with selectors.PollSelector() as selector:
            selector.register(descriptor, selectors.EVENT_READ)
            selector.register(self._stop, selectors.EVENT_READ)
            while self._stop.received is None:
                left = seconds_left()
                ready = {
                    key.fileobj
                    for key, _ in selector.select(
                        None if left is None else min(max(left, 0), _LONGEST_WAIT)
                    )
                }
                if self._stop in ready:
                    self._stop.drain()
                    yield None
                elif descriptor in ready:
                    chunk = _read(descriptor)
                    if not chunk:
                        return
                    yield chunk
                else:
                    yield None

    def _decoded(self) -> Iterator[bytes]:
        while piece := self._file.readline(_CHUNK):  # a line, or as much of it
            yield piece.encode() if isinstance(piece, str) else piece


def _cut(lines: Lines, chunk: bytes) -> list[bytes]:
    try:
        return lines.cut(chunk)
    except MessageError as error:
        error.stream = guess_stream(lines.rest)
        raise


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, _CHUNK)
    except OSError as error:  # a disk or a network behind it
        raise MessageError(
            f"the input cannot be read any further: {error.strerror}. What came before is stored."
        ) from error


def _widen(descriptor: int) -> None:
    """Let a pipe hold as much as is read at once; as it comes it holds a few records only."""
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        with contextlib.suppress(OSError):  # a file, or more than this user may have
            fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, _CHUNK)


def _plain_descriptor(file: IO[Any]) -> int | None:
    """Return the descriptor of a file that reads it without any decoding in between (gzip, say), else None."""
    binary = getattr(file, "buffer", file)
    if isinstance(binary, io.BufferedReader) and isinstance(binary.raw, io.FileIO):
        return binary.fileno()
    return None
