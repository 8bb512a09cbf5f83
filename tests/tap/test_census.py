"""Counting issues by key, while people delete, move and create: against a simulated search."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_jira_oauth.census import MAX_REPEATS, Counted, Hit, KeyAsk, KeyReader, hit, united
from tap_jira_oauth.errors import AnswerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Key = tuple[str, int]
PROJECTS = ("A", "B", "C", "OUT")
READ = PROJECTS[:3]


class RefusedError(Exception):
    """The simulated Jira answers 400."""


@dataclass
class Search:
    """Issues by id, and a search whose index may lag behind them.

    Keys are looked up as Jira does: that of a deleted issue is refused, that of a moved one means
    its place in the new project. With `tokens` it is Cloud's.
    """

    keys: dict[int, Key]
    cap: int
    tokens: bool
    indexed: dict[int, Key] = field(default_factory=dict)
    former: dict[Key, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """The index is up to date."""
        self.catch_up()

    def catch_up(self) -> None:
        """Let the index know of everything."""
        self.indexed = dict(self.keys)

    def number(self, project: str) -> int:
        """A number that no issue of a project ever had."""
        return 1 + max(
            (key[1] for key in (*self.keys.values(), *self.former) if key[0] == project), default=0
        )

    def delete(self, id_: int) -> None:
        """Let an issue vanish."""
        self.former[self.keys[id_]] = id_
        del self.keys[id_]

    def move(self, id_: int, project: str) -> None:
        """Give an issue a key of another project, if it is another."""
        if self.keys[id_][0] != project:
            key = (project, self.number(project))
            self.former[self.keys[id_]] = id_
            self.keys[id_] = key

    def create(self, project: str) -> None:
        """Let an issue appear."""
        self.keys[1 + max((0, *self.keys, *self.indexed, *self.former.values()))] = (
            project,
            self.number(project),
        )

    def answer(self, project: str, ask: KeyAsk) -> tuple[list[Hit], str | None, bool]:
        """The issues of a page, the next token, and whether more follows."""
        first = 0
        if ask.key is not None:
            home, _, number = ask.key.rpartition("-")
            first = self._looked_up(project, (home, int(number)))
        if ask.token is not None:
            first = int(ask.token) + 1
        found = sorted(
            (key[1], id_)
            for id_, key in self.indexed.items()
            if key[0] == project and key[1] >= first
        )
        page = found[: self.cap]
        more = len(found) > self.cap
        hits = [Hit(id_, *self.keys[id_]) for _, id_ in page if id_ in self.keys]
        return hits, str(page[-1][0]) if more and self.tokens else None, more

    def _looked_up(self, project: str, key: Key) -> int:
        id_ = next((id_ for id_, at in self.keys.items() if at == key), self.former.get(key))
        if id_ not in self.keys:
            raise RefusedError
        at = self.keys[id_]
        return at[1] if at[0] == project else 10**9


def steps(search: Search, project: str, reader: KeyReader) -> Iterator[None]:
    """Read until the reader has enough; pause before every question."""
    while not reader.done:
        yield
        try:
            hits, token, more = search.answer(project, reader.ask)
        except RefusedError:
            reader.refuse()
        else:
            reader.take(hits, token, more=more)


def count(search: Search, between: Callable[[], None], turn: Callable[[int], int]) -> list[Counted]:
    """Take a census; `between` is called before every question, `turn` says whose is next."""
    readers = {project: KeyReader(project) for project in READ}
    for _ in range(2):
        under_way = [steps(search, *each) for each in readers.items()]
        while under_way:
            place = turn(len(under_way))
            between()
            if next(under_way[place], "end") == "end":
                under_way.pop(place)
        for reader in readers.values():
            reader.again()
    counted = [Counted(name, name, each.ids, each.numbers) for name, each in readers.items()]
    moved = [each for reader in readers.values() for each in reader.elsewhere.values()]
    united(counted, moved, PROJECTS)
    return counted


class Life:
    """Changes, drawn one by one; an issue is moved once at most."""

    def __init__(self, search: Search, data: st.DataObject, *, lags: bool) -> None:
        """Of a search whose index may lag."""
        self.search = search
        self.moved: set[int] = set()
        self.kinds = ["none", "none", "delete", "move", "create", *(["index"] if lags else [])]
        self.data, self.lags = data, lags

    def __call__(self) -> None:
        """Do one thing, or nothing."""
        search, draw = self.search, self.data.draw
        kind = draw(st.sampled_from(self.kinds))
        project = draw(st.sampled_from(PROJECTS))
        ids = sorted(search.keys)
        if kind == "create":
            search.create(project)
        elif kind in {"delete", "move"} and ids:
            id_ = draw(st.sampled_from(ids))
            if kind == "delete":
                search.delete(id_)
            elif id_ not in self.moved:
                self.moved.add(id_)
                search.move(id_, project)
        if kind == "index" or not self.lags:
            search.catch_up()


@given(
    data=st.data(),
    homes=st.lists(st.sampled_from(PROJECTS), max_size=25),
    cap=st.integers(2, 6),
    kind=st.tuples(st.booleans(), st.booleans()),
)
def test_nothing_that_is_there_at_both_ends_is_missed(
    data: st.DataObject, homes: list[str], cap: int, kind: tuple[bool, bool]
) -> None:
    """While issues are deleted, moved once at most, and created, before every question; each is counted once."""
    tokens, lags = kind
    search = Search({}, cap, tokens)
    for home in homes:
        search.create(home)
    search.catch_up()
    before = {id_ for id_, key in search.keys.items() if key[0] in READ}
    ever = set(search.keys)
    life = Life(search, data, lags=lags)

    def between() -> None:
        life()
        ever.update(search.keys)

    counted = count(search, between, lambda most: data.draw(st.integers(0, most - 1)))
    after = {id_ for id_, key in search.keys.items() if key[0] in READ}
    found = [id_ for each in counted for id_ in each.ids]
    assert before & after <= set(found)
    assert set(found) <= ever
    assert len(found) == len(set(found))
    assert all(len(each.ids) == len(each.numbers) for each in counted)


def hits(*numbers: int, project: str = "A") -> list[Hit]:
    """Issues of a project, with ids that are a hundred times their numbers."""
    return [Hit(100 * number, project, number) for number in numbers]


def test_a_page_that_does_not_begin_as_asked_is_asked_for_from_further_up() -> None:
    """The last row, then the second last, the fourth, in the end none; its rows are not taken."""
    reader = KeyReader("A")
    reader.take(hits(*range(1, 9)), more=True)
    asked = []
    for _ in range(4):
        asked.append(reader.ask.key)
        reader.take(hits(11, 12), more=True)
    assert asked == ["A-8", "A-7", "A-6", "A-4"]
    assert reader.ask == KeyAsk(None, None)
    reader.take(hits(1, 9), more=False)
    assert list(reader.ids) == [100 * number for number in range(1, 10)]


def test_the_last_row_is_asked_for_once_more() -> None:
    """Also where Jira's page tokens have come to an end, which proves nothing."""
    reader = KeyReader("A")
    reader.take(hits(1, 2), "t1", more=True)
    assert reader.ask == KeyAsk(None, "t1")
    reader.take(hits(3), more=False)
    assert reader.done
    reader.again()
    assert reader.ask == KeyAsk("A-3", None)
    reader.take(hits(3, 4), more=False)
    assert list(reader.numbers) == [1, 2, 3, 4]


@pytest.mark.parametrize("token", ["same", None])
def test_a_token_that_leads_nowhere_is_given_up(token: str | None) -> None:
    """Refused or repeated; the last row ties in again."""
    reader = KeyReader("A")
    reader.take(hits(1, 2), "same", more=True)
    if token is None:
        reader.refuse()
    else:
        reader.take(hits(3), token, more=True)
    assert reader.ask == KeyAsk("A-2" if token is None else "A-3", None)


@pytest.mark.parametrize("more", [hits(1), []])
def test_answers_without_end_are_an_error(more: list[Hit]) -> None:
    """Nothing new, and yet there is said to be more: no half census, and no endless loop."""
    reader = KeyReader("A")
    reader.take(hits(1), more=True)
    for number in range(MAX_REPEATS - 1):
        reader.take(more, f"t{number}", more=True)
    with pytest.raises(AnswerError, match="Project A could not be counted"):
        reader.take(more, more=True)


def test_an_answer_in_another_order_is_an_error() -> None:
    """By which an issue may be missing."""
    with pytest.raises(AnswerError, match="in the order of keys"):
        KeyReader("A").take(hits(10, 2), more=False)


def test_an_issue_in_an_unknown_project_is_an_error() -> None:
    """The project was renamed or made while it was read; the projects that are read are not known any more."""
    with pytest.raises(AnswerError, match="NEW-1 is in a project that was not there"):
        united([], hits(1, project="NEW"), ["A"])


def test_an_issue_that_was_found_twice_is_kept_once() -> None:
    """It was moved between two answers; and one that is moved to a project that is not read is not kept."""
    one = Counted("1", "A", array("q", [5, 6]), array("q", [1, 2]))
    other = Counted("2", "B", array("q", [7, 5]), array("q", [1, 2]))
    united([one, other], [Hit(6, "B", 3), Hit(8, "OUT", 1)], PROJECTS)
    assert (list(one.ids), list(other.ids), list(other.numbers)) == ([5, 6], [7], [1])


@pytest.mark.parametrize(("id_", "key"), [("x", "A-1"), ("1", "A"), ("1", "A-x"), ("", "")])
def test_what_is_no_issue_is_an_error(id_: str, key: str) -> None:
    """Ids are numbers, keys end in one."""
    assert hit("17", "A_B-3") == Hit(17, "A_B", 3)
    with pytest.raises(AnswerError, match="Jira sent an issue with id"):
        hit(id_, key)
