"""The same run as a job of AWS Glue (version 5.0, Python 3.11): settings come as the job's arguments.

`--NAME VALUE` of a name in capitals becomes the variable `NAME`; `--minutes` is how long the job may
take. Glue's own arguments are left alone. Any other scheduler may call it just the same.
"""

from __future__ import annotations

import os
import re
import signal
import sys
from itertools import pairwise
from typing import TYPE_CHECKING

from handler import run_once

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def main(arguments: Sequence[str]) -> None:
    """Run the pair once; SIGTERM ends it early and in good order."""
    given = {name[2:]: value for name, value in pairwise(arguments) if name.startswith("--")}
    variables = {name: value for name, value in given.items() if re.fullmatch(r"[A-Z0-9_]+", name)}
    seconds = 60 * float(given["minutes"]) if "minutes" in given else None

    def began(stop: Callable[[], None]) -> None:
        signal.signal(signal.SIGTERM, lambda *_: stop())

    run_once({**os.environ, **variables}, seconds=seconds, began=began)


if __name__ == "__main__":
    main(sys.argv[1:])
