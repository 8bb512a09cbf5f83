"""Invented text, seeded: words, paragraphs, and the characters that break careless readers."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from sandbox import times
from sandbox.issue import BASE
from sandbox.rng import seeded

if TYPE_CHECKING:
    from random import Random

_SYLLABLES: Final = """
ba ko ti ve lu mo sa ne ri fa do pe gu zi ha or el un im ast
lan mir dor vek sta rin bel tos gar pol mun kit den wis hal
"""
_HEADS, _TAILS = (line.split() for line in _SYLLABLES.strip().splitlines())
_STOCK: Final = 4096
SPRINTS: Final = 60
SPRINT_BOARDS: Final = 7
"""Every seventh sprint is of the same board."""
_FIRST_SPRINT_MS: Final = 1_690_000_000_000
_FORTNIGHT_MS: Final = 14 * 86_400_000

TRICKY: Final = (
    "Emoji \U0001f680 and a family \U0001f468\u200d\U0001f469\u200d\U0001f467, flag \U0001f1e9\U0001f1ea",
    "Windows lines\r\nend with CRLF\r\nand a tab\there",
    "No-break\u00a0space, zero\u200bwidth, byte order mark \ufeff, soft\u00adhyphen",
    "\u8bbe\u7f6e\u7ba1\u7406\u5458 \u6d4b\u8bd5 \u30c6\u30b9\u30c8 \ud55c\uad6d\uc5b4",
    "Right to left \u0645\u0631\u062d\u0628\u0627 \u202eand overridden\u202c",
    "Control characters \u0001 \u0008 \u000b \u001f \u007f \u0085 and line separators \u2028 \u2029",
    "Quotes \" ' ` and back\\slashes \\n \\u0041 and </script> &amp; <b>",
    "12345",
    "",
)


def word(chance: Random) -> str:
    """A word that means nothing."""
    return chance.choice(_HEADS) + chance.choice(_TAILS)


def base36(chance: Random, length: int) -> str:
    """Letters and digits."""
    return "".join(chance.choices("0123456789abcdefghijklmnopqrstuvwxyz", k=length))


def sentence(chance: Random) -> str:
    """Five to fifteen words."""
    return " ".join(word(chance) for _ in range(chance.randrange(5, 16))).capitalize() + "."


@lru_cache(maxsize=1)
def _sentences() -> tuple[str, ...]:
    """Sentences that paragraphs draw from: making every one anew is most of the cost of an issue."""
    chance = seeded("sentences")
    return tuple(sentence(chance) for _ in range(_STOCK))


def paragraph(chance: Random, sentences: int) -> str:
    """Some sentences, of a stock that is larger than the window of a compressor."""
    return " ".join(chance.choices(_sentences(), k=sentences))


def description(chance: Random) -> str | None:
    """Wiki text as people write it: mostly a few paragraphs, sometimes nothing, tricky, or 32 KB."""
    draw = chance.random()
    if draw < 0.15:
        return None
    if draw < 0.25:
        return chance.choice(TRICKY)
    if draw < 0.26:
        return paragraph(chance, 600)[:32_767]
    parts = [paragraph(chance, chance.randrange(2, 8)) for _ in range(chance.randrange(1, 6))]
    return "\r\n\r\n".join(["h2. " + sentence(chance), *parts, "{code:java}\nint x = 1;\n{code}"])


def version(chance: Random, number: int) -> dict[str, Any]:
    """The version of that id; its release date and description come and go."""
    name = f"{number % 100 // 5}.{number % 5}"
    body = {
        "self": f"{BASE}/rest/api/2/version/{number}",
        "id": str(number),
        "name": name,
        "archived": False,
    }
    dated = (
        {"released": True, "releaseDate": f"2025-0{number % 9 + 1}-15"}
        if number % 3
        else {"released": False}
    )
    return {**body, **dated, **({"description": sentence(chance)} if number % 2 else {})}


def board_of_sprint(number: int) -> int:
    """The id of the board on which a sprint was made."""
    return number % SPRINT_BOARDS + 1


def sprint_name(number: int) -> str:
    """With a comma, which breaks careless readers of the Sprint field."""
    return f"Sprint {number}, {word(seeded('sprint', number))}"


def sprint_moments(number: int) -> tuple[str, str]:
    """Start and end; the boards work beside each other."""
    start = _FIRST_SPRINT_MS + number // SPRINT_BOARDS * _FORTNIGHT_MS
    return times.render(start), times.render(start + _FORTNIGHT_MS)
