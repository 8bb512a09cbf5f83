"""Runs of the tap's command with chosen streams, one after the other."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tap.command import ended

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path


def selected(folder: Path, catalog: dict[str, Any], streams: Collection[str]) -> Path:
    """Write a discovered catalog with these streams selected alone; return its path."""
    for stream in catalog["streams"]:
        top = next(each["metadata"] for each in stream["metadata"] if not each["breadcrumb"])
        top["selected"] = stream["tap_stream_id"] in streams
    path = folder / "catalog.json"
    path.write_text(json.dumps(catalog))
    return path


def tapped(
    folder: Path,
    config: Mapping[str, Any],
    state: Mapping[str, Any] | None,
    options: tuple[str, ...],
) -> tuple[bytes, dict[str, Any]]:
    """Run the tap's command; return what it printed, and its last STATE."""
    status, output = ended(folder, config, state, *options)
    assert status == 0, (folder / "log").read_text()
    states = [line for line in output.splitlines() if line.startswith(b'{"type":"STATE"')]
    return output, json.loads(states[-1])["value"]
