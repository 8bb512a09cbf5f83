"""What a person is told about a run, by a clock that only the test moves."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tap_jira_oauth.progress import Progress

pytestmark = pytest.mark.any_version


@dataclass
class Clock:
    """Seconds since some moment."""

    now: float = 100.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """The clock of one test."""
    return Clock()


@pytest.fixture
def progress(clock: Clock) -> Progress:
    """Nothing read yet."""
    return Progress(clock)


def test_the_line_says_how_far_how_fast_and_how_long(progress: Progress, clock: Clock) -> None:
    """Issues of all, their rate, the time left by it, and the bookmark."""
    progress.begin("OPS")
    assert progress.line() == "OPS: 0 issues"
    clock.now += 20
    progress.page(1000, 13_000, 1, 0, "2026-01-02T03:04:05.678Z")
    assert progress.line() == (
        "OPS: 1,000 of 13,000 issues, 50/s, 4 min left, up to 2026-01-02T03:04:05.678Z"
    )
    assert progress.share() == (1000, 13_000)


@pytest.mark.parametrize(
    ("total", "left"), [(101, "1 s"), (5900, "58 s"), (6100, "1 min"), (10**6, "2 h 46 min")]
)
def test_the_time_left_is_as_exact_as_it_is_near(
    progress: Progress, clock: Clock, total: int, left: str
) -> None:
    """Seconds, minutes, hours."""
    progress.begin("OPS")
    clock.now += 1
    progress.page(100, total, 1, 0, None)
    assert f"100/s, {left} left" in (progress.line() or "")


def test_a_wait_is_said_while_it_lasts_and_counted(progress: Progress, clock: Clock) -> None:
    """With its reason and the seconds that are left."""
    progress.begin("OPS")
    progress.waits("HTTP 429", 30)
    clock.now += 12
    assert progress.line() == "OPS: 0 issues; waiting 18 s: HTTP 429"
    clock.now += 18
    assert progress.line() == "OPS: 0 issues"
    progress.waits("HTTP 503", 9)
    progress.page(1, 1, 1, 0, None)
    (tally,) = progress.summary()["projects"]
    assert (tally["retries"], tally["requests"], tally["waited_seconds"]) == (2, 3, 39)


def test_one_pause_for_all_is_counted_once(progress: Progress, clock: Clock) -> None:
    """Requests that are under way together are told to wait together; the longest wish counts."""
    progress.begin("OPS")
    progress.waits("HTTP 429", 10)
    clock.now += 1
    progress.waits("HTTP 503", 4)
    assert progress.line() == "OPS: 0 issues; waiting 9 s: HTTP 429"
    progress.waits("HTTP 503", 20)
    assert progress.line() == "OPS: 0 issues; waiting 20 s: HTTP 503"
    (tally,) = progress.summary()["projects"]
    assert (tally["retries"], tally["waited_seconds"]) == (3, 21)


def test_a_wait_before_the_first_project_is_said_too(progress: Progress) -> None:
    """Such as for a Jira that is just starting."""
    assert progress.line() is None
    progress.waits("HTTP 503", 4)
    assert progress.line() == "waiting 4 s: HTTP 503"
    assert progress.summary()["retries"] == 1


def test_the_first_count_is_the_whole_and_grows_with_what_comes(progress: Progress) -> None:
    """Later windows count only the rest; edits bring more than there was."""
    progress.begin("OPS")
    progress.page(60, 100, 1, 0, None)
    progress.page(30, 40, 1, 0, None)
    assert progress.share() == (90, 100)
    progress.page(20, 10, 1, 0, None)
    assert progress.share() == (110, 110)


def test_the_summary_counts_by_project_and_in_all(progress: Progress, clock: Clock) -> None:
    """Also where the run ends within a project."""
    progress.waits("HTTP 503", 1)
    progress.begin("OPS")
    clock.now += 2
    progress.page(5, 5, 2, 1, "2026-01-01T00:00:00.000Z")
    assert progress.finish() == (
        "OPS: 5 issues in 1 page, 2.0 s, read up to 2026-01-01T00:00:00.000Z; rows moved 1 times "
        "meanwhile, and were read again"
    )
    assert progress.line() is None
    progress.begin("WEB")
    progress.page(3, 9, 1, 0, None)
    progress.unconformed.update(["customfield_1", "customfield_2", "customfield_2"])
    clock.now += 4
    assert progress.summary() == {
        "emitted": 8,
        "pages": 2,
        "requests": 4,
        "retries": 1,
        "reanchored_windows": 1,
        "waited_seconds": 1,
        "seconds": 6,
        "unconformed": {"customfield_2": 2, "customfield_1": 1},
        "projects": [
            {
                "project": "OPS",
                "emitted": 5,
                "pages": 1,
                "requests": 2,
                "retries": 0,
                "waited_seconds": 0,
                "reanchored_windows": 1,
                "bookmark": "2026-01-01T00:00:00.000Z",
                "seconds": 2,
                "finished": True,
            },
            {
                "project": "WEB",
                "emitted": 3,
                "pages": 1,
                "requests": 1,
                "retries": 0,
                "waited_seconds": 0,
                "reanchored_windows": 0,
                "bookmark": None,
                "seconds": 4,
                "finished": False,
            },
        ],
    }


def test_values_that_do_not_fit_are_said_once_with_their_fields(progress: Progress) -> None:
    """The most frequent first; nothing is said where there are none."""
    assert progress.misfits() is None
    progress.unconformed.update(["customfield_1", *["customfield_2"] * 1200])
    assert str(progress.misfits()).endswith("customfield_2 (1,200), customfield_1 (1)")
