"""Three answers of `docs/answers.md` as drawings beside it: `PYTHONPATH=tests .venv/bin/python -m plots`."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from documents import ROOT
from pair.answers import ANSWERS, lake_of, printed_by_the_tap
from tap_jira_oauth.auth.private_key import make_private_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

_WIDTH, _LABEL, _ROW, _TOP = 720, 170, 26, 56
_COLOURS = ("#9db4c8", "#c8553d")


@dataclass(frozen=True)
class Plot:
    """Two bars for each row of an answer; `labels` and `values` are places in the row."""

    answer: int
    title: str
    labels: tuple[int, ...]
    values: tuple[int, int]
    legend: tuple[str, str]
    most: int = 12


PLOTS = {
    "answer-versions": Plot(1, "Issues by version", (0, 1), (2, 3), ("all", "done")),
    "answer-hours": Plot(6, "Changes by person", (0,), (1, 2), ("all", "at night or on a weekend")),
    "answer-flow": Plot(10, "Issues by month", (0,), (1, 2), ("created", "resolved"), most=24),
}


def main() -> None:
    """Draw all three anew."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        output = printed_by_the_tap(folder, make_private_key(2048))
        with lake_of(folder, output) as lake:
            for plot in PLOTS:
                (ROOT / "docs" / f"{plot}.svg").write_text(drawn(plot, lake), "utf-8")


def drawn(name: str, lake: duckdb.DuckDBPyConnection) -> str:
    """Return a plot as SVG."""
    plot = PLOTS[name]
    rows = lake.execute(ANSWERS[plot.answer]).fetchall()[: plot.most]
    longest = max(float(row[at]) for row in rows for at in plot.values) or 1.0
    scale = (_WIDTH - _LABEL - 60) / longest
    height = _TOP + _ROW * len(rows) + 12
    parts = [_text(12, 22, plot.title, size=15)]
    for at, (words, colour) in enumerate(zip(plot.legend, _COLOURS, strict=True)):
        left = 12 + at * 140
        parts += [_bar(left, 33, 10, colour), _text(left + 15, 42, words)]
    for at, row in enumerate(rows):
        parts += _pair(plot, row, _TOP + at * _ROW, scale)
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif">\n'
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>\n{body}\n</svg>\n'
    )


def label_of(plot: Plot, row: Sequence[Any]) -> str:
    """Return what stands before a row's bars."""
    return " ".join(str(row[at]) for at in plot.labels)


def _pair(plot: Plot, row: Sequence[Any], top: int, scale: float) -> list[str]:
    parts = [_text(_LABEL - 8, top + 15, label_of(plot, row), anchor="end")]
    for at, (place, colour) in enumerate(zip(plot.values, _COLOURS, strict=True)):
        value = float(row[place])
        width = round(value * scale, 1)
        parts.append(_bar(_LABEL, top + at * 11, width, colour))
        parts.append(_text(_LABEL + width + 4, top + at * 11 + 9, f"{value:g}", size=9))
    return parts


def _bar(left: float, top: float, width: float, colour: str) -> str:
    return f'<rect x="{left}" y="{top}" width="{width}" height="10" fill="{colour}"/>'


def _text(left: float, base: float, words: str, *, size: int = 11, anchor: str = "start") -> str:
    return f'<text x="{left}" y="{base}" font-size="{size}" text-anchor="{anchor}" fill="#333333">{escape(words)}</text>'


if __name__ == "__main__":
    main()
