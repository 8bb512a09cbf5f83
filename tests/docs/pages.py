"""What stands in the documents: their blocks of code, commands, links and anchors."""

from __future__ import annotations

import functools
import re
import shlex
import textwrap
from typing import TYPE_CHECKING, NamedTuple

from documents import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/*.md"),
        *ROOT.glob("[!.]*/README.md"),
        ROOT / "tests/sandbox/README.md",
    )
)
"""Every page that people read."""

_FENCE = re.compile(r"(?ms)^(?P<margin> *)```(?P<language>\w*)\n(?P<code>.*?)^(?P=margin)```$")
_INLINE = re.compile(r"(?<!`)`([^`]+)`(?!`)")
_FOLDER = re.compile(r"^\.?venv[\w-]*/bin/")
_CRON = re.compile(r"^(?:[\d*/,-]+ +){5}")
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"(?m)^#+ (.+)$")

COMMANDS = {
    *(
        "./dev",
        "airflow",
        "aws",
        "cat",
        "curl",
        "dagster",
        "flock",
        "git",
        "jira-oauth",
        "kill",
        "kubectl",
        "meltano",
        "pip",
        "python",
    ),
    *("cd", "echo", "export", "python3", "sed", "sudo", "tail", "tap-jira-oauth"),
    *("target-s3-jsonl", "uv"),
}
"""What a line begins with that is a command; `bin` of an environment may stand before it, and variables."""


class Block(NamedTuple):
    """A fenced block of a page."""

    page: str
    language: str
    code: str


@functools.cache
def text(page: str) -> str:
    """Return a page."""
    return (ROOT / page).read_text("utf-8")


def blocks(page: str) -> Iterator[Block]:
    """Yield the fenced blocks, without the margin of a list."""
    for match in _FENCE.finditer(text(page)):
        yield Block(page, match["language"], textwrap.dedent(match["code"]))


def commands(page: str) -> Iterator[str]:
    """Yield every command of a page."""
    yield from commands_of(text(page))


def commands_of(prose: str) -> Iterator[str]:
    """Yield every command: the lines of blocks without a language, and what is told in a sentence."""
    for match in _FENCE.finditer(prose):
        if match["language"] in {"", "sh", "bash"}:
            yield from filter(is_command, _statements(textwrap.dedent(match["code"])))
    for match in _INLINE.finditer(_FENCE.sub("", prose)):
        told = " ".join(match[1].split())
        if is_command(told) and len(told.split()) > 1:
            yield told


def written(beginning: str) -> str:
    """Return the command of the pages that begins so, or is this very one."""
    found = {
        command
        for page in PAGES
        for command in commands(page)
        if plain(command).startswith(plain(beginning))
    }
    assert found, f"no page has {beginning!r} any more"
    return min(found, key=lambda command: (len(command), command))


def plain(command: str) -> str:
    """Leave out in which of the two environments of `meltano.yml` it is."""
    return command.replace("meltano --environment=prod ", "meltano ")


def is_command(line: str) -> bool:
    """Tell whether a line begins with a command that we speak of, after its variables."""
    words = _CRON.sub("", line).split()
    while words and re.match(r"[A-Z_0-9]+=", words[0]):
        words.pop(0)
    return bool(words) and _FOLDER.sub("", words[0]) in COMMANDS


def _statements(code: str) -> Iterator[str]:
    """Yield the commands of a block, those of several lines as one, without comments."""
    pending = ""
    for line in code.splitlines():
        pending = f"{pending}\n{line}" if pending else line
        if pending.endswith("\\"):
            pending = pending[:-1].rstrip()
            continue
        try:
            shlex.split(pending)
        except ValueError:  # a quotation that goes on
            continue
        yield " ".join(re.sub(r" +# .*$", "", pending).split())
        pending = ""
    if pending:
        yield from pending.splitlines()


def links(page: str) -> Iterator[str]:
    """Yield where the links and pictures of a page lead."""
    for match in _LINK.finditer(_INLINE.sub("", _FENCE.sub("", text(page)))):
        yield match[1]


@functools.cache
def anchors(page: str) -> frozenset[str]:
    """Return the anchors of a page's headings, as GitHub and others make them."""
    return frozenset(map(_anchor, _HEADING.findall(_FENCE.sub("", text(page)))))


def _anchor(heading: str) -> str:
    plain = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
