"""Three of the answers as plots: `python docs/answers.py DATABASE`, which holds the views of `target-s3-jsonl ddl --for duckdb`.

Needs duckdb and matplotlib. The queries are those of answers.md; the plots go into the folder answers beside it.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

HERE = Path(__file__).resolve().parent
QUERIES = dict(
    re.findall(r"(?s)```sql\n-- (\w+)\n(.*?)```", (HERE / "answers.md").read_text("utf-8"))
)
BLUE, GREY, ORANGE = "#1d4ed8", "#cbd5e1", "#b45309"


def main(database: Path, folder: Path) -> None:
    """Draw all three."""
    folder.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(database), read_only=True) as lake:
        for name, (query, draw) in PLOTS.items():
            figure = Figure(figsize=(5, 3.2), layout="constrained")
            axes = figure.subplots()
            axes.spines[["top", "right"]].set_visible(False)
            draw(axes, lake.sql(QUERIES[query]).fetchall())
            figure.savefig(folder / f"{name}.svg", metadata={"Date": None})


def progress(axes: Axes, rows: Sequence[tuple[Any, ...]]) -> None:
    """A bar for each version of the first project."""
    mine = [row for row in rows if row[0] == rows[0][0]]
    versions = [row[1] for row in mine]
    axes.bar(versions, [row[2] for row in mine], color=GREY, label="issues")
    axes.bar(versions, [row[3] for row in mine], color=BLUE, label="done")
    axes.tick_params(axis="x", rotation=90)
    axes.set_title(f"Progress of the versions of {rows[0][0]}")
    axes.legend(frameon=False)


def flow(axes: Axes, rows: Sequence[tuple[Any, ...]]) -> None:
    """A line of what is open for each project."""
    for key, color in zip(sorted({row[0] for row in rows}), (BLUE, ORANGE, "black"), strict=False):
        mine = [row for row in rows if row[0] == key]
        axes.plot([row[1] for row in mine], [row[4] for row in mine], color=color, label=key)
    axes.tick_params(axis="x", rotation=45)
    axes.set_title("Open issues")
    axes.legend(frameon=False)


def status(axes: Axes, rows: Sequence[tuple[Any, ...]]) -> None:
    """A bar for each status."""
    axes.barh([row[0] for row in rows], [row[2] for row in rows], color=BLUE)
    axes.set_title("Time in a status")
    axes.set_xlabel("days, median")


PLOTS = {
    "progress": ("progress", progress),
    "flow": ("flow", flow),
    "status": ("time_in_status", status),
}


if __name__ == "__main__":
    main(Path(sys.argv[1]), HERE / "answers")
