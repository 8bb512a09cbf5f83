"""Property names of custom fields are stable and never shared."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_jira_oauth.field_names import property_names, slug

pytestmark = pytest.mark.any_version


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Story Points", "story_points"),
        ("  [CHART] Time in Status ", "chart_time_in_status"),
        ("Prüfer/Übergabe", "prufer_ubergabe"),
        ("团队", ""),
        ("", ""),
    ],
)
def test_a_name_becomes_lower_case_ascii(name: str, expected: str) -> None:
    """Accents go, everything else that is no letter or digit is one underscore."""
    assert slug(name) == expected


def test_names_that_are_shared_end_in_the_number_of_the_id() -> None:
    """All of them do, whichever comes first; also where a system field has the name."""
    names = {
        "customfield_1": "Team",
        "customfield_2": "team",
        "customfield_3": "Status",
        "customfield_4": "Fixversions",
        "customfield_5": "团队",
        "customfield_6": "Customfield 1",
        "customfield_7": "Owner",
    }
    assert property_names(names, ["status", "fixVersions"]) == {
        "customfield_1": "team_1",
        "customfield_2": "team_2",
        "customfield_3": "status_3",
        "customfield_4": "fixversions_4",
        "customfield_5": "customfield_5",
        "customfield_6": "customfield_6",
        "customfield_7": "owner",
    }


def test_a_name_that_looks_like_a_suffixed_one_is_no_other_fields_name() -> None:
    """Both are known by their ids then."""
    names = {"customfield_1": "Team", "customfield_2": "Team", "customfield_3": "Team 1"}
    assert property_names(names, []) == {
        "customfield_1": "customfield_1",
        "customfield_2": "team_2",
        "customfield_3": "customfield_3",
    }


LETTERS = st.text("aAbB1_ é", max_size=4) | st.sampled_from(["summary", "Customfield 2"])
FIELDS = st.dictionaries(st.integers(1, 30).map("customfield_{}".format), LETTERS, max_size=12)


@given(FIELDS, st.randoms(use_true_random=False))
def test_no_two_fields_have_one_name_and_the_order_does_not_matter(
    names: dict[str, str], chance: Any
) -> None:
    """Not even in a warehouse that does not tell `A` from `a`."""
    taken = ["summary", "fixVersions"]
    made = property_names(names, taken)
    spelled = [name.lower() for name in [*made.values(), *taken]]
    assert len(set(spelled)) == len(spelled)
    shuffled = [*names.items()]
    chance.shuffle(shuffled)
    assert property_names(dict(shuffled), taken) == made
