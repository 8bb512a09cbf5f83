"""The corpus: generated issues with the shapes and lies of real servers, recorded issues, and life in both."""

from __future__ import annotations

import json
import statistics
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import Clock, Corpus
from sandbox.index import Index
from sandbox.life import Life

if TYPE_CHECKING:
    from pathlib import Path

CORPUS = Corpus.generate(seed=11, issues=600, projects=3)
BODIES = [dict(issue.fields) for issue in CORPUS.snapshot().issues]
TEXT = json.dumps(BODIES, ensure_ascii=False)


def values(type_key: str) -> list[Any]:
    """Every value of the custom fields of one type, null left out."""
    fields = [
        entry["id"]
        for entry in CORPUS.field_list
        if entry.get("schema", {}).get("custom", "").endswith(type_key)
    ]
    return [body[name] for body in BODIES for name in fields if body.get(name) is not None]


def test_a_seed_means_one_corpus() -> None:
    """The same seed gives the same issues and fields, another seed others."""

    def dump(seed: int) -> str:
        corpus = Corpus.generate(seed=seed, issues=40, projects=2)
        bodies = [(i.id, i.key, dict(i.fields)) for i in corpus.snapshot().issues]
        return json.dumps([bodies, corpus.field_list])

    assert dump(4) == dump(4)
    assert dump(4) != dump(5)


def test_sizes_are_those_of_real_issues() -> None:
    """About 10 KB at the median, 60 to 180 fields, most of them null."""
    sizes = [len(json.dumps(body)) for body in BODIES]
    assert 7_000 < statistics.median(sizes) < 14_000
    assert all(60 <= len(body) <= 180 for body in BODIES)
    nulls = [sum(value is None for value in body.values()) / len(body) for body in BODIES]
    assert statistics.median(nulls) > 0.5


def test_declared_types_lie_as_real_ones_do() -> None:
    """Numbers as floats, as text, as empty text; Long.MAX as text; Java's toString; objects that mean nothing."""
    assert {type(value) for value in values(":float")} == {float}
    assert "0.0" in values(":cases_counter")
    assert set(values("support:cases")) == {""}
    assert set(values(":gh-global-rank")) == {"9223372036854775807"}
    assert all("SummaryBean@" in value for value in values(":devsummary"))
    assert all("greenhopper.service.sprint.Sprint@" in s for v in values(":gh-sprint") for s in v)
    assert all("nonEditableReason" in value for value in values(":jpo-custom-field-parent"))
    assert [] in values(":sd-request-participants")
    assert {} in [body["timetracking"] for body in BODIES]
    names = [entry["name"] for entry in CORPUS.field_list]
    assert names.count("Original Estimate") == 2
    assert len(names) - len(set(names)) >= 2


@pytest.mark.parametrize(
    "text",
    [
        "\U0001f680",
        "\\r\\n",
        "\u00a0",
        "\u200b",
        "\u6d4b",
        "\u202e",
        "\\u0001",
        "\\u001f",
        "\u2028",
    ],
)
def test_texts_hold_what_breaks_careless_readers(text: str) -> None:
    """Emoji, CRLF, no-break and zero-width spaces, CJK, direction marks and control characters occur."""
    assert text in TEXT


def test_large_texts_deleted_users_and_long_worklogs_occur() -> None:
    """A 32 KB description, a user of whom only the name is left, and a worklog that Jira cuts at 20."""
    assert max(len(body["description"] or "") for body in BODIES) == 32_767
    assert any(set(body["reporter"]) == {"name", "active"} for body in BODIES)
    cut = [body["worklog"] for body in BODIES if body["worklog"]["total"] > 20]
    assert cut
    assert all(len(log["worklogs"]) == log["maxResults"] == 20 for log in cut)


def test_updated_has_ties_and_whole_seconds() -> None:
    """Bulk changes give many issues one moment, and some databases keep no milliseconds."""
    moments = [issue.updated_ms for issue in CORPUS.snapshot().issues]
    assert len(set(moments)) < 0.95 * len(moments)
    assert any(ms % 1000 == 0 for ms in moments)
    assert any(ms % 1000 for ms in moments)
    assert all(i.created_ms <= i.updated_ms for i in CORPUS.snapshot().issues)


def fake_clock(at: float) -> Clock:
    """A clock that stands still."""
    return Clock(source=lambda: at)


def life_of(corpus: Corpus, clock: Clock) -> Life:
    """People at work before a search index that follows at once."""
    return Life(corpus, clock, Index(clock, {"node": (0, 0)}, 0))


def test_an_edit_is_later_than_the_version_before_it() -> None:
    """`updated` moves to the clock's milliseconds, and forward even where the clock stands still or is behind."""
    corpus = Corpus.generate(seed=2, issues=20)
    life = life_of(corpus, fake_clock(1_900_000_000.123))
    old = corpus.snapshot().issues[0]
    life.edit(keys=[old.key])
    first = corpus.snapshot().by_id[old.id]
    assert first.updated_ms == 1_900_000_000_123
    assert first.fields["updated"] == "2030-03-17T17:46:40.123+0000"
    assert first.fields["summary"] != old.fields["summary"]
    life_of(corpus, fake_clock(0)).edit(keys=[old.key])
    assert corpus.snapshot().by_id[old.id].updated_ms == first.updated_ms + 1


def test_edits_are_chosen_by_seed() -> None:
    """The same seed edits the same issues of the same corpus; more than there are is all of them."""

    def edited(seed: int) -> list[str]:
        life = life_of(Corpus.generate(seed=2, issues=30), fake_clock(1_900_000_000))
        return life.edit(count=6, seed=seed)

    assert edited(1) == edited(1)
    assert edited(1) != edited(2)
    assert len(set(edited(1))) == 6
    assert len(life_of(Corpus.generate(seed=2, issues=3), fake_clock(0)).edit(count=9)) == 3


def test_a_moved_issue_keeps_its_id_and_its_old_key_finds_it() -> None:
    """A move changes project and key, never the id, and no key is given twice."""
    corpus = Corpus.generate(seed=2, issues=30)
    life = life_of(corpus, fake_clock(1_900_000_000))
    old = next(i for i in corpus.snapshot().issues if i.project.key == "ALPHA")
    new_key = life.move(old.key, "OPS")
    moved = corpus.snapshot().by_id[old.id]
    assert (moved.key, moved.project.key) == (new_key, "OPS")
    assert moved.fields["project"]["key"] == "OPS"
    assert moved.updated_ms > old.updated_ms
    assert corpus.snapshot().by_key[old.key] is moved
    life.delete(new_key)
    assert old.id not in corpus.snapshot().by_id
    assert old.key not in corpus.snapshot().by_key
    other = next(i for i in corpus.snapshot().issues if i.project.key == "ALPHA")
    assert life.move(other.key, "OPS") != new_key


def test_life_names_what_it_does_not_know() -> None:
    """Unknown keys and projects are errors that say which."""
    life = life_of(CORPUS, fake_clock(0))
    with pytest.raises(LookupError, match="'NOPE-1'"):
        life.edit(keys=["NOPE-1"])
    with pytest.raises(LookupError, match="'NOPE'"):
        life.move(CORPUS.snapshot().issues[0].key, "NOPE")


def test_many_editors_at_once_lose_no_change() -> None:
    """Edits and moves from several threads all happen, and every moved issue has its own key."""
    corpus = Corpus.generate(seed=2, issues=60)
    life = life_of(corpus, Clock())
    keys = [i.key for i in corpus.snapshot().issues if i.project.key == "ALPHA"]
    with ThreadPoolExecutor(4) as pool:
        moved = list(pool.map(lambda key: life.move(key, "OPS"), keys))
    assert len(set(moved)) == len(keys)
    assert corpus.snapshot().version == len(keys)
    assert len({issue.key for issue in corpus.snapshot().issues}) == 60


def body(id_: str, key: str, updated: str, **fields: Any) -> dict[str, Any]:
    """A recorded issue."""
    project = {"id": "1", "key": key.partition("-")[0], "name": "P"}
    shown = {"project": project, "updated": updated, "created": updated, **fields}
    return {"id": id_, "key": key, "self": "http://h/rest/api/2/issue/" + id_, "fields": shown}


OLD, NEW = "2024-01-01T00:00:00.000+0000", "2024-01-01T02:30:00.000+0200"


def test_a_folder_gives_the_newest_version_of_every_issue(tmp_path: Path) -> None:
    """Exchanges, pages, lines and bare bodies are read; newer wins, then more fields; incomplete ones are counted."""
    files = {
        "exchange.json": {"_recorded": {}, "body": {"issues": [body("1", "A-1", NEW)]}},
        "bare.json": body("1", "A-1", OLD, summary="older"),
        "again.json": body("2", "A-2", OLD),
        "older.json": body("1", "A-1", OLD, summary="older, read last"),
        "wider.json": body("2", "A-2", OLD, summary="wider"),
        "partial.json": {"id": "3", "key": "A-3", "fields": {"summary": "no project"}},
        "other.json": [1, "text", None],
    }
    for name, document in files.items():
        (tmp_path / name).write_text(json.dumps(document))
    line = json.dumps({"url": "u", "fetched": "f", "data": body("4", "A-4", OLD)})
    (tmp_path / "lines.jsonl").write_text(line + "\n\n" + line + "\n")
    corpus = Corpus.from_folder(tmp_path)
    found = {issue.id: issue for issue in corpus.snapshot().issues}
    assert found.keys() == {"1", "2", "4"}
    assert found["1"].fields["updated"] == NEW
    assert found["2"].fields["summary"] == "wider"
    assert corpus.origin.startswith("3 issues from 7 recorded bodies in ")
    assert corpus.origin.endswith("1 incomplete ones skipped")


def test_two_servers_in_one_folder_are_told_apart(tmp_path: Path) -> None:
    """The same id in two sub-folders is two issues of two servers, which one sandbox cannot be."""
    for server in ("one", "two"):
        (tmp_path / server).mkdir()
        (tmp_path / server / "issue.json").write_text(json.dumps(body("1", "A-1", OLD)))
    with pytest.raises(ValueError, match="in one and in two"):
        Corpus.from_folder(tmp_path)
    with pytest.raises(ValueError, match="no issue"):
        Corpus.from_folder(tmp_path / "nothing")
