"""Invented people of a generated corpus, in every shape in which Jira shows a user."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from sandbox import texts
from sandbox.issue import BASE

if TYPE_CHECKING:
    from random import Random

_ZONES: Final = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Asia/Tokyo")


@dataclass(frozen=True)
class Person:
    """Somebody who reports, comments or is assigned."""

    name: str
    display_name: str
    number: int
    time_zone: str
    deleted: bool = False

    @cached_property
    def body(self) -> dict[str, Any]:
        """The user object of Data Center, one for all who show it; of a deleted user only the name is left."""
        if self.deleted:
            return {"name": self.name, "active": False}
        avatar = f"{BASE}/secure/useravatar?ownerId=JIRAUSER{self.number}&avatarId={self.number % 90 + 10_100}"
        sizes = {
            "48x48": "",
            "24x24": "&size=small",
            "16x16": "&size=xsmall",
            "32x32": "&size=medium",
        }
        return {
            "self": f"{BASE}/rest/api/2/user?username={self.name}",
            "name": self.name,
            "key": f"JIRAUSER{self.number}",
            "emailAddress": f"{self.name}@example.com",
            "avatarUrls": {size: avatar + suffix for size, suffix in sizes.items()},
            "displayName": self.display_name,
            "active": self.number % 9 != 0,
            "timeZone": self.time_zone,
        }


def people(chance: Random, count: int) -> tuple[Person, ...]:
    """`count` people; one in twelve has been deleted."""
    found = []
    for number in range(count):
        first, last = texts.word(chance), texts.word(chance)
        display = f"{first.title()} {last.title()}"
        zone = chance.choice(_ZONES)
        found.append(
            Person(
                f"{first}.{last}{number}", display, 10_100 + number, zone, deleted=number % 12 == 11
            )
        )
    return tuple(found)
