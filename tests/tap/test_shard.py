"""Parts of all projects, one for each worker."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox import Corpus, Sandbox
from tap.command import run
from tap_jira_oauth.errors import ConfigurationError
from tap_jira_oauth.shard import Shard, parse_shard

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Configure

pytestmark = pytest.mark.any_version


@given(id_=st.text(), count=st.integers(1, 100))
def test_each_project_is_in_exactly_one_part(id_: str, count: int) -> None:
    """Whatever its id is."""
    assert sum(Shard(number, count).has(id_) for number in range(1, count + 1)) == 1


def test_parts_are_of_about_the_same_size_and_stay_what_they_are() -> None:
    """A change of the hash would have every worker read other projects, from their beginning."""
    mine = [number for number in range(10_000, 10_012) if Shard(1, 4).has(str(number))]
    assert mine == [10_000, 10_003, 10_005, 10_011]
    ids = [str(number) for number in range(10_000, 20_000)]
    sizes = [sum(map(Shard(number, 8).has, ids)) for number in range(1, 9)]
    assert 1_150 < min(sizes) <= max(sizes) < 1_350


@pytest.mark.parametrize("text", ["0/4", "5/4", "1", "1/0", "-1/4", "1/4 of all", "a/b", "01/4"])
def test_what_is_no_part_is_refused(text: str) -> None:
    """With an example of how to write it."""
    with pytest.raises(ConfigurationError, match="7/32"):
        parse_shard(text)


def test_the_parts_together_are_everything_and_one_may_be_empty(
    configure: Configure, tmp_path: Path
) -> None:
    """Five projects in eight parts: the same issues as one run reads, each once; an empty part is no error."""
    with Sandbox(corpus=Corpus.generate(seed=4, issues=60, projects=5)) as jira:
        mine = {
            "api_url": jira.url,
            "auth_method": "personal_token",
            "personal_token": "sandbox-token",
        }
        counts: list[int] = []
        found: Counter[str] = Counter()
        for number in range(1, 9):
            # Flattening takes the SDK's own path, which knows partitions in its own way.
            flattened: dict[str, object] = (
                {"flattening_enabled": True, "flattening_max_depth": 1} if number % 2 else {}
            )
            result = run(tmp_path, configure(**mine, **flattened, shard=f"{number}/8"))
            assert result.status == 0, result.log
            found.update(record["id"] for record in result.records)
            counts.append(len(result.records))
        assert found == Counter(jira.corpus.snapshot().by_id.keys())
        assert 0 in counts
