"""Each way of paging reads a list to its end, whatever the server makes of the sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_jira_oauth.errors import AnswerError
from tap_jira_oauth.paging import Mapped, Single, Slices, Values, Whole

if TYPE_CHECKING:
    from tap_jira_oauth.paging import Paging

pytestmark = pytest.mark.any_version

counts = st.integers(0, 60)
caps = st.integers(1, 25)


class Server:
    """A list of entries, of which an answer holds so many at most."""

    def __init__(self, count: int, cap: int) -> None:
        """Number the entries."""
        self.entries = [{"id": str(number)} for number in range(count)]
        self.cap = cap
        self.paths: list[str] = []

    def part(self, path: str) -> tuple[list[dict[str, str]], int]:
        """What `startAt` and `maxResults` ask for, and where it begins."""
        self.paths.append(path)
        query = parse_qs(urlsplit(path).query)
        start, size = int(query["startAt"][0]), int(query["maxResults"][0])
        return self.entries[start : start + min(size, self.cap)], start


@given(counts, caps, st.sampled_from(["/a", "/a?b=c"]))
def test_bare_arrays_are_read_until_one_is_empty(count: int, cap: int, path: str) -> None:
    """Also where the server gives fewer than it was asked for."""
    server = Server(count, cap)
    assert list(Slices(20).items(lambda part: server.part(part)[0], path)) == server.entries
    assert all(asked.startswith(path) for asked in server.paths)


@given(counts, caps, st.sampled_from(["isLast", "total", "neither"]))
def test_pages_of_values_are_read_to_the_last(count: int, cap: int, said: str) -> None:
    """By `isLast`, else by `total`, else until one is empty; not one request too many where Jira says so."""
    server = Server(count, cap)

    def answer(path: str) -> dict[str, Any]:
        found, start = server.part(path)
        end = start + len(found)
        page: dict[str, Any] = {"startAt": start, "values": found}
        if said == "isLast":
            page["isLast"] = end >= count
        elif said == "total":
            page["total"] = count
        return page

    assert list(Values(20).items(answer, "/a")) == server.entries
    if said != "neither":
        assert len(server.paths) == max(1, -(-count // min(cap, 20)))


def test_what_comes_at_once_is_asked_for_once() -> None:
    """An array, the values of a map, one object."""
    entry = {"id": "1"}
    assert list(Whole().items(lambda _: [entry], "/a")) == [entry]
    assert list(Mapped("permissions").items(lambda _: {"permissions": {"A": entry}}, "/a")) == [
        entry
    ]
    assert list(Single().items(lambda _: entry, "/a")) == [entry]


@pytest.mark.parametrize("paging", [Whole(), Mapped("values"), Single(), Slices(5), Values()])
@pytest.mark.parametrize("answer", ["text", None, ["text"], [["a list"]]])
def test_another_shape_is_an_error_that_names_the_path(paging: Paging, answer: Any) -> None:
    """A proxy's page, say; a list of something else than objects is none."""
    with pytest.raises(AnswerError, match=r"/rest/thing: .*unexpected shape"):
        list(paging.items(lambda _: answer, "/rest/thing"))
