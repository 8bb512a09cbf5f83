"""Sprints in Java's spelling become objects, or stay what they are."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_jira_oauth.sprint import PREFIX, parse_sprint

pytestmark = pytest.mark.any_version


def java(**parts: object) -> str:
    """Spell a sprint as `toString()` does."""
    inner = ",".join(
        f"{name}={'<null>' if value is None else value}" for name, value in parts.items()
    )
    return f"{PREFIX}7eede03a[{inner}]"


def test_a_sprint_of_an_old_server_looks_like_one_of_a_new_server() -> None:
    """Numbers are numbers, `<null>` is null, a comma in a name is part of the name."""
    text = java(
        id=2,
        rapidViewId=3,
        state="FUTURE",
        name="SP, Sprint 2",
        startDate="2019-08-11T18:49:13.412-07:00",
        endDate=None,
        completeDate=None,
        activatedDate=None,
        sequence=5,
        goal=None,
        autoStartStop="false",
        synced="false",
    )
    assert parse_sprint(text) == {
        "id": 2,
        "boardId": 3,
        "state": "FUTURE",
        "name": "SP, Sprint 2",
        "startDate": "2019-08-11T18:49:13.412-07:00",
        "endDate": None,
        "completeDate": None,
        "sequence": 5,
        "goal": None,
        "text": text,
    }


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Sprint 2",
        f"{PREFIX}1[]",
        f"{PREFIX}1[name=no id]",
        f"{PREFIX}1[id=<null>]",
        f"{PREFIX}1[id=two]",
        f"{PREFIX}1[id=02]",
        f"{PREFIX}1[id=1,name=a,id=2]",
        f"{PREFIX}1[id=1,name=a,sequence=9,sequence=2]",
        f"{PREFIX}1[id=1,goal=<null>,added=later]",
        f"{PREFIX}1[id=1,state=CLOSED,OPEN]",
        f"{PREFIX}1[id=1",
        f"x{PREFIX}1[id=1]",
        f"{PREFIX}1[id=1]x",
    ],
)
def test_what_could_mean_two_things_is_not_read(text: str) -> None:
    """A wrong sprint would be worse than none."""
    assert parse_sprint(text) is None


FREE = st.text(max_size=40)
NUMBER = st.integers(-(10**9), 10**9)


@given(
    st.fixed_dictionaries({"id": NUMBER, "rapidViewId": NUMBER | st.none(), "name": FREE}),
    st.fixed_dictionaries({}, optional={"goal": FREE | st.none(), "sequence": NUMBER}),
    st.randoms(use_true_random=False),
)
def test_every_sprint_is_read_as_it_is_or_not_at_all(
    parts: dict[str, Any], more: dict[str, Any], chance: Any
) -> None:
    """In any order; only a text that itself looks like another part is in doubt."""
    order = [*(parts | more).items()]
    chance.shuffle(order)
    found = parse_sprint(java(**dict(order)))
    texts = [str(value) for name, value in order if name in ("name", "goal")]
    if any(re.search(r",\s*\w+=", text) for text in texts):
        return
    names = {"rapidViewId": "boardId"}
    none = {"<null>": None}
    assert found is not None
    assert found.pop("text") == java(**dict(order))
    assert found == {names.get(n, n): none.get(v, v) if isinstance(v, str) else v for n, v in order}


@given(st.text())
def test_no_text_breaks_it(inner: str) -> None:
    """Whatever stands between the brackets."""
    found = parse_sprint(f"{PREFIX}1[{inner}]")
    assert found is None or found["text"].endswith(f"[{inner}]")
