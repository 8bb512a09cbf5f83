"""Which issues there are: reads projects by key so that none is missed while people delete and move. Pure.

A census asks for ids and keys alone, in the order of keys: `project = K AND key >= LAST ORDER BY key
ASC`. No row number is in such a question, so a deleted issue shifts nothing, and there is no limit
to how deep it reaches. But Jira looks LAST up: it refuses the key of a deleted issue, and reads the
key of a moved one as its place in the new project, where the query finds nothing. So

- every page begins with the row that ended the one before, or proves nothing: then an earlier row is
  taken instead, twice as far up each time, in the end none;
- Cloud's page tokens are followed where it hands them out, and the end of their chain is not
  believed, either: the last row is asked for once more;
- that second look comes when all projects were read to their end. An issue that was moved meanwhile
  from a project that was not read yet into one that was stands behind its last row.

So of the issues that are there from the beginning to the end, and are moved once at most, none is
missing. A census that cannot be read so is an error, and never a part of one.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import TYPE_CHECKING, NamedTuple

from tap_jira_oauth.errors import AnswerError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

MAX_REPEATS = 100
"""How many answers in a row may bring nothing new before that is an error."""

WIDE = "q"
"""Ids and numbers are kept as 64-bit integers: a million of each takes 16 MB, as objects 100."""


class Hit(NamedTuple):
    """An issue that Jira shows: its id, and the two parts of its key."""

    id: int
    project_key: str
    number: int


class KeyAsk(NamedTuple):
    """One page to ask for: the key that it begins with (None: the first), or a token behind that."""

    key: str | None
    token: str | None


def hit(id_: str, key: str) -> Hit:
    """Return an issue as Jira names it.

    Raises:
        AnswerError: id or key are no such thing.
    """
    project_key, _, number = key.rpartition("-")
    try:
        return Hit(int(id_), project_key, int(number))
    except ValueError as error:
        raise AnswerError(f"Jira sent an issue with id '{id_}' and key '{key}'.") from error


class KeyReader:
    """Reads one project in the order of keys: `ask` says what to fetch, `take` what the answer was.

    `ids` and `numbers` are the issues found; `elsewhere` are those that Jira found in the project,
    and shows with a key of another one, since they were moved a moment ago.
    """

    def __init__(self, project_key: str) -> None:
        """Begin at the first issue."""
        self.ids = array(WIDE)
        self.numbers = array(WIDE)
        self.elsewhere: dict[int, Hit] = {}
        self.done = False
        self._project_key = project_key
        self._place: int | None = None
        self._token: str | None = None
        self._tokens: set[str] = set()
        self._back = 0
        self._repeats = 0

    @property
    def ask(self) -> KeyAsk:
        """The page to ask for next."""
        key = None if self._place is None else f"{self._project_key}-{self.numbers[self._place]}"
        return KeyAsk(key, self._token)

    def again(self) -> None:
        """Ask once more for what stands behind the last row."""
        self.done = False
        self._repeats = self._back = 0
        self._open(len(self.ids) - 1)

    def refuse(self) -> None:
        """Jira refuses the key or the token in hand: look for another one.

        Raises:
            AnswerError: it refuses one after the other.
        """
        if self._token is not None:
            self._count_repeat()
            self._open(len(self.ids) - 1)
        else:
            self._step_back()

    def take(self, hits: Sequence[Hit], token: str | None = None, *, more: bool) -> None:
        """Take the answer to `ask`: its issues, the token of the next page, whether there is one.

        Raises:
            AnswerError: answers contradict each other, and the reader gets no further.
        """
        if self._token is None and not self._ties_in(hits):
            self._step_back()
            return
        before = len(self.ids)
        reached = self._note(hits)
        if len(self.ids) > before:
            self._repeats = self._back = 0
        else:
            self._count_repeat()
        if not more:
            self.done = True
        elif token is not None and token not in self._tokens:
            self._tokens.add(token)
            self._token = token
        elif reached > (-1 if self._place is None else self._place):
            self._open(reached)
        else:
            self._step_back()

    def _ties_in(self, hits: Sequence[Hit]) -> bool:
        """Tell whether a page begins with the row that it was asked to begin with."""
        if self._place is None:
            return True
        known = Hit(self.ids[self._place], self._project_key, self.numbers[self._place])
        return bool(hits) and hits[0] == known

    def _note(self, hits: Sequence[Hit]) -> int:
        """Keep what is new; return the place of the last row of this project, -1 without one."""
        own = [each for each in hits if each.project_key == self._project_key]
        if any(one.number >= other.number for one, other in pairwise(own)):
            raise AnswerError(
                f"Jira does not answer a search of project {self._project_key} in the order of keys, "
                "as it was asked to. Run again; if it stays so, report it."
            )
        last = self.numbers[-1] if self.numbers else -1
        new = [each for each in own if each.number > last]
        self.ids.extend(each.id for each in new)
        self.numbers.extend(each.number for each in new)
        self.elsewhere |= {each.id: each for each in hits if each.project_key != self._project_key}
        return bisect_right(self.numbers, own[-1].number) - 1 if own else -1

    def _step_back(self) -> None:
        self._count_repeat()
        self._back = max(1, 2 * self._back)
        self._open(len(self.ids) - 1 - self._back)

    def _count_repeat(self) -> None:
        self._repeats += 1
        if self._repeats > MAX_REPEATS:
            raise AnswerError(
                f"Project {self._project_key} could not be counted: {MAX_REPEATS} answers of Jira in "
                "a row bring nothing new, and yet there is said to be more. Run again; if it stays "
                "so, report it."
            )

    def _open(self, place: int) -> None:
        """Ask from a row on that is known, or from the beginning."""
        self._place = place if place >= 0 else None
        self._token = None
        self._tokens.clear()


@dataclass(frozen=True)
class Counted:
    """The issues of one project: their ids, and the numbers in their keys."""

    project_id: str
    project_key: str
    ids: array[int]
    numbers: array[int]


@dataclass(frozen=True)
class Census:
    """What there is, by project; `taken_at` (epoch ms) is the server's clock when it began.

    An issue that was made since then, or so shortly before that Jira's search does not find it yet,
    may be missing.
    """

    id: str
    taken_at: int
    projects: Sequence[Counted]

    @property
    def size(self) -> int:
        """The number of issues."""
        return sum(len(each.ids) for each in self.projects)

    def rows(self) -> Iterator[tuple[int, str, Counted]]:
        """Yield the id, the key and the project of every issue."""
        for each in self.projects:
            for id_, number in zip(each.ids, each.numbers, strict=True):
                yield id_, f"{each.project_key}-{number}", each


def united(
    counted: Sequence[Counted], elsewhere: Collection[Hit], visible: Collection[str]
) -> None:
    """Put issues that were moved while they were read where they belong, and keep each once.

    `visible` are the keys of all projects that the user sees.

    Raises:
        AnswerError: one of them is in a project that was not there when the run began.
    """
    homes = {each.project_key: each for each in counted}
    for moved in elsewhere:
        if moved.project_key not in visible:
            raise AnswerError(
                f"Issue {moved.project_key}-{moved.number} is in a project that was not there when "
                "the run began: it was made or renamed meanwhile. Run again."
            )
        if moved.project_key in homes:
            homes[moved.project_key].ids.append(moved.id)
            homes[moved.project_key].numbers.append(moved.number)
    every = sorted(chain.from_iterable(each.ids for each in counted))
    twice = {one for one, other in pairwise(every) if one == other}
    seen: set[int] = set()
    for each in counted if twice else ():
        _keep_first(each, twice, seen)


def _keep_first(counted: Counted, twice: Collection[int], seen: set[int]) -> None:
    """Leave out of a project what was `seen` before, of all that was found `twice`."""
    places = []
    for place, id_ in enumerate(counted.ids):
        if id_ not in twice:
            places.append(place)
        elif id_ not in seen:
            seen.add(id_)
            places.append(place)
    counted.ids[:] = array(WIDE, [counted.ids[place] for place in places])
    counted.numbers[:] = array(WIDE, [counted.numbers[place] for place in places])
