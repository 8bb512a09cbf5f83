"""Tap and target in one run with a deadline, as in a Lambda function, against the sandbox and a local folder."""

from __future__ import annotations

import gzip
import itertools
import json
import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from pipeline import Deadline, Pipeline, PipelineError
from sandbox import Corpus, Sandbox
from sandbox.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from sandbox.journal import LogEntry

ISSUES = 300


@dataclass
class Kept:
    """A state in memory, and every version that there was of it."""

    versions: list[Mapping[str, Any]] = field(default_factory=list)
    lost: bool = False

    def read(self) -> Mapping[str, Any] | None:
        """Return the newest."""
        return self.versions[-1] if self.versions else None

    def write(self, state: Mapping[str, Any], /) -> None:
        """Keep one, unless the lock was lost."""
        if self.lost:
            raise TimeoutError("somebody else holds the lock")
        self.versions.append(state)


@pytest.fixture
def jira() -> Iterator[Sandbox]:
    """A Jira of one project, 30 pages of ten."""
    with Sandbox(corpus=Corpus.generate(seed=3, issues=ISSUES, projects=1)) as sandbox:
        yield sandbox


def pipeline(jira: Sandbox, folder: Path, **more: str) -> Pipeline:
    """Return the two commands, with settings from the environment as in a Lambda function."""
    settings = {
        "TAP_JIRA_OAUTH_API_URL": jira.url,
        "TAP_JIRA_OAUTH_AUTH_METHOD": "personal_token",
        "TAP_JIRA_OAUTH_PERSONAL_TOKEN": "sandbox-token",
        "TAP_JIRA_OAUTH_PAGE_SIZE": "10",
        "TAP_JIRA_OAUTH_MAX_CONCURRENT_REQUESTS": "1",
        "TARGET_S3_JSONL_DESTINATION": str(folder),
    }
    return Pipeline(environment=settings | more)


def stored(folder: Path) -> Counter[str]:
    """Return how often each issue was stored."""
    return Counter(
        json.loads(line)["id"]
        for path in folder.rglob("issues/**/*.gz")
        for line in gzip.decompress(path.read_bytes()).splitlines()
    )


def at_search(jira: Sandbox, number: int, do: Callable[[], None]) -> None:
    """Do something when so many pages were asked for."""
    searches = itertools.count(1)

    def look(entry: LogEntry) -> None:
        if entry.path.endswith("/search") and next(searches) == number:
            do()

    jira.before_request.append(look)


def test_a_run_that_its_deadline_cuts_is_continued_by_the_next_one(
    jira: Sandbox, tmp_path: Path
) -> None:
    """Nothing is lost, nothing is read twice; a quiet run brings nothing; the log is JSON."""
    slow = Fault("/rest/api/2/search", count=10**6, delay=0.001)
    jira.world.faults.add(slow)
    # Ten pages at once, however slow this machine is; the other twenty take longer than there is time for.
    at_search(jira, 10, lambda: setattr(slow, "delay", 1.5))
    log: list[str] = []
    state = Kept()
    cut = pipeline(jira, tmp_path).run(state, Deadline(24, margin=16), log.append)
    assert not cut.finished
    assert cut.states > 0
    assert 0 < len(stored(tmp_path)) < ISSUES
    slow.delay = 0
    rest = pipeline(jira, tmp_path).run(state, Deadline(60, margin=10), log.append)
    assert rest.finished
    assert stored(tmp_path) == Counter(jira.corpus.snapshot().by_id.keys())
    assert pipeline(jira, tmp_path).run(state, log=log.append).finished
    assert sum(stored(tmp_path).values()) == ISSUES
    said = [json.loads(line) for line in log]
    assert {line["level"] for line in said} <= {"INFO", "WARNING"}
    assert any("Signed in to Jira" in line["message"] for line in said)
    assert any(line["source"].startswith("target") for line in said)


def test_a_stop_from_outside_ends_a_run_in_good_order(jira: Sandbox, tmp_path: Path) -> None:
    """As SIGTERM of the surrounding job does."""
    state = Kept()
    outcome = pipeline(jira, tmp_path).run(
        state, began=lambda stop: at_search(jira, 10, stop), log=lambda _: None
    )
    assert not outcome.finished
    assert state.versions
    assert 0 < len(stored(tmp_path)) < ISSUES


def test_a_stop_before_the_tap_has_begun_is_no_failure(jira: Sandbox, tmp_path: Path) -> None:
    """As when a job is given no time: nothing was read, and the next run begins where this one should have."""
    state = Kept()
    outcome = pipeline(jira, tmp_path).run(state, began=lambda stop: stop(), log=lambda _: None)
    assert not outcome.finished
    assert not stored(tmp_path)
    assert pipeline(jira, tmp_path).run(state, log=lambda _: None).finished
    assert len(stored(tmp_path)) == ISSUES


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"TAP_JIRA_OAUTH_PERSONAL_TOKEN": "wrong"}, "The tap ended with status 1.*HTTP 401"),
        ({"TARGET_S3_JSONL_DESTINATION": "/proc/nowhere"}, "The target ended with status 1.*proc"),
    ],
)
def test_who_failed_and_why_is_said(
    jira: Sandbox, tmp_path: Path, more: dict[str, str], reason: str
) -> None:
    """In the words of the one that failed."""
    with pytest.raises(PipelineError, match=f"(?s){reason}"):
        pipeline(jira, tmp_path, **more).run(Kept(), log=lambda _: None)


def test_a_lost_lock_ends_both_at_once(jira: Sandbox, tmp_path: Path) -> None:
    """Whoever took it over is reading already."""
    with pytest.raises(TimeoutError, match="somebody else holds the lock"):
        pipeline(jira, tmp_path).run(Kept(lost=True), log=lambda _: None)


def test_what_does_not_end_in_time_is_killed_before_the_deadline() -> None:
    """So that the caller has time to say so, and the alarm rings."""
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    hung = Pipeline((sys.executable, "-c", deaf), (sys.executable, "-c", "input()"))
    with pytest.raises(PipelineError, match="ended with status -9"):
        hung.run(Kept(), Deadline(2, margin=1.5, last=0.5), lambda _: None)
