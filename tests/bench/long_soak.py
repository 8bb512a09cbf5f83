"""Hourly runs, one after the other, while Jira is edited and everything breaks: `./dev bench long_soak --minutes 120`.

Each hour the Jira's clock goes on by up to two hours, people edit while the pair runs, answers of Jira and of S3 break, and the tap or
the target may be killed. At the end of each day all is quiet: the pair runs twice, counts what is gone, and what the lake says
holds now has to equal what Jira holds. A run that fails though nothing was broken that may end it ends the soak.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from pathlib import Path

from sandbox import Corpus
from soak.year import Soak


def main() -> None:
    """Run until the time is over, then print what was seen."""
    parser = argparse.ArgumentParser(
        prog="./dev bench long_soak", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--minutes", type=float, default=120)
    parser.add_argument(
        "--seed", type=int, default=None, help="of life and faults; by chance without"
    )
    parser.add_argument("--issues", type=int, default=2000)
    parser.add_argument("--projects", type=int, default=20)
    parser.add_argument("--flavor", choices=("data_center", "cloud"), default="data_center")
    parser.add_argument("--first-hour", type=int, default=1, help="of 24, in which it begins")
    parser.add_argument("--pause", type=float, default=0, help="seconds of rest between two hours")
    given = parser.parse_args()
    seed = random.SystemRandom().randrange(1 << 30) if given.seed is None else given.seed
    print(f"seed {seed}", flush=True)
    corpus = Corpus.generate(seed=seed, issues=given.issues, projects=given.projects)
    with (
        tempfile.TemporaryDirectory(prefix="soak-") as folder,
        Soak(Path(folder), seed, corpus, given.flavor, first_hour=given.first_hour) as soak,
    ):
        is_over = False
        while not is_over:
            soak.day(given.pause)
            print(soak.line(), flush=True)
            is_over = soak.seconds >= 60 * given.minutes
        print(f"\n{soak.report()}")
        for each in soak.wrong:
            print(f"\n{each}")
        sys.exit(1 if soak.wrong else 0)


if __name__ == "__main__":
    main()
