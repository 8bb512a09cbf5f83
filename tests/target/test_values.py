"""What a whole run stores: byte-exact records, maps where they are asked for, objects that other readers agree on."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow.dataset as ds
import pytest

from target.command import (
    covered,
    files,
    ids,
    lines_of,
    raw_record,
    record,
    run,
    s3_config,
    schema,
    state,
)

if TYPE_CHECKING:
    from local_s3 import LocalS3

_DATA = Path(__file__).parent.parent / "data"


def _data(name: str) -> list[bytes]:
    return (_DATA / f"{name}.singer").read_bytes().splitlines(keepends=True)


def _raw_records(lines: list[bytes]) -> list[bytes]:
    """Return the bytes between `"record": ` and the last brace, by text alone."""
    return [
        line.partition(b'"record": ')[2].rstrip()[:-1] for line in lines if b'"RECORD"' in line[:20]
    ]


@pytest.mark.parametrize("settings", [{}, {"validate_records": False}, {"compression": "none"}])
def test_records_and_states_pass_byte_for_byte(tmp_path: Path, settings: dict[str, Any]) -> None:
    """Long integers, 1e400, -0.0, key order, duplicate keys, escapes and spacing come out as they went in."""
    lines = _data("nasty-values")
    code, states, log = run(tmp_path, {"destination": "lake", **settings}, lines)
    assert code == 0, log
    assert lines_of(files(tmp_path / "lake")) == _raw_records(lines)
    assert states == [b'{"z": 1.50, "a":  [1e400, 123456789012345678901234567890]}']


@pytest.mark.parametrize("end", [b"\r\n", b" \n", b"\n\n", b"\n \t\r\n"])
def test_lines_may_end_in_white_space_and_be_empty(tmp_path: Path, end: bytes) -> None:
    """As on Windows, or as people put files together; nothing of it gets into a row, and none is missed."""
    lines = [line.rstrip(b"\n") + end for line in (schema(), record(1), record(2), state(2))]
    code, states, log = run(tmp_path, {"destination": "lake"}, lines)
    assert (code, covered(states)) == (0, 2), log
    stored = files(tmp_path / "lake")
    assert ids(stored) == [1, 2]
    assert not any(line.endswith((b"\r", b" ")) for line in lines_of(stored))


def test_a_record_of_20_megabytes_passes(tmp_path: Path) -> None:
    """No buffer limits a line."""
    raw = b'{"id":1,"text":"%b"}' % (b"0123456789abcdef" * 1_250_000)
    code, _, log = run(tmp_path, {"destination": "lake"}, [schema(), raw_record(raw)])
    assert code == 0, log
    assert lines_of(files(tmp_path / "lake")) == [raw]


def test_a_repeated_run_writes_the_same_names_and_nothing_twice(tmp_path: Path) -> None:
    """The same input from the same STATE finds every object there; a different starting STATE does not."""
    template = {
        "destination": "lake",
        "path_template": "{stream}/{name}.jsonl",
        "states_per_object": 1,
        "max_parallel_uploads": 1,
    }
    lines = _data("two-streams")
    run(tmp_path, template, lines)
    first = files(tmp_path / "lake")
    times = {path: (tmp_path / "lake" / path).stat().st_mtime_ns for path in first}
    _, states, log = run(tmp_path, template, lines)
    assert files(tmp_path / "lake") == first
    assert {path: (tmp_path / "lake" / path).stat().st_mtime_ns for path in first} == times
    assert log.count("Already there") == len(first) == 3
    assert len(states) == 3
    run(tmp_path, template, lines[1:])
    assert len(files(tmp_path / "lake")) == 6


def test_stream_maps_and_flattening_are_honoured(tmp_path: Path) -> None:
    """Records are renamed, reshaped and left out as the SDK's settings say, with exact numbers."""
    config = {
        "destination": "lake",
        "stream_maps": {
            "issues": {
                "__alias__": "tickets",
                "__filter__": "key != 'DEMO-2'",
                "shout": "key.lower()",
            },
            "projects": None,
        },
        "flattening_enabled": True,
        "flattening_max_depth": 1,
    }
    code, _, log = run(tmp_path, config, _data("two-streams"))
    assert code == 0, log
    stored = files(tmp_path / "lake")
    assert {Path(path).parts[0] for path in stored} == {"tickets"}
    records = [json.loads(line) for line in lines_of(stored)]
    assert [(each["shout"], each["fields__storypoints"]) for each in records] == [
        ("demo-1", 3.5),
        ("demo-3", 0.5),
    ]


def test_a_changed_schema_begins_a_new_object_and_a_repeated_one_does_not(tmp_path: Path) -> None:
    """Each object has one schema, so a reader can take the types of a column from any row."""
    other = schema(text={"type": "string"})
    lines = [schema(), record(1), schema(), record(2), other, record(3), other, schema(), record(4)]
    code, _, log = run(tmp_path, {"destination": "lake"}, lines)
    assert code == 0, log
    stored = files(tmp_path / "lake").values()
    assert sorted(gzip.decompress(each).count(b"\n") for each in stored) == [1, 1, 2]
    assert log.count("closed by schema") == 2


def test_the_log_counts_why_objects_were_closed(tmp_path: Path) -> None:
    """Whoever wonders about many small objects finds the limit that made them."""
    config = {
        "destination": "lake",
        "compression": "none",
        "batch_size_rows": 3,
        "batch_size_bytes": 5000,
        "max_open_objects": 1,
        "states_per_object": 2,
    }
    lines = [
        *(schema(), schema("b")),
        *(record(1), record(2), record(3)),  # rows
        *(record(4), record(5, "b")),  # open
        *(state(5), record(6, "b"), state(6)),  # state
        *(record(7), schema(text={"type": "string"})),  # schema
        *(record(8), raw_record(b'{"id":9,"text":"%b"}' % (b"x" * 5000))),  # bytes
        record(10),  # end
    ]
    code, _, log = run(tmp_path, config, lines)
    assert code == 0, log
    reasons = ("rows", "open", "state", "schema", "bytes", "end")
    for reason in reasons:
        assert log.count(f"closed by {reason}\n") == 1
    [told] = [line for line in log.splitlines() if "Summary: 6 objects, 10 rows" in line]
    assert sorted(told.rpartition("closed by: ")[2].split(", ")) == sorted(
        f"{reason} 1" for reason in reasons
    )


_LONG = b'{"id":1,"big":123456789012345678901234567890,"small":0.12345678901234567890123}'


def test_a_mapped_record_keeps_exact_numbers(tmp_path: Path) -> None:
    """A map does not turn numbers into floats."""
    config = {"destination": "lake", "stream_maps": {"issues": {"more": "'x'"}}}
    code, _, log = run(
        tmp_path, config, [schema(big={"type": "integer"}, small={}), raw_record(_LONG)]
    )
    assert code == 0, log
    assert lines_of(files(tmp_path / "lake")) == [_LONG[:-1] + b',"more":"x"}']


def test_a_map_may_make_a_date(tmp_path: Path) -> None:
    """It is stored as RFC 3339, and what is stored is what its SCHEMA is compared with."""
    made = {"id": None, "day": "datetime.datetime(2026, 1, 2)"}
    config = {"destination": "lake", "stream_maps": {"issues": {**made, "__key_properties__": []}}}
    code, states, log = run(tmp_path, config, [schema(), record(1), state(1)])
    assert code == 0, log
    [line] = lines_of(files(tmp_path / "lake"))
    assert json.loads(line)["day"] == "2026-01-02T00:00:00"
    assert covered(states) == 1


def test_a_map_that_fails_on_a_record_is_one_line_and_what_came_before_is_stored(
    tmp_path: Path,
) -> None:
    """An expression may raise on a value that its author did not think of."""
    config = {"destination": "lake", "stream_maps": {"issues": {"share": "str(100 / (id - 3))"}}}
    lines = [schema(), record(1), record(2), state(2), record(3), state(3)]
    code, states, log = run(tmp_path, config, lines)
    assert code == 1
    assert "stream_maps of stream 'issues'" in log.splitlines()[-1]
    assert "Traceback" not in log
    assert ids(files(tmp_path / "lake")) == [1, 2]
    assert covered(states) == 2


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"kind": {"enum": ["bug", "task"]}}, "TypeError"),
        ({"kind": {"anyOf": [{"minLength": 1}]}}, "KeyError: 'type'"),
        ({"a__b": {"type": "string"}, "a": {"type": "object", "properties": {"b": {}}}}, "a__b"),
    ],
)
def test_a_schema_that_cannot_be_flattened_is_one_line_and_what_came_before_is_stored(
    tmp_path: Path, properties: dict[str, Any], reason: str
) -> None:
    """The SDK's flattening does not know every way to say a type."""
    config = {"destination": "lake", "flattening_enabled": True, "flattening_max_depth": 1}
    lines = [schema(text={"type": "string"}), record(1), state(1), schema("other", **properties)]
    code, states, log = run(tmp_path, config, lines)
    assert (code, covered(states)) == (1, 1)
    assert ids(files(tmp_path / "lake")) == [1]
    last = log.splitlines()[-1]
    assert "stream_maps of stream 'other'" in last
    assert reason in last
    assert "Traceback" not in log


def test_a_record_that_is_too_deep_to_flatten_is_one_line(tmp_path: Path) -> None:
    """The SDK writes what lies deeper than it flattens by a recursion of Python."""
    config = {"destination": "lake", "flattening_enabled": True, "flattening_max_depth": 1}
    for depth in (
        *range(960, 1000, 2),
        20_000,
        200_000,
    ):  # where it ends depends on the version of Python
        deep = raw_record(b'{"id": 2, "deep": %b%b}' % (b"[" * depth, b"]" * depth))
        code, states, log = run(tmp_path, config, [schema(), record(1), state(1), deep, state(2)])
        assert "Traceback" not in log
        if code:
            break
    assert (code, covered(states)) == (1, 1)


def _agree(folder: Path) -> None:
    pattern = str(folder / "issues/*/*.jsonl.gz")
    query = f"SELECT id, key, fields.storypoints, load_date FROM read_json('{pattern}', hive_partitioning=true)"  # noqa: S608 - a path of ours
    with duckdb.connect() as connection:
        rows = connection.sql(f"{query} ORDER BY id").fetchall()
    assert [(int(number), key, points) for number, key, points, _ in rows] == [
        (1, "DEMO-1", 3.5),
        (2, "DEMO-2", None),
        (3, "DEMO-3", 0.5),
    ]
    table = (
        ds.dataset(folder / "issues", format=ds.JsonFileFormat(), partitioning="hive")
        .to_table()
        .sort_by("id")
    )
    assert table.column("key").to_pylist() == ["DEMO-1", "DEMO-2", "DEMO-3"]
    assert [fields["storypoints"] for fields in table.column("fields").to_pylist() if fields] == [
        3.5,
        None,
        0.5,
    ]
    assert {str(each) for each in table.column("load_date").to_pylist()} == {
        str(row[3]) for row in rows
    }


def test_duckdb_reads_zstd(tmp_path: Path) -> None:
    """Another way to compress, another suffix; the same rows, and the same again without writing."""
    config = {"destination": "lake", "compression": "zstd"}
    assert run(tmp_path, config, _data("two-streams"))[0] == 0
    pattern = str(tmp_path / "lake/issues/*/*.jsonl.zst")
    with duckdb.connect() as connection:
        rows = connection.sql(f"SELECT key FROM read_json('{pattern}') ORDER BY id").fetchall()  # noqa: S608 - a path of ours
    assert rows == [("DEMO-1",), ("DEMO-2",), ("DEMO-3",)]
    code, _, log = run(tmp_path, config, _data("two-streams"))
    assert (code, log.count("Already there")) == (0, 2)
    for place in (tmp_path / "lake").rglob("*.zst"):
        place.write_bytes(place.read_bytes()[:-4] + b"else")
    code, _, log = run(tmp_path, config, _data("two-streams"))
    assert (code, "exists with other content" in log) == (1, True)


def test_duckdb_and_pyarrow_agree_on_a_folder(tmp_path: Path) -> None:
    """Independent readers see every row, with its values, and the hive partition."""
    run(tmp_path, {"destination": "lake", "states_per_object": 1}, _data("two-streams"))
    _agree(tmp_path / "lake")


def test_duckdb_and_pyarrow_agree_on_a_bucket(
    tmp_path: Path, local_s3: LocalS3, bucket: str
) -> None:
    """The objects of a bucket read the same once they are downloaded."""
    config = s3_config(local_s3, bucket, states_per_object=1, max_parallel_uploads=1)
    code, states, log = run(tmp_path, config, _data("two-streams"))
    assert (code, len(states)) == (0, 3), log
    for key, stored in local_s3.objects(bucket).items():
        place = tmp_path / "copy" / key.removeprefix("jira/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(stored)
    _agree(tmp_path / "copy")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (
            b'{"type":"RECORD","stream":"other","record":{"id":2}}',
            "line 4, stream 'other': a RECORD came before",
        ),
        (
            b'{"type":"RECORD","stream":"issues","record":{"i":2}}',
            "line 4, stream 'issues': the record lacks its key",
        ),
        (
            b'{"type":"RECORD","stream":"issues","record":{"id":"x"}}',
            "at id: its value is not of type",
        ),
        (b'{"type":"RECORD","stream":"issues","record":[2]}', "not a JSON object"),
        (b'{"type":"RECORD","stream":"issues","record":null}', "not a JSON object"),
        (b'{"type":"RECORD","stream":"issues"}', "the message has no 'record'"),
        (b'{"type":"RECORD","record":{"id":2}}', "the message has no 'stream'"),
        (b'{"type":"STATE"}', "the message has no 'value'"),
        (
            b'{"type":"BATCH","stream":"issues","encoding":{}}',
            "lacks its 'encoding' or its 'manifest'",
        ),
        (b'{"type":"PARTY"}', "unknown message type 'PARTY'"),
        (b'{"no":"type"}', "line 4: the line is not a Singer message"),
        (b"[]", "line 4: the line is not a Singer message"),
        (b"Traceback (most recent call last):", "line 4: the line is not a Singer message"),
        (
            b'{"type":"SCHEMA","stream":"issues","schema":{"type":"object"}}',
            "the SCHEMA has no 'properties'",
        ),
    ],
)
def test_a_bad_line_ends_the_run_after_what_came_before_is_stored(
    tmp_path: Path, line: bytes, reason: str
) -> None:
    """One line in the log names the place and the reason; the rows and the STATE before it are kept."""
    lines = _data("broken-fourth-line")
    code, states, log = run(
        tmp_path, {"destination": "lake"}, [*lines[:3], line + b"\n", *lines[4:]]
    )
    assert code == 1
    assert states == [b'{"n": 1}']
    assert lines_of(files(tmp_path / "lake")) == [b'{"id": 1}']
    assert reason in log
    assert log.count("CRITICAL") == 1
    assert "Traceback (most recent call last):\n" not in log


def test_a_broken_line_in_a_file_is_found(tmp_path: Path) -> None:
    """The file of that name, as a person would write it."""
    code, states, log = run(tmp_path, {"destination": "lake"}, _data("broken-fourth-line"))
    assert (code, states) == (1, [b'{"n": 1}'])
    assert "Input line 4, stream 'issues': the line is not a Singer message" in log


def test_a_tap_that_died_in_mid_line_is_told_from_one_that_ended_without_a_newline(
    tmp_path: Path,
) -> None:
    """Half a message is an error after all before it is stored; a whole one without a newline counts."""
    lines = _data("broken-fourth-line")[:3]
    whole = b'{"type":"RECORD","stream":"issues","record":{"id":2}}'
    code, states, log = run(tmp_path, {"destination": "half"}, [*lines, whole[:-3]])
    assert (code, states) == (1, [b'{"n": 1}'])
    assert "line 4: the input ends in the middle of a line" in log
    assert lines_of(files(tmp_path / "half")) == [b'{"id": 1}']
    assert run(tmp_path, {"destination": "whole"}, [*lines, whole])[0] == 0
    assert lines_of(files(tmp_path / "whole")) == [b'{"id": 1}', b'{"id":2}']
