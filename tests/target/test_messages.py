"""What is done with messages beyond plain records: invalid ones, table versions, BATCH files, partitions."""

from __future__ import annotations

import gzip
import json
import signal
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.contrib.batch_encoder_jsonl import JSONLinesBatcher
from singer_sdk.helpers._batch import (
    BaseBatchFileEncoding,
    BatchConfig,
    SDKBatchMessage,
    StorageTarget,
)

from target.command import (
    SECONDS,
    files,
    ids,
    lines_of,
    log_of,
    raw_record,
    record,
    run,
    s3_config,
    schema,
    started,
    state,
)
from target.faulty_s3 import Fault, FaultyS3

if TYPE_CHECKING:
    from pathlib import Path

    from local_s3 import LocalS3

_WRONG = b'{"id": "PRIVATE", "big": 1e400}'


def _message(**members: object) -> bytes:
    return json.dumps(members).encode() + b"\n"


def _kept(folder: Path) -> tuple[list[bytes], list[Any]]:
    """Return the stored lines, and what was sorted out."""
    stored = files(folder / "lake")
    rejected = {path: data for path, data in stored.items() if path.startswith("_rejects/")}
    good = {path: data for path, data in stored.items() if path not in rejected}
    return lines_of(good), [json.loads(line) for line in lines_of(rejected)]


def test_an_invalid_record_ends_the_run_by_default(tmp_path: Path) -> None:
    """Its line, its stream and the reason are told, its value is not."""
    lines = [schema(), record(1), state(1), raw_record(_WRONG), record(2), state(2)]
    code, states, log = run(tmp_path, {"destination": "lake"}, lines)
    assert (code, states) == (1, [b'{"n": 1}'])
    assert "Input line 4, stream 'issues': the record does not conform" in log
    assert "PRIVATE" not in log


def test_invalid_records_are_quarantined_with_their_reason(tmp_path: Path) -> None:
    """They lie apart as they came, counted, with line and reason; everything else goes on."""
    lines = [
        schema(),
        record(1),
        raw_record(_WRONG),
        raw_record(b'{"other": 1}'),
        raw_record(b"[1]"),
        record(2),
        state(2),
    ]
    config = {"destination": "lake", "on_invalid_record": "quarantine"}
    code, states, log = run(tmp_path, config, lines)
    assert (code, states) == (0, [b'{"n": 2}']), log
    good, rejected = _kept(tmp_path)
    assert sorted(json.loads(line)["id"] for line in good) == [1, 2]
    assert [(each["line"], each["stream"]) for each in rejected] == [
        (3, "issues"),
        (4, "issues"),
        (5, "issues"),
    ]
    assert "does not conform" in rejected[0]["reason"]
    assert "lacks its key property 'id'" in rejected[1]["reason"]
    assert "not a JSON object" in rejected[2]["reason"]
    raw = [line for path, line in _lines(tmp_path) if path.startswith("_rejects/")]
    assert b'"record":' + _WRONG in raw[0]
    assert "3 invalid records of stream 'issues' were stored below _rejects/." in log
    assert "PRIVATE" not in log


def _lines(folder: Path) -> list[tuple[str, bytes]]:
    return [
        (path, line)
        for path, data in files(folder / "lake").items()
        for line in lines_of({path: data})
    ]


def test_state_waits_for_what_was_quarantined(tmp_path: Path) -> None:
    """A quarantined row is a row: where it cannot be stored, no STATE behind it is printed."""
    (tmp_path / "lake").mkdir()
    (tmp_path / "lake" / "_rejects").write_text("in the way")
    config = {"destination": "lake", "on_invalid_record": "quarantine"}
    code, states, log = run(
        tmp_path, config, [schema(), record(1), state(1), raw_record(_WRONG), state(2)]
    )
    assert code == 1
    assert b'{"n": 2}' not in states
    assert "_rejects" in log


def test_invalid_records_may_be_left_out(tmp_path: Path) -> None:
    """Nothing of them is stored, and the log says how many there were."""
    config = {"destination": "lake", "on_invalid_record": "ignore"}
    lines = [schema(), raw_record(_WRONG), record(1), raw_record(_WRONG), state(1)]
    code, states, log = run(tmp_path, config, lines)
    assert (code, states) == (0, [b'{"n": 1}']), log
    assert [len(each) for each in _kept(tmp_path)] == [1, 0]
    assert "2 invalid records of stream 'issues' were left out." in log


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"type":"RECORD","stream":"issues","record":{"id":NaN}}\n', "seems to hold NaN"),
        (b'{"type":"RECORD","stream":"issues","record":{"id":-Infinity}}\n', "hold -Infinity"),
        (b'{"type":"RECORD","stream":"issues","record":{"id":1}\n', "not a Singer message"),
        (b'{"type":"RECORDS","stream":"issues"}\n', "unknown message type 'RECORDS'"),
        (b'{"type":"RECORD","stream":"issues"}\n', "no 'record'"),
    ],
)
def test_a_broken_line_ends_the_run_whatever_the_policy(
    tmp_path: Path, line: bytes, reason: str
) -> None:
    """What is no message cannot be sorted out; line and stream are named where they can be seen."""
    config = {"destination": "lake", "on_invalid_record": "ignore"}
    code, states, log = run(tmp_path, config, [schema(), record(1), state(1), line, state(2)])
    assert (code, states) == (1, [b'{"n": 1}'])
    assert "Input line 4, stream 'issues':" in log
    assert reason in log


def test_metadata_tells_what_an_object_holds(
    tmp_path: Path, local_s3: LocalS3, bucket: str
) -> None:
    """Rows, the first and last bookmark, the schema, and which version of the table its records are."""
    described = _message(
        type="SCHEMA",
        stream="issues",
        schema={"type": "object", "properties": {"id": {"type": "integer"}}},
        key_properties=["id"],
        bookmark_properties=["updated"],
    )
    rows = [
        _message(
            type="RECORD",
            stream="issues",
            version=version,
            record={"id": number, "updated": f"2026-01-0{number} é"},
        )
        for number, version in ((1, 7), (2, 7), (3, 8))
    ]
    active = _message(type="ACTIVATE_VERSION", stream="issues", version=8)
    code, states, log = run(
        tmp_path, s3_config(local_s3, bucket), [described, *rows, active, state(3)]
    )
    assert (code, states) == (0, [b'{"n": 3}']), log
    found = []
    with closing(local_s3.client()) as client:
        for key in local_s3.objects(bucket):
            metadata = client.head_object(Bucket=bucket, Key=key)["Metadata"]
            del metadata["sha256"], metadata["size"], metadata["target-version"]
            found.append(metadata)
    old, new = sorted(found, key=lambda each: each["version"])
    assert len(old.pop("schema-hash")) == 12
    assert new.pop("schema-hash")
    assert old == {
        "rows": "2",
        "version": "7",
        "first-bookmark": "2026-01-01 %C3%A9",
        "last-bookmark": "2026-01-02 %C3%A9",
    }
    assert new == {
        "rows": "1",
        "version": "8",
        "active-version": "8",
        "first-bookmark": "2026-01-03 %C3%A9",
        "last-bookmark": "2026-01-03 %C3%A9",
    }
    assert "version 8 is active" in log


def test_a_version_of_null_is_none(tmp_path: Path) -> None:
    """Some taps print every member; null is not the name of a version."""
    bare = _message(type="RECORD", stream="issues", version=None, record={"id": 1})
    code, _, log = run(tmp_path, {"destination": "lake"}, [schema(), bare, record(2), state(2)])
    assert code == 0, log
    notes = files(tmp_path / "lake", catalog=True)
    [manifest] = [text for path, text in notes.items() if path.startswith("_catalog/runs/")]
    assert b'"version"' not in manifest
    none = _message(type="ACTIVATE_VERSION", stream="issues", version=None)
    code, _, log = run(tmp_path, {"destination": "lake"}, [schema(), none])
    assert code == 1
    assert "the message has no 'version'" in log


def _batch(*urls: str, **encoding: str) -> bytes:
    return _message(
        type="BATCH",
        stream="issues",
        encoding={"format": "jsonl", "compression": "gzip", **encoding},
        manifest=urls,
    )


def test_batch_files_are_loaded_like_records(
    tmp_path: Path, local_s3: LocalS3, bucket: str
) -> None:
    """From this machine, by URL, plain or packed, and from S3: byte for byte, checked, before the next STATE."""
    source = tmp_path / "sent by a tap"
    source.mkdir()
    (source / "1.json.gz").write_bytes(
        gzip.compress(b'{"id": 1,  "big": 1e400}\n{"id":2}\n', mtime=0)
    )
    (source / "2.jsonl").write_bytes(b'{"id": 3}\r\n\n{"id": 4}')
    with closing(local_s3.client()) as client:
        client.put_object(
            Bucket=bucket, Key="sent/3.gz", Body=gzip.compress(b'{"id": 5}\n', mtime=0)
        )
    lines = [
        schema(),
        state(0),
        _batch((source / "1.json.gz").as_uri(), f"s3://{bucket}/sent/3.gz"),
        _batch((source / "2.jsonl").as_uri(), compression=""),
        state(5),
    ]
    code, states, log = run(tmp_path, s3_config(local_s3, bucket), lines)
    assert (code, states) == (0, [b'{"n": 0}', b'{"n": 5}']), log
    stored = {
        key: data for key, data in local_s3.objects(bucket).items() if key.startswith("jira/")
    }
    assert ids(stored) == [1, 2, 3, 4, 5]
    assert b'{"id": 1,  "big": 1e400}' in lines_of(stored)


def test_batch_files_that_the_sdk_writes_are_loaded(tmp_path: Path) -> None:
    """As a tap of the Singer SDK writes and announces them when `batch_config` is set."""
    folder = tmp_path / "written by the sdk"
    config = BatchConfig(
        encoding=BaseBatchFileEncoding("jsonl", "gzip"),
        storage=StorageTarget(root=f"file://{folder}"),
        batch_size=2,
    )
    batcher = JSONLinesBatcher("tap", "issues", config)
    records: list[dict[str, Any]] = [{"id": number} for number in range(5)]
    messages = [
        SDKBatchMessage(stream="issues", encoding=config.encoding, manifest=manifest)
        for manifest in batcher.get_batches(iter(records))
    ]
    assert len(messages) == 3
    lines = [_message(**message.to_dict()) for message in messages]
    code, states, log = run(tmp_path, {"destination": "lake"}, [schema(), *lines, state(5)])
    assert (code, states) == (0, [b'{"n": 5}']), log
    assert ids(files(tmp_path / "lake")) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("content", "encoding", "reason"),
    [
        (None, {}, "cannot be read: No such file"),
        (gzip.compress(b'{"id": 1}\n' * 999, mtime=0)[:-9], {}, "is damaged"),
        (b"plain", {}, "is damaged"),
        (gzip.compress(b'{"id": 1}\n{"id": "x"}\n', mtime=0), {}, "(Line 2 of file://"),
        (gzip.compress(b'{"id": 1}\n{"id": 2\n', mtime=0), {}, "(Line 2 of file://"),
        (b"", {"format": "parquet"}, "format 'parquet' cannot be read"),
        (b"", {"compression": "zstd"}, "compressed by 'zstd'"),
    ],
)
def test_a_batch_file_that_cannot_be_loaded_ends_the_run(
    tmp_path: Path, content: bytes | None, encoding: dict[str, str], reason: str
) -> None:
    """No STATE behind it is printed."""
    file = tmp_path / "1.gz"
    if content is not None:
        file.write_bytes(content)
    lines = [schema(), state(0), _batch(file.as_uri(), **encoding), state(1)]
    code, states, log = run(tmp_path, {"destination": "lake"}, lines)
    assert (code, states) == (1, [b'{"n": 0}'])
    assert "Input line 3, stream 'issues'" in log
    assert reason in log
    assert "Traceback" not in log


@pytest.mark.parametrize("url", ["s3://bucket/sent", "abc://bucket/sent"])
def test_a_batch_file_that_cannot_be_reached_ends_the_run(
    tmp_path: Path, local_s3: LocalS3, bucket: str, url: str
) -> None:
    """Whatever a library calls it: one line, and what came before is stored."""
    with FaultyS3(local_s3.port, lambda *_: Fault("cut")) as proxy:
        config = s3_config(local_s3, bucket, endpoint_url=proxy.url, destination="lake")
        lines = [schema(), record(1), state(1), _batch(url), state(2)]
        code, states, log = run(tmp_path, config, lines)
    assert (code, states) == (1, [b'{"n": 1}'])
    assert ids(files(tmp_path / "lake")) == [1]
    last = log.splitlines()[-1]
    assert f"Input line 4, stream 'issues': the BATCH file {url} cannot be read" in last
    assert "Traceback" not in log


def test_a_signal_ends_a_batch_file_in_the_middle(tmp_path: Path) -> None:
    """What was read of it is stored, and not acknowledged."""
    file = tmp_path / "1.jsonl"
    with file.open("wb") as lines:
        lines.writelines(b'{"id": %d}\n' % number for number in range(400_000))
    message = _batch(file.as_uri(), compression="none")
    config = {"destination": "lake", "batch_size_rows": 500}
    with started(tmp_path, config) as process:
        assert process.stdin is not None
        process.stdin.write(schema() + state(0) + message + state(400_000))
        deadline = time.monotonic() + SECONDS
        while "Stored" not in log_of(tmp_path) and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 143
    assert output.splitlines() == [b'{"n": 0}']
    stored = ids(files(tmp_path / "lake"))
    assert stored == list(range(len(stored)))
    assert 500 <= len(stored) < 400_000


def test_records_go_to_folders_named_by_their_values(tmp_path: Path) -> None:
    """Few objects are open at a time, whatever the values; a value that cannot name a folder is an invalid record."""
    template = "{stream}/project={record[key]}/{name}.jsonl"
    rows = [raw_record(b'{"id": %d, "key": "P/%d"}' % (number, number % 5)) for number in range(20)]
    bad = raw_record(b'{"id": 99, "key": {}}')
    config = {
        "destination": "lake",
        "path_template": template,
        "max_open_objects": 3,
        "on_invalid_record": "quarantine",
    }
    lines = [schema(key={}), *rows, bad, state(20)]
    code, states, log = run(tmp_path, config, lines)
    assert (code, states) == (0, [b'{"n": 20}']), log
    good, rejected = _kept(tmp_path)
    assert len(good) == 20
    assert "record[key] is an object" in rejected[0]["reason"]
    assert "closed by open" in log
    for path, line in _lines(tmp_path):
        if not path.startswith("_rejects/"):
            folder = json.loads(line)["key"].replace("/", "%2F")
            assert path.startswith(f"issues/project={folder}/")


def test_explain_path_tells_the_objects_and_writes_nothing(tmp_path: Path) -> None:
    """The paths are those of a real run over the same input, and no STATE is printed."""
    config = {"destination": "lake", "path_template": "{stream}/{record[id]}/{name}.jsonl"}
    lines = [schema(), record(1), record(2), state(2)]
    code, told, log = run(tmp_path, config, lines, "--explain-path")
    assert code == 0, log
    assert not (tmp_path / "lake").exists()
    code, _, log = run(tmp_path, config, lines)
    assert code == 0, log
    assert {line.split(b"\t")[0].decode() for line in told} == {
        f"lake/{path}" for path in files(tmp_path / "lake")
    }
    assert all(b"1 rows" in line and b"closed by end" in line for line in told)
