"""The views of what holds now, in DuckDB: the newest version of each key, lists that are whole, nothing that is gone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from target.command import run, s3_config, state
from target.duck import duck, printed

if TYPE_CHECKING:
    from pathlib import Path

    from local_s3 import LocalS3

_TIME = {"type": "string", "format": "date-time"}
_TEXT = {"type": "string"}
_STREAMS: dict[str, tuple[dict[str, Any], list[str], list[str]]] = {
    "issues": (
        {"id": _TEXT, "updated": _TIME, "project_id": _TEXT, "v": _TEXT},
        ["id"],
        ["updated"],
    ),
    "issue_comments": ({"id": _TEXT, "issue_id": _TEXT, "issue_updated": _TIME}, ["id"], []),
    "issue_worklogs": (
        {"id": _TEXT, "issue_id": _TEXT, "issue_updated": _TIME, "updated": _TIME, "v": _TEXT},
        ["id"],
        [],
    ),
    "deleted_issues": ({"id": _TEXT, "noticed_at": _TIME, "outcome": _TEXT}, ["id"], []),
    "issue_census": (
        {
            "census_id": _TEXT,
            "id": _TEXT,
            "project_id": _TEXT,
            "taken_at": _TIME,
            "issues_in_census": {"type": "integer"},
        },
        ["census_id", "id"],
        [],
    ),
    "people": ({"id": _TEXT, "name": _TEXT}, ["id"], []),
    "log": ({"text": _TEXT}, [], []),
}


def _at(minute: int) -> str:
    return f"2026-01-02T03:{minute:02d}:00.000Z"


def _issue(id_: str, minute: int, v: str = "", project: str = "1") -> tuple[str, dict[str, str]]:
    return "issues", {"id": id_, "updated": _at(minute), "project_id": project, "v": v}


def _comment(id_: str, issue: str, minute: int) -> tuple[str, dict[str, str]]:
    return "issue_comments", {"id": id_, "issue_id": issue, "issue_updated": _at(minute)}


def _person(id_: str, name: str) -> tuple[str, dict[str, str]]:
    return "people", {"id": id_, "name": name}


def _activate(stream: str, version: int) -> bytes:
    message = {"type": "ACTIVATE_VERSION", "stream": stream, "version": version}
    return json.dumps(message).encode() + b"\n"


class Lake:
    """A lake that is loaded run by run, and read by what `ddl` prints."""

    def __init__(self, folder: Path, config: dict[str, Any], server: LocalS3 | None) -> None:
        """Load below `config`'s destination."""
        self._folder = folder
        self._config = config
        self._server = server
        self._runs = 0

    def load(
        self,
        *rows: tuple[str, dict[str, Any]],
        streams: tuple[str, ...] = (),
        version: int | None = None,
        last: tuple[bytes, ...] = (),
    ) -> None:
        """Run once, from a STATE of its own; `version` is that of all records."""
        self._runs += 1
        lines = [state(1000 * self._runs)]
        for stream in dict.fromkeys([*(stream for stream, _ in rows), *streams]):
            properties, keys, bookmarks = _STREAMS[stream]
            told = {"schema": {"type": "object", "properties": properties}, "key_properties": keys}
            told |= {"type": "SCHEMA", "stream": stream, "bookmark_properties": bookmarks}
            lines.append(json.dumps(told).encode() + b"\n")
        for stream, record in rows:
            message: dict[str, Any] = {"type": "RECORD", "stream": stream, "record": record}
            message |= {} if version is None else {"version": version}
            lines.append(json.dumps(message).encode() + b"\n")
        code, _, log = run(self._folder, self._config, [*lines, *last])
        assert code == (1 if last and last[-1] == b"broken\n" else 0), log

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """Return a query's rows, sorted."""
        script = printed(self._folder, self._config, "duckdb")
        with duck(script, self._server) as connection:
            return sorted(connection.execute(sql).fetchall())


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """A lake in a folder."""
    return Lake(tmp_path, {"destination": str(tmp_path / "lake")}, None)


def test_the_newest_version_of_each_key_over_s3(
    tmp_path: Path, local_s3: LocalS3, bucket: str
) -> None:
    """By the replication key, whatever the order of loading; all versions stay in the other view."""
    lake = Lake(tmp_path, s3_config(local_s3, bucket, batch_size_rows=2), local_s3)
    lake.load(_issue("1", 1, "a"), _issue("2", 1, "a"), _issue("1", 5, "c"))
    lake.load(_issue("1", 3, "b"), _issue("3", 1, "a"))
    assert lake.ask("SELECT id, v FROM issues_newest") == [("1", "c"), ("2", "a"), ("3", "a")]
    assert lake.ask("SELECT count(*), count(DISTINCT _file) FROM issues") == [(5, 3)]
    assert lake.ask("SELECT DISTINCT load_date = current_date FROM issues_newest") in (
        [(True,)],
        [(False,)],  # the hours in which the day in UTC is another one
    )


def test_what_is_gone_is_left_out_until_it_is_edited_again(lake: Lake) -> None:
    """`deleted_issues` tells when it was noticed; a later version is back."""
    lake.load(*(_issue(id_, 1) for id_ in "123"))
    lake.load(
        *(
            ("deleted_issues", {"id": id_, "noticed_at": _at(9), "outcome": "deleted"})
            for id_ in "23"
        )
    )
    assert lake.ask("SELECT id FROM issues_newest") == [("1",)]
    lake.load(_issue("3", 20))
    assert lake.ask("SELECT id FROM issues_newest") == [("1",), ("3",)]


def _census(name: str, minute: int, number: int, *ids: str) -> list[tuple[str, dict[str, Any]]]:
    told = {"census_id": name, "taken_at": _at(minute), "project_id": "1"}
    return [("issue_census", told | {"issues_in_census": number, "id": each}) for each in ids]


def test_a_census_leaves_out_what_it_did_not_count(lake: Lake) -> None:
    """Only a whole census, only issues older than it, only projects that it has."""
    lake.load(*(_issue(id_, 1) for id_ in "123"), _issue("9", 1, project="2"))
    lake.load(*_census("old", 5, 3, "1", "2", "3"))
    assert len(lake.ask("SELECT id FROM issues_newest")) == 4
    lake.load(*_census("new", 10, 2, "1", "3"), _issue("4", 11))
    assert lake.ask("SELECT id FROM issues_newest") == [("1",), ("3",), ("4",), ("9",)]
    lake.load(*_census("cut short", 15, 3, "1"))
    assert lake.ask("SELECT id FROM issues_newest") == [("1",), ("3",), ("4",), ("9",)]


def test_each_project_has_a_newest_census_of_its_own(lake: Lake) -> None:
    """Shards, or runs with other projects, take one each; the younger one says nothing of the others' projects."""
    lake.load(*(_issue(id_, 1) for id_ in "12"), *(_issue(id_, 1, project="2") for id_ in "89"))
    lake.load(*_census("shard 1", 5, 1, "1"))
    second = {"census_id": "shard 2", "taken_at": _at(6), "project_id": "2", "issues_in_census": 1}
    lake.load(("issue_census", second | {"id": "9"}))
    assert lake.ask("SELECT id FROM issues_newest") == [("1",), ("9",)]


def test_an_issue_that_came_and_went_between_two_censuses_is_gone(lake: Lake) -> None:
    """No census counted it, though one is younger; what was counted once is for `deleted_issues` to say."""
    lake.load(*(_issue(id_, 1) for id_ in "12"), _issue("9", 1, project="2"))
    lake.load(
        *_census("first", 5, 2, "1", "2"),
        ("deleted_issues", {"id": "8", "noticed_at": _at(5), "outcome": "deleted"}),
    )
    lake.load(_issue("3", 6), _issue("4", 6))
    lake.load(*_census("second", 10, 2, "1", "4"), _issue("5", 11))
    assert lake.ask("SELECT id FROM issues_newest") == [("1",), ("2",), ("4",), ("5",), ("9",)]
    gone = ("deleted_issues", {"id": "2", "noticed_at": _at(10), "outcome": "deleted"})
    lake.load(gone)
    assert lake.ask("SELECT id FROM issues_newest") == [("1",), ("4",), ("5",), ("9",)]


def test_a_worklog_that_changed_without_its_issue_is_the_later_one(lake: Lake) -> None:
    """Whatever its object is called: all of them were loaded on one day, with one version of the issue."""
    told = {"id": "w", "issue_id": "1", "issue_updated": _at(1)}
    lake.load(_issue("1", 1))
    for minute in (2, 5, 3, 4):
        version = {**told, "updated": _at(minute), "v": str(minute)}
        lake.load(("issue_worklogs", version))
    assert lake.ask("SELECT id, v FROM issue_worklogs_newest") == [("w", "5")]


def test_children_are_those_of_the_newest_version_of_their_issue(lake: Lake) -> None:
    """A comment that is not there any more has an older version of the issue; one of an issue that is gone goes too."""
    lake.load(_issue("1", 1), _comment("a", "1", 1), _comment("b", "1", 1))
    lake.load(_issue("2", 1), _comment("c", "2", 1))
    lake.load(_issue("1", 5), _comment("a", "1", 5))
    assert lake.ask("SELECT id FROM issue_comments_newest") == [("a",), ("c",)]
    gone = {"id": "2", "noticed_at": _at(9), "outcome": "deleted"}
    lake.load(("deleted_issues", gone))
    assert lake.ask("SELECT id FROM issue_comments_newest") == [("a",)]


def test_a_list_is_what_its_last_whole_reading_had(lake: Lake) -> None:
    """A row that was not read again is gone; a reading that was cut short, or not declared whole, does not count."""
    lake.load(_person("1", "Ada"), _person("2", "Bob"), version=10, last=(_activate("people", 10),))
    assert lake.ask("SELECT id, name FROM people_newest") == [("1", "Ada"), ("2", "Bob")]
    lake.load(_person("1", "Eve"), version=20, last=(_activate("people", 20),))
    assert lake.ask("SELECT id, name FROM people_newest") == [("1", "Eve")]
    lake.load(_person("3", "half"), version=30, last=(b"broken\n",))
    assert lake.ask("SELECT id, name FROM people_newest") == [("1", "Eve")]
    lake.load(streams=("people",), last=(_activate("people", 40),))
    assert lake.ask("SELECT id, name FROM people_newest") == []


def test_a_list_whose_records_have_no_version_counts_too(lake: Lake) -> None:
    """Some taps say the version only at the end."""
    lake.load(_person("1", "Ada"), _person("2", "Bob"), last=(_activate("people", 10),))
    lake.load(_person("1", "Eve"), last=(_activate("people", 9),))
    assert lake.ask("SELECT id, name FROM people_newest") == [("1", "Ada"), ("2", "Bob")]


def test_without_versions_and_replication_key_each_key_is_there_once(lake: Lake) -> None:
    """Whatever a tap does not tell; and without keys every row is there."""
    lake.load(_person("1", "Ada"), _person("2", "Bob"), ("log", {"text": "x"}))
    lake.load(_person("1", "Eve"), ("log", {"text": "x"}))
    assert [id_ for (id_,) in lake.ask("SELECT id FROM people_newest")] == ["1", "2"]
    assert lake.ask("SELECT text FROM log_newest") == [("x",), ("x",)]


def test_manifests_can_be_queried(lake: Lake) -> None:
    """What was loaded when, without reading a row of it."""
    lake.load(_issue("1", 1), _issue("2", 4))
    assert lake.ask(
        "SELECT stream, \"rows\", last_bookmark FROM lake_manifests WHERE type = 'object'"
    ) == [("issues", 2, _at(4))]
