"""The soak itself: a Jira, an S3 behind a proxy that breaks, two routes between them, and what was seen in all hours."""

from __future__ import annotations

import json
import statistics
import time
from collections import Counter
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from local_s3 import LocalS3
from sandbox import Order, Sandbox
from sandbox.faults import Fault
from sandbox.rng import seeded
from soak.crossing import Route
from soak.lake import compared, held_by_jira, held_by_lake, rows_stored
from soak.weather import DAY, forecast
from tap.below import catalog
from target.command import run, s3_config
from target.faulty_s3 import FaultyS3

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from typing_extensions import Self

    from sandbox import Corpus
    from soak.crossing import Crossing
    from soak.weather import Hour
    from target.faulty_s3 import Fault as StoreFault
    from target.faulty_s3 import Kind

_BUCKET: Final = "lake"
_LAG: Final = 300
"""Seconds after which Jira holds nothing back and its index lags no more."""

_HOURLY: Final = ("issues", "issue_worklogs")
_DAILY: Final = ("issue_census", "deleted_issues")
_GROWTH: Final = 1.2
"""How much more memory or open files the last quarter of the runs may take than the first."""
_FEW: Final = 4
"""Runs that are compared at the least: one alone may have been killed, and tells nothing."""


@dataclass
class Storm:
    """What is wrong with S3 now; requests are counted anew in each hour."""

    faults: dict[tuple[Kind, int], StoreFault] = field(default_factory=dict)
    _seen: Counter[str] = field(default_factory=Counter)

    def begin(self, hour: Hour) -> None:
        """Let an hour's faults come."""
        self.faults = dict(hour.store)
        self._seen.clear()

    def __call__(self, kind: Kind, _number: int) -> StoreFault | None:
        """Return what becomes of a request."""
        self._seen[kind] += 1
        return self.faults.get((kind, self._seen[kind]))


class Soak:
    """Context manager; `day` runs 24 hours and compares."""

    def __init__(
        self,
        folder: Path,
        seed: int,
        corpus: Corpus,
        flavor: Literal["data_center", "cloud"] = "data_center",
        *,
        first_hour: int = 1,
    ) -> None:
        """Make the Jira; nothing is started yet. The first day begins with `first_hour`, of 24."""
        self._folder = folder
        self._seed = seed
        self._stack = ExitStack()
        nodes = {"a": (0.0, 1.0), "b": (0.0, 20.0)}
        self._jira = Sandbox(corpus=corpus, flavor=flavor, nodes=nodes, page_cap=50, seed=seed)
        self._storm = Storm()
        self._hours = first_hour - 1
        self._began = time.monotonic()
        self._runs: list[Crossing] = []
        self._seen: Counter[str] = Counter()
        self._wrong: list[str] = []

    def __enter__(self) -> Self:
        """Start the servers."""
        with ExitStack() as stack:
            self._store = stack.enter_context(LocalS3())
            self._proxy = stack.enter_context(FaultyS3(self._store.port, self._storm))
            stack.enter_context(self._jira)
            self._store.bucket(_BUCKET)
            self._stack = stack.pop_all()
        self._config = s3_config(self._store, _BUCKET)
        self._prepare()
        return self

    def _prepare(self) -> None:
        """Write settings and catalogs of the two routes."""
        tap: dict[str, Any] = {
            "api_url": self._jira.url,
            "auth_method": "basic",
            "username": "sandbox",
            "password": "sandbox",
            "page_size": 20,
        }
        target = {**self._config, "endpoint_url": self._proxy.url}
        for name, body in (
            ("tap.json", tap),
            ("target.json", target),
            ("hourly.catalog.json", catalog(_HOURLY)),
            ("daily.catalog.json", catalog(_DAILY)),
        ):
            (self._folder / name).write_text(json.dumps(body))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the servers."""
        self._stack.close()

    @property
    def seconds(self) -> float:
        """How long it has run."""
        return time.monotonic() - self._began

    def day(self, pause: float = 0) -> None:
        """Run the hours of a day, count what is gone, and compare the lake with Jira."""
        is_quiet = False
        while not is_quiet:
            self._hours += 1
            hour = forecast(self._seed, self._hours)
            is_quiet = hour.is_quiet
            self._hour(hour)
            time.sleep(pause)
        for route in ("hourly", "daily"):
            self._jira.clock.offset += _LAG
            self._cross(route, forecast(self._seed, self._hours))
        difference = compared(
            held_by_jira(self._jira), held_by_lake(self._folder, self._config, self._store)
        )
        if difference:
            self._wrong.append(f"day {self._hours // DAY}: {difference}")

    def _hour(self, hour: Hour) -> None:
        self._jira.play(Order())
        self._log_work(hour)
        self._jira.play(hour.life)
        self._jira.clock.offset += hour.seconds
        faults = [
            Fault.shaped("/rest/api/", each.shape, self._jira.clock, each.count, each.skip)
            for each in hour.jira
        ]
        for each in faults:
            self._jira.world.faults.add(each)
        self._storm.begin(hour)
        self._cross("hourly", hour)
        for each in faults:
            each.count = 0  # what no request has met
        self._storm.faults.clear()
        self._jira.play(Order())

    def _log_work(self, hour: Hour) -> None:
        """Add work to issues that have little of it, and change some that is there."""
        chance = seeded(self._seed, "work", str(hour.number))
        below = self._jira.world.corpus.children
        few = [
            (each.key, [body["id"] for body in held])
            for each in self._jira.world.corpus.snapshot().issues
            if len(held := below.worklogs(each)) < 10
        ]
        for number, (key, ids) in enumerate(chance.sample(few, hour.logged)):
            again = chance.choice(ids) if ids and chance.random() < 0.5 else None
            self._jira.log_work(key, again, silent=bool(number % 2))
            self._seen["worklogs"] += 1

    def _cross(self, route: str, hour: Hour) -> None:
        crossing = Route(self._folder, route).cross(hour.kill)
        self._runs.append(crossing)
        how = "killed" if crossing.was_killed else "well" if crossing.is_well else "failed"
        self._seen[how] += 1
        if not crossing.is_well and not hour.may_fail:
            ends = f"tap {crossing.tap.status}, target {crossing.target.status}"
            self._wrong.append(f"hour {hour.number}, {hour}: {ends}\n{crossing.log[-3000:]}")

    @property
    def killed(self) -> int:
        """In how many runs one of the two was killed."""
        return self._seen["killed"]

    def line(self) -> str:
        """Return how far it is."""
        return (
            f"day {self._hours // DAY}: {len(self._runs)} runs, {self._seen['failed']} failed, "
            f"{self._seen['killed']} killed, {len(self._jira.deeds)} edits, {len(self._wrong)} wrong, "
            f"{self.seconds:.0f} s"
        )

    @property
    def wrong(self) -> tuple[str, ...]:
        """What was not as it has to be."""
        return tuple(self._wrong)

    def report(self) -> str:
        """Return a table of what was seen, as it stands in the docs, and what was wrong."""
        self._look_at_the_end()
        rows, versions = rows_stored(self._folder, self._config, self._store)
        quarter = max(_FEW, len(self._runs) // 4)
        first, last = self._runs[:quarter], self._runs[-quarter:]
        self._note_growth(first, last)
        table = [
            ("hours, runs", f"{self._hours:,}, {len(self._runs):,} in {self.seconds / 60:.0f} min"),
            ("edits, creations, moves, deletions in Jira", f"{len(self._jira.deeds):,}"),
            ("worklogs written, every other one silently", f"{self._seen['worklogs']:,}"),
            ("runs that ended well", f"{self._seen['well']:,}"),
            ("runs that failed, as they had to", f"{self._seen['failed']:,}"),
            ("runs in which one was killed", f"{self._seen['killed']:,}"),
            ("days after which lake and Jira were compared", f"{self._hours // DAY:,}"),
            ("issues in Jira at the end", f"{len(self._jira.issues):,}"),
            ("rows of issues in the lake, versions", f"{rows:,}, {versions:,}"),
            ("memory of the tap, first and last quarter", _both(first, last, "tap", "megabytes")),
            ("memory of the target", _both(first, last, "target", "megabytes")),
            ("open files of the tap", _both(first, last, "tap", "files")),
            ("open files of the target", _both(first, last, "target", "files")),
            ("state, bytes", f"{(self._folder / 'hourly.state.json').stat().st_size:,}"),
            ("wrong", str(len(self._wrong))),
        ]
        lines = ["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in table)]
        return "\n".join(lines)

    def _note_growth(self, first: list[Crossing], last: list[Crossing]) -> None:
        for name in ("tap", "target"):
            for what in ("megabytes", "files"):
                before, after = _typical(first, name, what), _typical(last, name, what)
                if before and after > _GROWTH * before:
                    self._wrong.append(f"{name}: {what} grew from {before} to {after}")

    def _look_at_the_end(self) -> None:
        """Verify each object, and look for what was left behind."""
        code, _, log = run(self._folder, self._config, [], command=("verify",))
        if code:
            self._wrong.append(f"verify: {log[-3000:]}")
        left = list((self._folder / "spool").iterdir())
        if left:
            self._wrong.append(f"left in the folder for temporary files: {left[:5]}")
        with closing(self._store.client()) as client:
            unfinished = client.list_multipart_uploads(Bucket=_BUCKET).get("Uploads", [])
        if unfinished:
            self._wrong.append(f"{len(unfinished)} unfinished uploads")


def _typical(runs: list[Crossing], name: str, what: str) -> float:
    """Return the median over the runs that ended well: what was killed early had no time to grow."""
    found = [getattr(getattr(each, name), what) for each in runs if each.is_well]
    return float(statistics.median(found)) if found else 0.0


def _both(first: list[Crossing], last: list[Crossing], name: str, what: str) -> str:
    unit = " MB" if what == "megabytes" else ""
    before, after = _typical(first, name, what), _typical(last, name, what)
    return f"{before:.0f}{unit}, {after:.0f}{unit}"
