"""The last hours of one day of the soak: what runs for hours by hand, as CI can afford it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pytest

from sandbox import Corpus
from soak.weather import DAY, forecast
from soak.year import Soak

if TYPE_CHECKING:
    from pathlib import Path

SEED = 5


@pytest.mark.parametrize(("flavor", "hours"), [("data_center", 7), ("cloud", 4)])
def test_after_hours_of_edits_faults_and_kills_the_lake_holds_what_jira_holds(
    tmp_path: Path, flavor: Literal["data_center", "cloud"], hours: int
) -> None:
    """Each run ends well, or for a reason that was given to it; nothing is left behind."""
    corpus = Corpus.generate(seed=SEED, issues=200, projects=20)
    with Soak(tmp_path, SEED, corpus, flavor, first_hour=DAY - hours) as soak:
        soak.day()
        assert soak.killed
        soak.report()
        assert soak.wrong == ()


@pytest.mark.parametrize("seed", range(20))
def test_a_forecast_is_the_same_again_and_days_end_in_quiet(seed: int) -> None:
    """A seed that found something finds it again."""
    for number in (*range(1, 30), 10 * DAY):
        hour = forecast(seed, number)
        assert hour == forecast(seed, number)
        assert hour.is_quiet is (number % DAY == 0)
        if hour.is_quiet:
            assert not any((hour.jira, hour.store, hour.kill, hour.logged, hour.may_fail))
