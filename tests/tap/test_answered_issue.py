"""Issues out of answers, whatever fields they have, and in whatever order these come to be known."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_jira_oauth.answered_issue import PageDecoder, Values
from tap_jira_oauth.offset_search import SearchAnswer

pytestmark = pytest.mark.any_version

NAMES = st.sampled_from(["summary", "customfield_10016", "class", "get", "a b", "é", "", "field_0"])
FIELDS = st.dictionaries(NAMES, st.one_of(st.none(), st.integers(), st.text()))
Decoder = PageDecoder[SearchAnswer[Values]]


def page(*issues: dict[str, Any]) -> bytes:
    """Return an answer with issues of these fields."""
    sent = [{"id": "1", "key": "A-1", "self": "", "fields": fields} for fields in issues]
    return json.dumps({"issues": sent, "total": len(sent), "maxResults": 100}).encode()


def sent(decoder: Decoder, body: bytes) -> list[dict[str, Any]]:
    """Return the fields of each issue of an answer as they are printed."""
    return [json.loads(msgspec.json.encode(issue.fields)) for issue in decoder.decode(body).issues]


@given(pages=st.lists(st.lists(FIELDS, max_size=4), max_size=5))
def test_what_was_sent_is_what_is_there_nulls_and_new_fields_too(
    pages: list[list[dict[str, Any]]],
) -> None:
    """Fields differ from issue to issue, and may come up in any page."""
    decoder: Decoder = PageDecoder(SearchAnswer)
    for issues in pages:
        body = page(*issues)
        assert sent(decoder, body) == issues
        for issue, fields in zip(decoder.decode(body).issues, issues, strict=True):
            found = {name: json.loads(bytes(value)) for name, value in issue.fields.items()}
            assert found == fields


def test_values_are_found_replaced_and_taken_out_by_field() -> None:
    """A null that was sent is there; what was not sent is not."""
    decoder: Decoder = PageDecoder(SearchAnswer)
    one, other = decoder.decode(page({"a": None, "b": 1}, {"c": 2})).issues
    values = one.fields
    assert "a" in values
    assert "c" not in values
    assert values.get("c") is None
    assert values.get("d") is None
    with pytest.raises(KeyError):
        other.fields["a"]
    del values["a"]
    values["b"] = "new"
    assert msgspec.json.encode(values) == b'{"b":"new"}'


def test_members_are_printed_in_the_order_in_which_they_came() -> None:
    """That of the first issue, and then what was new."""
    decoder: Decoder = PageDecoder(SearchAnswer)
    assert [list(fields) for fields in sent(decoder, page({"b": 1, "a": 2}, {"c": 3, "a": 4}))] == [
        ["b", "a"],
        ["a", "c"],
    ]


@pytest.mark.parametrize("body", [b'{"issues":[{"id":1}],"total":1,"maxResults":1}', b"[]"])
def test_an_answer_of_another_shape_is_no_page(body: bytes) -> None:
    """However often it is learnt from."""
    decoder: Decoder = PageDecoder(SearchAnswer)
    decoder.decode(page({"a": 1}))
    with pytest.raises(msgspec.ValidationError):
        decoder.decode(body)


def test_several_threads_may_learn_at_once() -> None:
    """Each page is decoded, whatever the others taught meanwhile."""
    decoder: Decoder = PageDecoder(SearchAnswer)
    pages = [page({f"customfield_{number}": number}) for number in range(200)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda body: sent(decoder, body), pages))
    assert found == [[{f"customfield_{number}": number}] for number in range(200)]
