"""Where a person sees the progress: a live line on a terminal, else a line in the log now and then.

Everything goes to stderr; stdout belongs to the Singer messages.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from tap_jira_oauth.progress import Progress

logger = logging.getLogger("tap-jira-oauth")

INTERVAL = 10.0
"""Seconds between two lines in the log."""

FRAMES = 4
"""Pictures of the live line in a second."""

BAR = 24
"""Width of the bar in columns."""


@contextmanager
def shown(progress: Progress, interval: float = INTERVAL) -> Iterator[None]:
    """Show the progress while the block runs; at its end, however it ends, log the summary."""
    drawn = _is_screen(sys.stderr) and not sys.stdout.isatty()
    try:
        with _drawn(progress) if drawn else _logged(progress, interval):
            yield
    finally:
        if misfits := progress.misfits():
            logger.warning("%s", misfits)
        if progress.projects:
            summary = msgspec.json.encode({"summary": progress.summary()})
            logger.info("%s", summary.decode())


def _is_screen(stream: TextIO) -> bool:
    """Tell whether a person looks at a stream, and its lines can be drawn anew.

    Where stdout is the same terminal, the messages there would run through the drawing.
    """
    return stream.isatty() and os.environ.get("TERM", "dumb") != "dumb"


@contextmanager
def _logged(progress: Progress, interval: float) -> Iterator[None]:
    """Log a line at every interval, also while Jira keeps the tap waiting."""
    done = threading.Event()

    def say() -> None:
        while not done.wait(interval):
            line = progress.line()
            if line is not None:
                logger.info("%s", line)

    teller = threading.Thread(target=say, name="progress", daemon=True)
    teller.start()
    try:
        yield
    finally:
        done.set()
        teller.join()


@contextmanager
def _drawn(progress: Progress) -> Iterator[None]:
    """Draw a line that stays at the bottom, with the log above it; it goes when the block ends."""
    # Loading it takes a tenth of a second, which only a person at a terminal has to pay.
    from rich.console import Console  # noqa: PLC0415 - slow to load, for a terminal only
    from rich.file_proxy import FileProxy  # noqa: PLC0415 - slow to load, for a terminal only
    from rich.live import Live  # noqa: PLC0415 - slow to load, for a terminal only

    console = Console(file=sys.stderr, highlight=False)
    live = Live(
        get_renderable=lambda: _picture(progress),
        console=console,
        refresh_per_second=FRAMES,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
    handlers = [
        handler
        for handler in logging.getLogger().handlers
        if isinstance(handler, logging.StreamHandler) and handler.stream is sys.stderr
    ]
    with live:
        for handler in handlers:
            handler.setStream(FileProxy(console, sys.stderr))
        try:
            yield
        finally:
            for handler in handlers:
                handler.setStream(sys.stderr)


def _picture(progress: Progress) -> RenderableType:
    """Return the line as it is now: a bar where the whole is known, and the words."""
    from rich.progress_bar import ProgressBar  # noqa: PLC0415 - slow to load, for a terminal only
    from rich.table import Table  # noqa: PLC0415 - slow to load, for a terminal only
    from rich.text import Text  # noqa: PLC0415 - slow to load, for a terminal only

    words = Text(progress.line() or "", no_wrap=True, overflow="ellipsis")
    share = progress.share()
    if share is None:
        return words
    grid = Table.grid(padding=(0, 1))
    grid.add_row(ProgressBar(total=share[1] or 1, completed=share[0], width=BAR), words)
    return grid
