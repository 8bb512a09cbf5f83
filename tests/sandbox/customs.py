"""Values of custom fields: every shape that real servers put under a declared type, seeded.

A kind is a name in `fields.py`; a value may contradict the declared type, because real ones do.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from sandbox import texts, times
from sandbox.issue import BASE

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from sandbox.people import Person

_DAY_MS: Final = 86_400_000
_ALWAYS: Final = frozenset(
    {"zero_text", "empty_text", "devsummary", "rank", "long_max", "parent_link", "html"}
)
_OFTEN: Final = frozenset(
    {"float", "sprint", "epic_link", "time_in_status", "datetime", "users", "none_or_empty"}
)


class Customs:
    """Makes the value of a kind for one issue after another."""

    def __init__(self, chance: Random, people: tuple[Person, ...]) -> None:
        """Values by `chance`; user fields name one of `people`."""
        self._chance = chance
        self._people = people
        self._kinds: dict[str, Callable[[], Any]] = {
            "float": lambda: chance.choice([1.0, 2.0, 3.0, 5.0, 8.0, 13.0, 0.5, 1.457]),
            "zero_text": lambda: chance.choice(["0.0", "0.0", "0.0", "2.0"]),
            "empty_text": lambda: "",
            "devsummary": self._devsummary,
            "sprint": self._sprints,
            "rank": lambda: f"{chance.randrange(3)}|{texts.base36(chance, 6)}:",
            "long_max": lambda: "9223372036854775807",
            "epic_link": lambda: f"EPIC-{chance.randrange(1, 90)}",
            "parent_link": lambda: {
                "hasEpicLinkFieldDependency": False,
                "showField": False,
                "nonEditableReason": {
                    "reason": "PLUGIN_LICENSE_ERROR",
                    "message": "Parent Link needs a licence.",
                },
            },
            "word": lambda: chance.choice(
                [texts.word(chance), str(chance.randrange(1, 9)), "None"]
            ),
            "words": lambda: [texts.word(chance) for _ in range(chance.randrange(1, 4))],
            "digits": lambda: str(chance.randrange(100_000)),
            "text": lambda: texts.paragraph(chance, 3),
            "html": lambda: (
                f'<div> <progress style="width: 9em" max="100" value="{chance.randrange(101)}"/></div>'
            ),
            "url": lambda: f"https://{texts.word(chance)}.example.com/{texts.word(chance)}",
            "urls": lambda: [f"https://{texts.word(chance)}.example.com/" for _ in range(2)],
            "date": lambda: times.render(self._moment())[:10],
            "datetime": lambda: times.render(self._moment()),
            "option": self._option,
            "options": lambda: [self._option() for _ in range(chance.randrange(1, 3))],
            "cascade": lambda: {**self._option(), "child": self._option()},
            "user": lambda: chance.choice(people).body(),
            "users": lambda: [person.body() for person in chance.sample(people, 2)],
            "none_or_empty": lambda: chance.choice([None, []]),
            "groups": lambda: [
                {"name": "staff", "self": f"{BASE}/rest/api/2/group?groupname=staff"}
            ],
            "versions": lambda: [texts.version(chance)],
            "time_in_status": lambda: (
                f"10002_*:*_1_*:*_{chance.randrange(10**7)}_*|*_10001_*:*_1_*:*_0"
            ),
        }

    def value(self, kind: str) -> Any:
        """A value of that kind, or null: most fields of most issues are empty."""
        share = 1.0 if kind in _ALWAYS else 0.4 if kind in _OFTEN else 0.04
        return self._kinds[kind]() if self._chance.random() < share else None

    def _moment(self) -> int:
        return 1_700_000_000_000 + self._chance.randrange(700 * _DAY_MS)

    def _option(self) -> dict[str, Any]:
        number = self._chance.randrange(39_000, 40_000)
        url = f"{BASE}/rest/api/2/customFieldOption/{number}"
        return {
            "self": url,
            "value": texts.word(self._chance).title(),
            "id": str(number),
            "disabled": False,
        }

    def _sprints(self) -> list[str]:
        """Java `toString()` of sprints as Data Center prints them; the hash is of the moment, the commas are not quoted."""
        number = self._chance.randrange(1, 60)
        ids = range(number, number + self._chance.choice([1, 1, 2]))
        return [
            f"com.atlassian.greenhopper.service.sprint.Sprint@1[id={i},rapidViewId={i % 7 + 1},state=CLOSED,"
            f"name=Sprint {i}, {texts.word(self._chance)},startDate=2025-03-03T09:00:00.000+01:00,endDate=<null>,"
            f"completeDate=<null>,activatedDate=<null>,sequence={i},goal=<null>,autoStartStop=false,synced=false]"
            for i in ids
        ]

    def _devsummary(self) -> str:
        bean = "com.atlassian.jira.plugin.devstatus"
        parts = {
            "build": "BuildOverallBean",
            "review": "ReviewsOverallBean",
            "repository": "CommitOverallBean",
        }
        inner = ", ".join(
            f"{part}={bean}.rest.SummaryItemBean@1[overall={bean}.summary.beans.{name}@1[count=0,"
            f"lastUpdated=<null>,lastUpdatedTimestamp=<null>],byInstanceType={{}}]"
            for part, name in parts.items()
        )
        overall = {"overall": {"count": 0, "lastUpdated": None}, "byInstanceType": {}}
        cached = {
            "cachedValue": {
                "errors": [],
                "configErrors": [],
                "summary": dict.fromkeys(parts, overall),
            }
        }
        shown = json.dumps(
            {**cached, "isStale": self._chance.random() < 0.5}, separators=(",", ":")
        )
        return (
            f"{{summaryBean={bean}.rest.SummaryBean@1[summary={{{inner}}},errors=[],configErrors=[]], "
            f"devSummaryJson={shown}}}"
        )
