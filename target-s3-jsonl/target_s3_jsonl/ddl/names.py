"""Names that every engine takes without quotes: lower case, no dots, no reserved words, no two alike. Pure."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Mapping
from typing import TypeVar

T = TypeVar("T", bound=Hashable)

_LONGEST = 200  # Glue takes 255
_UNSAFE = re.compile(r"[^a-z0-9_]+")
_WORDS = """
    all alter analyse analyze and any array as asc asymmetric between both by case cast check collate column
    constraint create cross cube current_catalog current_date current_path current_role current_schema current_time
    current_timestamp current_user deallocate default deferrable delete desc describe distinct do drop else end
    escape except execute exists extract false fetch filter first for foreign from full grant group grouping having
    in initially inner insert intersect into is join json_array json_exists json_object json_query json_table
    json_value lambda last lateral leading left like limit listagg localtime localtimestamp natural normalize not
    null of offset on only or order outer overlaps pivot placing prepare primary qualify recursive references
    returning right rollup select session_user show skip some summarize symmetric table then to trailing trim true
    uescape union unique unknown unnest unpivot using values variadic when where window with
"""
"""What Athena, DuckDB or Spark (in its ANSI mode) read as their own in a query."""
_RESERVED = frozenset(_WORDS.split())


def safe(text: str) -> str:
    """Return a name as every engine takes it; an underscore follows a reserved word, and `c_` precedes a digit."""
    name = _UNSAFE.sub("_", text.lower())[:_LONGEST] or "_"
    if name[0].isdigit() or not name.strip("_"):
        name = f"c_{name}"
    return f"{name}_" if name in _RESERVED else name


def assigned(wanted: Mapping[T, str], taken: Iterable[str] = ()) -> dict[T, str]:
    """Return a safe name for each; of those that would be alike the first by its own spelling keeps it, others get `_2`, `_3`.

    `wanted` are names by what they are for, which has to be sortable; `taken` are names that nobody
    may have.
    """
    used = set(taken)
    given: dict[T, str] = {}
    # Those that need no change go first, so that nobody takes a name that is another one's own.
    for each in sorted(
        wanted, key=lambda one: (safe(wanted[one]) != wanted[one], wanted[one], one)
    ):
        plain = name = safe(wanted[each])
        number = 1
        while name in used:
            number += 1
            name = f"{plain}_{number}"
        used.add(name)
        given[each] = name
    return given
