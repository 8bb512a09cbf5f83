"""Names of custom fields as property names. Pure.

Jira lets two fields have one name, and a custom field the name of a system field. Whoever shares a
name gets the number of its id behind it, so that no name depends on the order of Jira's list.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

CUSTOM_FIELD = re.compile(r"customfield_([0-9]+)")
"""An id that Jira gives to a custom field."""


def slug(name: str) -> str:
    """Return a name in lower-case ASCII, words joined by `_`; empty for a name without any letter in it."""
    ascii_text = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "_", ascii_text.lower()).strip("_")


def property_names(names: Mapping[str, str], taken: Iterable[str]) -> dict[str, str]:
    """Return a property name for each custom field, by id; `names` are the human ones.

    All are different, and different from `taken` (the ids of the system fields), whatever the case
    of letters. A field whose name says nothing in ASCII keeps its id.
    """
    slugs = {field: slug(name) for field, name in names.items()}
    shared = Counter(slugs.values()) + Counter({name.lower(): 2 for name in taken})
    made = {
        field: text if shared[text] == 1 else f"{text}_{field.rpartition('_')[2]}"
        for field, text in slugs.items()
    }
    # A name may end in the number of another field: then both are known by their ids.
    twice = Counter([*made.values(), *(name.lower() for name in taken)])
    return {
        field: field
        if not slugs[field] or twice[name] > 1 or CUSTOM_FIELD.fullmatch(name)
        else name
        for field, name in made.items()
    }
