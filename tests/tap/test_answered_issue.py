"""Issues out of answers, whatever fields they have, and in whatever order these come to be known."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_jira_oauth.answered_issue import IssueDecoder
from tap_jira_oauth.answered_page import IssueMaker
from tap_jira_oauth.errors import AnswerError, UnavailableError

if TYPE_CHECKING:
    from tap_jira_oauth.answered_issue import Issue, Values

pytestmark = pytest.mark.any_version

NAMES = st.sampled_from(["summary", "customfield_10016", "class", "get", "a b", "é", "", "field_0"])
FIELDS = st.dictionaries(NAMES, st.one_of(st.none(), st.integers(), st.text()))


def page(*issues: dict[str, Any]) -> list[msgspec.Raw]:
    """Return issues of these fields as they stand in an answer."""
    sent = [{"id": "1", "key": "A-1", "self": "", "fields": fields} for fields in issues]
    return [msgspec.Raw(json.dumps(each).encode()) for each in sent]


def decoded(decoder: IssueDecoder, issues: list[msgspec.Raw]) -> list[Issue[Values]]:
    """Decode the issues of a page."""
    return [decoder.decode(issue, issues) for issue in issues]


def sent(decoder: IssueDecoder, issues: list[msgspec.Raw]) -> list[dict[str, Any]]:
    """Return the fields of each issue as they are printed."""
    return [json.loads(msgspec.json.encode(each.fields)) for each in decoded(decoder, issues)]


@given(pages=st.lists(st.lists(FIELDS, max_size=4), max_size=5))
def test_what_was_sent_is_what_is_there_nulls_and_new_fields_too(
    pages: list[list[dict[str, Any]]],
) -> None:
    """Fields differ from issue to issue, and may come up in any page."""
    decoder = IssueDecoder()
    for issues in pages:
        raw = page(*issues)
        assert sent(decoder, raw) == issues
        for issue, fields in zip(decoded(decoder, raw), issues, strict=True):
            found = {name: json.loads(bytes(value)) for name, value in issue.fields.items()}
            assert found == fields


def test_values_are_found_replaced_and_taken_out_by_field() -> None:
    """A null that was sent is there; what was not sent is not."""
    one, other = decoded(IssueDecoder(), page({"a": None, "b": 1}, {"c": 2}))
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
    printed = sent(IssueDecoder(), page({"b": 1, "a": 2}, {"c": 3, "a": 4}))
    assert [list(fields) for fields in printed] == [["b", "a"], ["a", "c"]]


def test_the_fields_of_a_whole_page_are_learnt_at_once() -> None:
    """To know one more field takes as long as many issues."""

    class Counting(IssueDecoder):
        learnt = 0

        def _learn(self, issues: Any) -> None:
            self.learnt += 1
            super()._learn(issues)

    decoder = Counting()
    sent(decoder, page(*({f"customfield_{number}": number} for number in range(100))))
    assert decoder.learnt == 1


@pytest.mark.parametrize("issue", [b'{"id":1}', b"[]", b'{"id":"1","key":"A-1","self":"u"}'])
def test_what_has_another_shape_is_no_issue(issue: bytes) -> None:
    """However much was learnt before."""
    decoder = IssueDecoder()
    sent(decoder, page({"a": 1}))
    with pytest.raises(msgspec.ValidationError):
        decoder.decode(msgspec.Raw(issue), [])


@pytest.mark.parametrize(
    ("issue", "error"), [(b'{"id":1}', AnswerError), (b'{"id":', UnavailableError)]
)
def test_an_issue_that_cannot_be_decoded_is_a_fault_of_its_answer(
    issue: bytes, error: type[Exception]
) -> None:
    """Which is named by its path; broken JSON may pass."""
    with pytest.raises(error, match=r"^/search: Jira's answer"):
        IssueMaker(lambda each: each).made("/search", [*page(), msgspec.Raw(issue)])


def test_an_issue_is_made_before_the_next_one_is_decoded() -> None:
    """So its many values are gone by then."""
    steps: list[str] = []

    class Telling(IssueDecoder):
        def decode(self, issue: Any, page: Any) -> Issue[Values]:
            steps.append("decoded")
            return super().decode(issue, page)

    def make(issue: Issue[Values]) -> str:
        steps.append("made")
        return issue.key

    moment = {"updated": "2026-01-02T03:04:05.678+0000"}
    made, rows = IssueMaker(make, Telling()).made("/search", page(moment, moment))
    assert (made, [row.id for row in rows]) == (["A-1"] * 2, ["1"] * 2)
    assert steps == ["decoded", "made"] * 2
