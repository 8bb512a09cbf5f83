"""The names, columns and places of tables: what engines accept, and what the records mean."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from target.command import run, s3_config, schema, state
from target.duck import duck, printed
from target_s3_jsonl.ddl import glue, names
from target_s3_jsonl.ddl.columns import columns
from target_s3_jsonl.ddl.table import SchemaDocument, tables
from target_s3_jsonl.errors import ConfigurationError
from target_s3_jsonl.layout import Layout

if TYPE_CHECKING:
    from pathlib import Path

    from local_s3 import LocalS3
    from target_s3_jsonl.ddl.table import Table


def _schema(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def _kinds(*schemas: dict[str, Any]) -> dict[str, str]:
    return {each.name: each.kind for each in columns(schemas).all}


def _table(template: str, stream: str = "issues") -> Table:
    document = SchemaDocument(stream, _schema(id={"type": "integer"}), ["id"], [])
    return tables({stream: [document]}, {stream: Layout(template).segments(stream)})[stream]


def _messages(stream: str, properties: dict[str, Any], *records: dict[str, Any]) -> list[bytes]:
    told = {"type": "SCHEMA", "stream": stream, "schema": _schema(**properties)}
    messages = [told | {"key_properties": ["id"], "bookmark_properties": ["updated"]}]
    messages += [{"type": "RECORD", "stream": stream, "record": each} for each in records]
    return [json.dumps(each).encode() + b"\n" for each in messages]


@given(st.lists(st.text(), unique=True))
def test_any_names_become_names_that_every_engine_takes(given_names: list[str]) -> None:
    """Lower case, no quotes needed, no two alike, the same whatever the order."""
    made = names.assigned({each: each for each in given_names})
    assert len(set(made.values())) == len(given_names)
    for name in made.values():
        assert re.fullmatch(r"[a-z_][a-z0-9_]{0,254}", name)
        assert names.safe(name) == name
    assert names.assigned({each: each for each in reversed(given_names)}) == made


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Sprint", "sprint"),
        ("a.b c", "a_b_c"),
        ("order", "order_"),
        ("2nd", "c_2nd"),
        ("", "c__"),
        ("größe", "gr_e"),
    ],
)
def test_names_are_made_safe(name: str, expected: str) -> None:
    """Case, dots, reserved words, digits in front."""
    assert names.safe(name) == expected


def test_of_names_that_would_be_alike_the_one_that_is_safe_already_stays() -> None:
    """The others get a number, and whoever runs `ddl` is told."""
    made = columns([_schema(Sprint={}, sprint={}, SPRINT={})])
    assert {each.path[0]: each.name for each in made.all} == {
        "sprint": "sprint",
        "SPRINT": "sprint_2",
        "Sprint": "sprint_3",
    }
    assert len(made.notes) == 2


def test_kinds_follow_the_schema() -> None:
    """One type is a column of it; several, or none, are JSON."""
    assert _kinds(
        _schema(
            text={"type": ["string", "null"]},
            at={"type": "string", "format": "date-time"},
            day={"type": ["null", "string"], "format": "date"},
            count={"type": "integer"},
            ratio={"type": ["number", "integer"]},
            flag={"type": "boolean"},
            list={"type": "array", "items": {"type": "string"}},
            open={"type": "object", "additionalProperties": True},
            mixed={"type": ["string", "integer"]},
            anything={},
            either={"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]},
        )
    ) == {
        "text": "text",
        "at": "timestamp",
        "day": "date",
        "count": "integer",
        "ratio": "number",
        "flag": "boolean",
        "list": "json",
        "open": "json",
        "mixed": "json",
        "anything": "json",
        "either": "timestamp",
    }


def test_members_of_declared_objects_are_columns_of_their_own() -> None:
    """As deep as they are declared; the object itself stays as JSON."""
    inner = {"type": ["object", "null"], "properties": {"c": {"type": "integer"}}}
    assert _kinds(_schema(a={"type": "object", "properties": {"b": inner}})) == {
        "a": "json",
        "a_b": "json",
        "a_b_c": "integer",
    }


def test_schemas_of_all_times_make_one_table() -> None:
    """A column that only an old SCHEMA has stays; one whose type changed holds both."""
    old = _schema(gone={"type": "string"}, size={"type": "integer"}, kind={"type": "string"})
    new = _schema(size={"type": "number"}, kind={"type": "object"}, more={"type": "boolean"})
    expected = {"gone": "text", "size": "number", "kind": "json", "more": "boolean"}
    assert _kinds(old, new) == expected
    assert _kinds(new, old) == expected


def test_names_that_no_path_can_spell_are_told() -> None:
    """A quote within a name would be a hole in the SQL."""
    made = columns([_schema(**{"it's": {}, 'a"b': {}, "ok": {}})])
    assert [each.name for each in made.all] == ["ok"]
    assert len(made.notes) == 2


@pytest.mark.parametrize(
    ("template", "location", "of_a_day"),
    [
        (
            "{stream}/load_date={load_date}/{name}.jsonl",
            "s3://lake/issues/",
            "s3://lake/issues/load_date=${load_date}/",
        ),
        ("raw/{stream}/{name}.jsonl", "s3://lake/raw/issues/", None),
        (
            "{load_date}/{stream}/{record[project_key]}/{name}.jsonl",
            "s3://lake/",
            "s3://lake/${load_date}/issues/",
        ),
        (
            "{stream}/key={record[project_key]}/load_date={load_date}/{name}.jsonl",
            "s3://lake/issues/",
            None,
        ),
    ],
)
def test_the_template_decides_the_partitions(
    template: str, location: str, of_a_day: str | None
) -> None:
    """Days can be counted; of other folders Athena reads whatever is in them."""
    assert glue.place(_table(template), "s3://lake") == glue.Place(location, of_a_day)
    made = glue.table_input(_table(template), "s3://lake", "2026-01-02")
    assert bool(made["PartitionKeys"]) is (of_a_day is not None)
    if of_a_day:
        assert made["Parameters"]["projection.load_date.range"] == "2026-01-02,NOW"


def test_streams_that_share_a_folder_are_refused() -> None:
    """No reader could tell their objects apart."""
    with pytest.raises(ConfigurationError, match="no folder of its own"):
        Layout("all/{stream}-{name}.jsonl").segments("issues")
    table = _table("{run}/{stream}/{name}.jsonl")
    with pytest.raises(ConfigurationError, match=r"Put \{stream\} first"):
        glue.place(table, "s3://lake")


def test_members_keep_their_case_in_glue() -> None:
    """The SerDe maps each column to its member, and leaves the names within objects alone."""
    document = SchemaDocument("x", _schema(Sprint={}, sprint={}, order={}), [], [])
    table = tables({"x": [document]}, {"x": Layout("{stream}/{name}").segments("x")})["x"]
    stored = glue.table_input(table, "s3://lake", "")["StorageDescriptor"]
    assert stored["SerdeInfo"]["Parameters"] == {
        "case.insensitive": "FALSE",
        "mapping.sprint_2": "Sprint",
        "mapping.order_": "order",
    }
    assert {each["Name"]: each["Type"] for each in stored["Columns"]} == {
        "sprint": "string",
        "sprint_2": "string",
        "order_": "string",
    }


_ODD = {
    "id": {"type": "integer"},
    "updated": {"type": "string", "format": "date-time"},
    "Sprint": {"type": "string"},
    "sprint": {"type": "string"},
    "when": {"type": ["string", "null"], "format": "date-time"},
    "day": {"type": "string", "format": "date"},
    "big": {"type": "integer"},
    "any": {},
    "a.b": {"type": "object", "properties": {"x y": {"type": "number"}, "n": {"type": "object"}}},
}


def test_duckdb_reads_odd_names_and_values_over_s3(
    tmp_path: Path, local_s3: LocalS3, bucket: str
) -> None:
    """Names that differ in case, offsets, values that are not what they should be: none ends a query."""
    config = s3_config(local_s3, bucket, validate_records=False)
    lines = _messages(
        "It's 100% Odd!",
        _ODD,
        {
            "id": 1,
            "updated": "2026-01-02T03:04:05.678Z",
            "Sprint": "upper",
            "sprint": "lower",
            "when": "2026-01-02T03:04:05.678+0200",
            "day": "2026-01-02",
            "big": 12345678901234567890123,
            "any": {"x": [1]},
            "a.b": {"x y": 1.5, "n": None},
        },
        {"id": 2, "updated": "yesterday", "day": 7, "any": "text", "when": None},
    )
    code, _, log = run(tmp_path, config, lines)
    assert code == 0, log
    script = printed(tmp_path, config, "duckdb")
    assert "-- It's 100% Odd!: Sprint is sprint_2" in script
    with duck(script, local_s3) as connection:
        found = connection.execute(
            'SELECT sprint, sprint_2, CAST(updated AS VARCHAR), CAST(when_ AS VARCHAR), day, big, "any_", '
            "a_b_x_y, a_b_n FROM it_s_100_odd_newest ORDER BY id"
        ).fetchall()
    first, second = found
    assert first[:4] == ("lower", "upper", "2026-01-02 03:04:05.678", "2026-01-02 01:04:05.678")
    assert (str(first[4]), first[5], first[6]) == ("2026-01-02", None, '{"x":[1]}')
    assert first[7:] == (1.5, None)
    assert second == (None, None, None, None, None, None, '"text"', None, None)


def test_a_stream_that_is_not_there_is_named(tmp_path: Path) -> None:
    """With those that there are."""
    config = {"destination": str(tmp_path / "lake")}
    assert (
        run(
            tmp_path,
            config,
            [schema("people"), *_messages("issues", {"id": {}}, {"id": 1}), state(1)],
        )[0]
        == 0
    )
    code, _, log = run(
        tmp_path, config, [], "--stream", "isues", command=("ddl", "--for", "duckdb")
    )
    assert code == 1
    assert "no stream 'isues'" in log
    assert "It has: issues" in log


@pytest.mark.parametrize(
    ("options", "destination", "reason"),
    [
        (("--for", "athena"), "lake", "read S3 only"),
        (("--for", "duckdb", "--apply"), "lake", "--apply is for Glue"),
        (("--for", "duckdb"), "lake", "There is no SCHEMA"),
        (("--for", "duckdb"), "gs://lake/jira", "cannot be, only S3 and folders can"),
    ],
)
def test_what_cannot_be_is_one_line(
    tmp_path: Path, options: tuple[str, ...], destination: str, reason: str
) -> None:
    """An exit code and a reason, without a traceback."""
    config = {"destination": destination}
    code, lines, log = run(tmp_path, config, [], command=("ddl", *options))
    assert (code, lines) == (1, [])
    assert reason.replace("cannot be, only", "not looked into: only") in log
    assert "Traceback" not in log
