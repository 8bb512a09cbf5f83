"""Values of custom fields: every shape that real servers put under a declared type, seeded.

A kind is a name in `fields.py`; a value may contradict the declared type, because real ones do.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from sandbox import texts, times
from sandbox.issue import BASE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from random import Random

    from sandbox.fields import Custom
    from sandbox.people import Person

_DAY_MS: Final = 86_400_000
_ALWAYS: Final = frozenset(
    {"zero_text", "empty_text", "devsummary", "rank", "long_max", "parent_link", "html"}
)
_OFTEN: Final = frozenset(
    {"float", "sprint", "epic_link", "time_in_status", "datetime", "users", "none_or_empty"}
)
_BEAN: Final = "com.atlassian.jira.plugin.devstatus"
_PARENT_LINK: Final = {
    "hasEpicLinkFieldDependency": False,
    "showField": False,
    "nonEditableReason": {
        "reason": "PLUGIN_LICENSE_ERROR",
        "message": "Parent Link needs a licence.",
    },
}


def share(kind: str) -> float:
    """How often a field of that kind is filled: most fields of most issues are empty."""
    return 1.0 if kind in _ALWAYS else 0.4 if kind in _OFTEN else 0.04


class Customs:
    """Makes values by their kind; every call draws from the `chance` it is given."""

    def __init__(
        self, people: tuple[Person, ...], versions: Mapping[str, tuple[dict[str, Any], ...]]
    ) -> None:
        """User fields name one of `people`, version fields one of a project's `versions`."""
        self._people = people
        self._versions = versions
        self._kinds: dict[str, Callable[[Random], Any]] = {
            "float": lambda chance: chance.choice([1.0, 2.0, 3.0, 5.0, 8.0, 13.0, 0.5, 1.457]),
            "zero_text": lambda chance: chance.choice(["0.0", "0.0", "0.0", "2.0"]),
            "empty_text": lambda _: "",
            "devsummary": _devsummary,
            "sprint": _sprints,
            "rank": lambda chance: f"{chance.randrange(3)}|{texts.base36(chance, 6)}:",
            "long_max": lambda _: "9223372036854775807",
            "epic_link": lambda chance: f"EPIC-{chance.randrange(1, 90)}",
            "parent_link": lambda _: _PARENT_LINK,
            "word": lambda chance: chance.choice(
                [texts.word(chance), str(chance.randrange(1, 9)), "None"]
            ),
            "words": lambda chance: [texts.word(chance) for _ in range(chance.randrange(1, 4))],
            "digits": lambda chance: str(chance.randrange(100_000)),
            "text": lambda chance: texts.paragraph(chance, 3),
            "html": lambda chance: (
                f'<div> <progress style="width: 9em" max="100" value="{chance.randrange(101)}"/></div>'
            ),
            "url": lambda chance: f"https://{texts.word(chance)}.example.com/{texts.word(chance)}",
            "urls": lambda chance: [f"https://{texts.word(chance)}.example.com/" for _ in range(2)],
            "date": lambda chance: times.render(_moment(chance))[:10],
            "datetime": lambda chance: times.render(_moment(chance)),
            "option": _option,
            "options": lambda chance: [_option(chance) for _ in range(chance.randrange(1, 3))],
            "cascade": lambda chance: {**_option(chance), "child": _option(chance)},
            "user": lambda chance: chance.choice(people).body,
            "users": lambda chance: [person.body for person in chance.sample(people, 2)],
            "none_or_empty": lambda chance: chance.choice([None, []]),
            "groups": lambda _: [
                {"name": "staff", "self": f"{BASE}/rest/api/2/group?groupname=staff"}
            ],
            "time_in_status": lambda chance: (
                f"10002_*:*_1_*:*_{chance.randrange(10**7)}_*|*_10001_*:*_1_*:*_0"
            ),
        }

    def maker(
        self, customs: Sequence[Custom], project_id: str
    ) -> Callable[[Random], dict[str, Any]]:
        """What makes the values of a project's custom fields, null for most of them."""
        kinds: dict[str, Callable[[Random], Any]] = {
            **self._kinds,
            "versions": lambda chance: [chance.choice(self._versions[project_id])],
        }
        parts = [(custom.id, share(custom.kind), kinds[custom.kind]) for custom in customs]

        def make(chance: Random) -> dict[str, Any]:
            drawn = chance.random
            return {id_: value(chance) if drawn() < often else None for id_, often, value in parts}

        return make


def _moment(chance: Random) -> int:
    return 1_700_000_000_000 + chance.randrange(700 * _DAY_MS)


def _option(chance: Random) -> dict[str, Any]:
    number = chance.randrange(39_000, 40_000)
    return {
        "self": f"{BASE}/rest/api/2/customFieldOption/{number}",
        "value": texts.word(chance).title(),
        "id": str(number),
        "disabled": False,
    }


def _sprints(chance: Random) -> list[str]:
    """Java `toString()` of sprints as Data Center prints them; the hash is of the moment, the commas are not quoted."""
    number = chance.randrange(1, texts.SPRINTS)
    shown = []
    for i in range(number, number + chance.choice([1, 1, 2])):
        start, end = texts.sprint_moments(i)
        shown.append(
            f"com.atlassian.greenhopper.service.sprint.Sprint@1[id={i},rapidViewId={texts.board_of_sprint(i)},"
            f"state=CLOSED,name={texts.sprint_name(i)},startDate={start},endDate={end},completeDate=<null>,"
            f"activatedDate=<null>,sequence={i},goal=<null>,autoStartStop=false,synced=false]"
        )
    return shown


def _devsummary_text(*, stale: bool) -> str:
    parts = {
        "build": "BuildOverallBean",
        "review": "ReviewsOverallBean",
        "repository": "CommitOverallBean",
    }
    inner = ", ".join(
        f"{part}={_BEAN}.rest.SummaryItemBean@1[overall={_BEAN}.summary.beans.{name}@1[count=0,"
        f"lastUpdated=<null>,lastUpdatedTimestamp=<null>],byInstanceType={{}}]"
        for part, name in parts.items()
    )
    overall = {"overall": {"count": 0, "lastUpdated": None}, "byInstanceType": {}}
    cached = {"errors": [], "configErrors": [], "summary": dict.fromkeys(parts, overall)}
    shown = json.dumps({"cachedValue": cached, "isStale": stale}, separators=(",", ":"))
    return (
        f"{{summaryBean={_BEAN}.rest.SummaryBean@1[summary={{{inner}}},errors=[],configErrors=[]], "
        f"devSummaryJson={shown}}}"
    )


_DEVSUMMARIES: Final = tuple(_devsummary_text(stale=stale) for stale in (False, True))


def _devsummary(chance: Random) -> str:
    return chance.choice(_DEVSUMMARIES)
