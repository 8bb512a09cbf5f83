"""Each way of paging reads a list to its end, whatever the server makes of the sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_jira_oauth.errors import AccessError, AnswerError
from tap_jira_oauth.paging import (
    Links,
    Mapped,
    Numbered,
    PagesOrArrays,
    Picker,
    Single,
    Slices,
    Texts,
    Values,
    Whole,
)

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


@given(counts, caps)
def test_pages_may_have_another_name_or_be_texts(count: int, cap: int) -> None:
    """Jira names some pages by what is in them, and hands out labels as bare texts."""
    server = Server(count, cap)

    def named(path: str) -> dict[str, Any]:
        return {"screens": server.part(path)[0], "total": count}

    def texts(path: str) -> dict[str, Any]:
        found, start = server.part(path)
        last = start + len(found) >= count
        return {"values": [entry["id"] for entry in found], "isLast": last}

    expected = server.entries
    assert list(Values(20, "screens").items(named, "/a")) == expected
    assert list(PagesOrArrays(20, "screens").items(named, "/a")) == expected
    assert list(PagesOrArrays(20, "screens").items(lambda p: server.part(p)[0], "/a")) == expected
    assert list(PagesOrArrays(20, "screens").items(lambda _: server.entries, "/a")) == expected
    assert list(Texts(20).items(texts, "/a")) == [{"name": entry["id"]} for entry in expected]


@given(counts, caps)
def test_numbered_pages_are_read_until_all_have_come(count: int, cap: int) -> None:
    """From page 1 on, also where Jira puts fewer on a page than asked for."""
    entries = [{"id": number} for number in range(count)]
    paths: list[str] = []

    def answer(path: str) -> dict[str, Any]:
        paths.append(path)
        query = parse_qs(urlsplit(path).query)
        size = min(int(query["maxResults"][0]), cap)
        start = (int(query["page"][0]) - 1) * size
        return {"options": entries[start : start + size], "total": count}

    assert list(Numbered("options", 20).items(answer, "/a?b=c")) == entries
    assert len(paths) == max(1, -(-count // min(cap, 20)))


@pytest.mark.parametrize("ignored", [[], [{"id": "1"}]])
def test_numbered_pages_that_bring_nothing_new_are_no_end(ignored: list[Any]) -> None:
    """Where less came than there is, that is an error: neither a short list nor an endless one."""
    with pytest.raises(AnswerError, match=r"there are 5 entries, and lists [01]"):
        list(Numbered("options", 20).items(lambda _: {"options": ignored, "total": 5}, "/a"))


def test_a_picker_that_shows_less_than_there_is_says_so() -> None:
    """It has no second page; an administrator can make the first one longer."""
    entry = {"name": "staff"}
    asked: list[str] = []

    def answer(path: str) -> dict[str, Any]:
        asked.append(path)
        return {"groups": [entry], "total": 1}

    assert list(Picker("groups").items(answer, "/a?query=")) == [entry]
    assert asked == ["/a?query=&maxResults=10000"]
    with pytest.raises(AccessError, match=r"lists 1 of 70 .*jira\.ajax\.autocomplete\.limit"):
        list(Picker("groups").items(lambda _: {"groups": [entry], "total": 70}, "/a"))


def test_what_comes_at_once_is_asked_for_once() -> None:
    """An array or an object with one, the values of a map, one object."""
    entry = {"id": "1"}
    assert list(Whole().items(lambda _: [entry], "/a")) == [entry]
    assert list(Whole("schemes").items(lambda _: {"schemes": [entry]}, "/a")) == [entry]
    assert list(Mapped("permissions").items(lambda _: {"permissions": {"A": entry}}, "/a")) == [
        entry
    ]
    assert list(Single().items(lambda _: entry, "/a")) == [entry]
    link = {"name": "Users", "self": "https://jira.example.com/1"}
    assert list(Links().items(lambda _: {"Users": link["self"]}, "/a")) == [link]


@pytest.mark.parametrize(
    "paging",
    [
        *(Whole(), Whole("values"), Mapped("values"), Single(), Slices(5), Values(), Texts(5)),
        *(PagesOrArrays(5, "values"), Numbered("values", 5), Picker("values"), Links()),
    ],
)
@pytest.mark.parametrize("answer", ["text", None, ["text"], [["a list"]]])
def test_another_shape_is_an_error_that_names_the_path(paging: Paging, answer: Any) -> None:
    """A proxy's page, say; a list of something else than objects is none."""
    with pytest.raises(AnswerError, match=r"/rest/thing: .*unexpected shape"):
        list(paging.items(lambda _: answer, "/rest/thing"))


@pytest.mark.parametrize(
    "paging",
    [Links(), Whole("values"), Values(), Texts(5), PagesOrArrays(5, "values"), Picker("values")],
)
@pytest.mark.parametrize("values", [[5], "text", [None]])
def test_pages_with_other_entries_are_an_error_too(paging: Paging, values: Any) -> None:
    """An envelope alone does not make a list."""
    with pytest.raises(AnswerError, match=r"/rest/thing: .*unexpected shape"):
        list(paging.items(lambda _: {"values": values, "total": 1}, "/rest/thing"))
