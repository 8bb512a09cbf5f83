"""Values that readers and writers of CSV, SQL and JSON have stumbled over, and a Jira that is full of them."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from sandbox import texts

if TYPE_CHECKING:
    from sandbox import Corpus

TEXTS = (
    *texts.TRICKY,
    " spaces around ",
    'He said "no, never",\nand left; a\ttab',
    "NULL",
    "null",
    "\\N",
    "true",
    "2024-01-02",
    "=1+1",
    '{"a": [1, {"b": null}]}',
    "'; DROP TABLE issues; --",
    "%s %(id)s ${HOME} {{ name }}",
    "long " * 6_553,
)
"""The last is as long as Jira lets a text be."""

NUMBERS = (0, -1, 0.1, 0.30000000000000004, 1e-7, 1e21, 9007199254740993, 123456789012345678901)
"""Among them some that a double does not hold."""


def made_hard(corpus: Corpus) -> Corpus:
    """Put these into the texts and numbers of issues and of comments, behind Jira's back."""
    ids = {each["name"]: each["id"] for each in corpus.field_list}
    issues = corpus.snapshot().issues
    assert len(issues) >= max(len(TEXTS), len(NUMBERS))
    bodies = itertools.cycle(TEXTS)
    for place, issue in enumerate(issues):
        text = TEXTS[place % len(TEXTS)]
        held = issue.fields["comment"]
        comments = [{**each, "body": next(bodies)} for each in held["comments"]]
        # Not as the text of old servers: that has another object's number in each answer.
        sprint = {"id": place, "name": text[:99], "state": "ACTIVE", "goal": None}
        fields = {
            "summary": text,
            "description": text,
            ids["Story Points"]: NUMBERS[place % len(NUMBERS)],
            ids["Sprint"]: [sprint],
            "comment": {**held, "comments": comments},
        }
        corpus.change([issue.id], lambda old, new=fields: old.touched(**new))  # type: ignore[misc]  # lambda's default has no type
    return corpus
