"""Each run leaves a manifest of its objects, and each SCHEMA once, where no reader of a stream meets them."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import resource
import signal
import time
import tracemalloc
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from target.command import (
    SECONDS,
    files,
    ids,
    lines_of,
    log_of,
    raw_record,
    read_line,
    record,
    run,
    s3_config,
    schema,
    started,
    state,
)
from target.faulty_s3 import Fault, FaultyS3
from target.objects import PATH, sealed_object
from target_s3_jsonl import catalog
from target_s3_jsonl.layout import start_of
from target_s3_jsonl.manifest import Manifest, Run

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from local_s3 import LocalS3

_NOW = datetime(2026, 1, 2, tzinfo=timezone.utc)
_RUN = Run("0" * 12, None, "end", "0.1.0")


def _told(notes: Mapping[str, bytes]) -> dict[str, list[dict[str, Any]]]:
    """Return the lines of the only manifest, by their type."""
    (manifest,) = [text for path, text in notes.items() if "_catalog/runs/" in path]
    found: dict[str, list[dict[str, Any]]] = {"object": [], "stream": [], "run": []}
    for line in manifest.splitlines():
        entry = json.loads(line)
        found[entry.pop("type")].append(entry)
    return found


def _issues(**more: Any) -> bytes:
    return json.dumps({**json.loads(schema(updated={})), **more}).encode() + b"\n"


def test_a_manifest_tells_each_object_as_it_is(
    tmp_path: Path, local_s3: LocalS3, bucket: str
) -> None:
    """Keys, rows, bytes and digests are those of the bucket; bookmarks, versions and rejects those of the tap."""
    lines = [
        state(0),
        _issues(bookmark_properties=["updated"]),
        *(raw_record(b'{"id":%d,"updated":"2026-01-0%d"}' % (n, n)) for n in (1, 2, 3)),
        raw_record(b'{"id":"four"}'),
        schema("people"),
        b'{"type":"RECORD","stream":"people","record":{"id":7},"version":5}\n',
        b'{"type":"ACTIVATE_VERSION","stream":"people","version":5}\n',
        state(5),
    ]
    config = s3_config(local_s3, bucket, batch_size_rows=2, on_invalid_record="quarantine")
    code, _, log = run(tmp_path, config, lines)
    assert code == 0, log
    stored, notes = local_s3.objects(bucket), local_s3.objects(bucket, catalog=True)
    told = _told(notes)
    assert {f"jira/{each['key']}" for each in told["object"]} == stored.keys()
    for each in told["object"]:
        body = stored[f"jira/{each['key']}"]
        assert (each["bytes"], each["sha256"]) == (len(body), hashlib.sha256(body).hexdigest())
        assert each["rows"] == len(lines_of({each["key"]: body}))
        assert each["name"] in each["key"]
    by_stream = {
        (each["stream"], each.get("rejected", False), each.get("first_bookmark")): each
        for each in told["object"]
    }
    assert by_stream["issues", False, "2026-01-01"]["last_bookmark"] == "2026-01-02"
    assert by_stream["issues", False, "2026-01-03"]["rows"] == 1
    assert by_stream["people", False, None]["version"] == "5"
    assert ("issues", True, None) in by_stream
    issues, people = told["stream"]
    assert (issues["objects"], issues["rows"], issues["rejected"]) == (2, 3, 1)
    assert (people["rows"], people["active_version"]) == (1, "5")
    (whole,) = told["run"]
    assert whole["start"] == start_of(b'{"n": 0}')
    assert whole["state"] == start_of(b'{"n": 5}')
    assert (whole["ended"], whole["rows"]) == ("end", 4)


def test_each_schema_is_there_once_by_its_hash(tmp_path: Path) -> None:
    """What an object's manifest entry names can be read, with keys and bookmark."""
    lines = [_issues(), record(1), schema(text={"type": "string"}), record(2), schema(), record(3)]
    assert run(tmp_path, {"destination": "lake"}, lines)[0] == 0
    notes = files(tmp_path / "lake", catalog=True)
    hashes = {each["schema_hash"] for each in _told(notes)["object"]}
    assert len(hashes) == 3
    for name in hashes:
        document = notes[f"_catalog/schemas/issues/{name}.json"]
        assert catalog.schema_hash(document) == name
        found = json.loads(document)
        assert (found["stream"], found["key_properties"]) == ("issues", ["id"])
        assert "id" in found["schema"]["properties"]


def test_an_equal_run_adds_nothing_to_the_catalog(tmp_path: Path) -> None:
    """The manifest's name is made of where the run began and of what it stored."""
    lines = [state(0), schema(), *map(record, range(5)), state(5)]
    config = {"destination": "lake", "batch_size_rows": 2}
    assert run(tmp_path, config, lines)[0] == 0
    first = files(tmp_path / "lake", catalog=True)
    assert len(first) == 2
    code, _, log = run(tmp_path, config, lines)
    assert code == 0, log
    assert files(tmp_path / "lake", catalog=True) == first
    assert run(tmp_path, config, [*lines, record(6)])[0] == 0
    assert len(files(tmp_path / "lake", catalog=True)) == 3


def test_a_run_that_stores_nothing_leaves_nothing(tmp_path: Path) -> None:
    """An hour without edits is no object and no manifest."""
    code, states, _ = run(tmp_path, {"destination": "lake"}, [state(0), schema(), state(1)])
    assert (code, len(states)) == (0, 2)
    assert not (tmp_path / "lake").exists()


def test_a_list_that_is_empty_now_is_told(tmp_path: Path) -> None:
    """No row and no object, but a version: who reads the list learns that all of it is gone."""
    lines = [schema(), b'{"type":"ACTIVATE_VERSION","stream":"issues","version":9}\n']
    assert run(tmp_path, {"destination": "lake"}, lines)[0] == 0
    told = _told(files(tmp_path / "lake", catalog=True))
    assert [(each["rows"], each["active_version"]) for each in told["stream"]] == [(0, "9")]


def test_without_manifests_there_is_no_catalog(tmp_path: Path) -> None:
    """For those whose rights end at the streams' folders."""
    config = {"destination": "lake", "manifests": False}
    assert run(tmp_path, config, [schema(), record(1), state(1)])[0] == 0
    assert files(tmp_path / "lake", catalog=True) == {}


def test_a_line_that_ends_the_run_leaves_a_manifest_of_what_came_before(tmp_path: Path) -> None:
    """Also for a run that ended early there is a record of what it stored."""
    code, states, _ = run(
        tmp_path, {"destination": "lake"}, [schema(), record(1), state(1), b"{not a message}\n"]
    )
    assert (code, states) == (1, [b'{"n": 1}'])
    told = _told(files(tmp_path / "lake", catalog=True))
    assert (len(told["object"]), told["run"][0]["ended"]) == (1, "error")


def test_a_signal_leaves_a_manifest_too(tmp_path: Path) -> None:
    """SIGTERM ends a run in good order, its manifest with it."""
    config = {"destination": "lake", "batch_size_rows": 1}
    with started(tmp_path, config) as process:
        assert process.stdin is not None
        process.stdin.write(schema() + record(1) + state(1))
        read_line(process)
        process.send_signal(signal.SIGTERM)
        assert process.wait(SECONDS) == 143
    told = _told(files(tmp_path / "lake", catalog=True))
    assert (len(told["object"]), told["run"][0]["ended"]) == (1, "signal")


def test_no_state_waits_for_the_catalog_and_a_kill_before_it_harms_no_later_run(
    tmp_path: Path, local_s3: LocalS3, bucket: str
) -> None:
    """The STATE is out while the catalog's first PUT is held; after a kill there the same run again completes it."""
    lines = [schema(), record(1), state(1)]
    with FaultyS3(local_s3.port, {("put", 2): Fault("hold")}) as proxy:
        config = s3_config(local_s3, bucket, endpoint_url=proxy.url)
        with started(tmp_path, config) as process:
            assert process.stdin is not None
            process.stdin.write(b"".join(lines))
            process.stdin.close()
            assert proxy.held.wait(SECONDS)
            assert (
                read_line(process)
                == state(1).replace(b'{"type": "STATE", "value": ', b"")[:-2] + b"\n"
            )
            process.kill()
            process.wait(SECONDS)
        assert local_s3.objects(bucket, catalog=True) == {}
    assert run(tmp_path, s3_config(local_s3, bucket), lines)[0] == 0
    assert ids(local_s3.objects(bucket)) == [1]
    assert len(_told(local_s3.objects(bucket, catalog=True))["object"]) == 1


def test_a_schema_is_stored_beside_reading(tmp_path: Path) -> None:
    """Soon after the first of its objects, while the tap goes on; so it holds no run up at its end."""
    config = {"destination": "lake", "batch_size_rows": 1}
    with started(tmp_path, config) as process:
        assert process.stdin is not None
        process.stdin.write(schema() + record(1) + state(1))
        read_line(process)
        ends = time.monotonic() + SECONDS
        while not list(tmp_path.glob("lake/_catalog/schemas/issues/*.json")):
            assert time.monotonic() < ends
            time.sleep(0.01)
        process.stdin.write(record(2) + state(2))
        process.stdin.close()
        assert process.wait(SECONDS) == 0, log_of(tmp_path)
    notes = files(tmp_path / "lake", catalog=True)
    assert len(notes) == 2
    assert [each["rows"] for each in _told(notes)["object"]] == [1, 1]


@pytest.mark.parametrize("refused", [2, 3], ids=["a schema", "the manifest"])
def test_a_catalog_that_is_refused_is_an_error_after_the_last_state(
    tmp_path: Path, local_s3: LocalS3, bucket: str, refused: int
) -> None:
    """The rows are stored and acknowledged; exit code and log say what lacks, and how to do without."""
    fault = Fault("refuse", 403, "AccessDenied")
    with FaultyS3(local_s3.port, {("put", refused): fault}) as proxy:
        config = s3_config(local_s3, bucket, endpoint_url=proxy.url)
        code, states, log = run(tmp_path, config, [schema(), record(1), state(1)])
    assert (code, states) == (1, [b'{"n": 1}'])
    assert "The manifest of this run is missing" in log
    assert "`manifests: false`" in log
    assert "Traceback" not in log


@given(st.permutations(range(1, 7)), st.sets(st.integers(1, 6)))
def test_a_manifest_has_what_is_stored_in_the_order_of_closing(
    finished: list[int], lost: set[int]
) -> None:
    """Whatever the order in which uploads end: equal runs have equal manifests."""
    manifest = Manifest()
    for ticket in range(1, 7):
        manifest.add(f"{ticket}/{PATH}", sealed_object(ticket=ticket))
    for ticket in finished:
        if ticket not in lost:
            manifest.stored(ticket)
    document = manifest.finish(_RUN, {"issues": "5"}, {}, _NOW)
    manifest.close()
    kept = [ticket for ticket in range(1, 7) if ticket not in lost]
    if document is None:
        assert not kept
        return
    told = _told({"_catalog/runs/x": document.file.read()})
    document.file.close()
    assert [int(each["key"][0]) for each in told["object"]] == kept
    # A version of which an object is not stored must not be taken for a whole list.
    assert ("active_version" in told["stream"][0]) is (not lost)


def test_a_run_whose_store_failed_leaves_no_manifest_and_the_next_one_tells_all(
    tmp_path: Path,
) -> None:
    """What is stored is stored, also where one stream has no room; it is named once the run can end."""
    config = {"destination": "lake", "path_template": "{stream}/{name}", "max_parallel_uploads": 1}
    lines = [schema(), schema("other"), record(1), record(2, "other"), state(2)]
    lake = tmp_path / "lake"
    lake.mkdir()
    (lake / "other").write_text("in the way")
    code, states, log = run(tmp_path, config, lines)
    assert (code, states) == (1, [])
    assert "Cannot write" in log.splitlines()[-1]
    (lake / "other").unlink()
    assert ids(files(lake)) == [1]
    assert not any("_catalog/runs/" in path for path in files(lake, catalog=True))
    code, states, log = run(tmp_path, config, lines)
    assert (code, states, log.count("Already there")) == (0, [b'{"n": 2}'], 1)
    told = _told(files(lake, catalog=True))
    assert {each["key"] for each in told["object"]} == set(files(lake))


def test_a_disk_that_is_full_for_the_catalog_is_one_line(tmp_path: Path) -> None:
    """A SCHEMA that does not fit any more, while the one before it is on its way: all rows are acknowledged."""
    wide = {"type": "string", "description": "x" * 300_000}
    with started(tmp_path, {"destination": "lake"}) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(schema() + state(0))
        read_line(process)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (256 * 1024, 256 * 1024))
        lines = [record(1), schema("other", wide=wide), record(2, "other"), state(2)]
        output, _ = process.communicate(b"".join(lines), timeout=SECONDS)
    assert (process.returncode, output) == (1, b'{"n": 2}\n')
    log = log_of(tmp_path)
    assert "Cannot spool to the local disk" in log.splitlines()[-1]
    assert "Traceback" not in log
    assert ids(files(tmp_path / "lake")) == [1, 2]


def test_memory_does_not_grow_with_the_number_of_objects() -> None:
    """Lines wait on disk; what is in memory is what is under way."""
    manifest = Manifest()
    sealed = sealed_object()
    tracemalloc.start()
    for ticket in range(10_000):
        manifest.add(PATH, dataclasses.replace(sealed, ticket=ticket))
        manifest.stored(ticket)
    document = manifest.finish(_RUN, {}, {}, _NOW)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    manifest.close()
    assert document is not None
    assert document.size > 2_000_000
    document.file.close()
    assert peak < 600_000, peak
