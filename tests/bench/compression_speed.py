"""What compression costs and saves on Jira's records: `./dev bench compression_speed`.

zlib-ng is measured where it is installed; the target does not use it. Each record is fed by itself, as the target does.
"""

from __future__ import annotations

import importlib.util
import sys
import tempfile
import time
import zlib
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isal import isal_zlib

from bench import target_input
from target_s3_jsonl.compress import compressor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_RECORDS = 4000
_GZIP = 31


def candidates() -> Iterator[tuple[str, Callable[[], Any]]]:
    """Return each library at each level that is worth a row."""
    for level in (1, 3, 6, 9):
        yield f"zlib {level}", partial(zlib.compressobj, level, zlib.DEFLATED, _GZIP)
    for level in (0, 1, 2, 3):
        yield f"ISA-L {level}", partial(isal_zlib.compressobj, level, zlib.DEFLATED, _GZIP)
    if importlib.util.find_spec("zlib_ng"):
        module = importlib.import_module("zlib_ng.zlib_ng")
        for level in (1, 2, 4, 6, 9):
            yield f"zlib-ng {level}", partial(module.compressobj, level, zlib.DEFLATED, _GZIP)
    for level in (1, 2, 3, 6, 9):
        yield f"zstd {level}", partial(compressor, "zstd", level)


def main() -> None:
    """Print a table in Markdown."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        place = Path(folder) / "input.singer"
        target_input.write(place, _RECORDS, 1)
        lines = place.read_bytes().split(b"\n")
    records = [line.partition(b'"record":')[2] for line in lines if b'"RECORD"' in line[:20]]
    whole = sum(map(len, records))
    sys.stdout.write(
        f"{whole / len(records):,.0f} bytes a record\n\n| compression | µs per record | size |\n|---|---|---|\n"
    )
    for name, make in candidates():
        packer = make()
        started = time.process_time()
        size = sum(len(packer.compress(record)) for record in records) + len(packer.flush())
        spent = (time.process_time() - started) / len(records) * 1e6
        sys.stdout.write(f"| {name} | {spent:.0f} | {size / whole:.1%} |\n")


if __name__ == "__main__":
    main()
