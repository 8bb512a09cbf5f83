"""`verify` finds what is wrong with a lake, and calls nothing wrong that is not."""

from __future__ import annotations

import gzip
import json
import signal
from typing import TYPE_CHECKING, Any

import pytest

from target.command import SECONDS, record, run, s3_config, schema, started, state
from target.faulty_s3 import Fault, FaultyS3
from target_s3_jsonl.inventory import Inventory, Listed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from local_s3 import LocalS3

_CONFIG: dict[str, Any] = {"destination": "lake", "batch_size_rows": 2}


def _verify(folder: Path, *options: str, **config: Any) -> tuple[int, dict[str, Any], str]:
    code, lines, log = run(folder, {**_CONFIG, **config}, [], *options, command=("verify",))
    return code, json.loads(lines[0]) if lines else {}, log


def _load(folder: Path, *numbers: int, first: int = 0, **config: Any) -> None:
    lines = [state(first), schema(), *map(record, numbers), state(len(numbers))]
    code, _, log = run(folder, {**_CONFIG, **config}, lines)
    assert code == 0, log


def _objects(folder: Path) -> list[Path]:
    return sorted((folder / "lake" / "issues").rglob("*.jsonl.*"))


@pytest.mark.parametrize("compression", ["gzip", "zstd", "none"])
def test_a_lake_that_is_as_it_was_stored_is_sound(tmp_path: Path, compression: str) -> None:
    """Every object of every manifest is read to its end; the summary counts them."""
    _load(tmp_path, 1, 2, 3, compression=compression)
    _load(tmp_path, 4, first=9, compression=compression)
    code, found, log = _verify(tmp_path, compression=compression)
    assert code == 0, log
    assert found.pop("bytes") > 0
    assert found == {
        "manifests": 2,
        "objects": 3,
        "rows": 4,
        "faults": {},
        "unlisted": 0,
        "repeats": {},
    }


def test_a_bucket_is_read_like_a_folder(tmp_path: Path, local_s3: LocalS3, bucket: str) -> None:
    """And an object that somebody deleted there is missed."""
    config = s3_config(local_s3, bucket)
    _load(tmp_path, 1, 2, 3, **config)
    assert _verify(tmp_path, **config)[0] == 0
    key = next(iter(local_s3.objects(bucket)))
    client = local_s3.client()
    client.delete_object(Bucket=bucket, Key=key)
    client.close()
    code, found, log = _verify(tmp_path, **config)
    assert (code, found["faults"]) == (1, {"missing": 1})
    assert f"{key.removeprefix('jira/')}: its manifest names it, and it is not there." in log


def _packed(*lines: bytes) -> bytes:
    return gzip.compress(b"".join(lines), mtime=0)


_DAMAGES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "a bit": (lambda stored: stored[:-9] + bytes([stored[-9] ^ 1]) + stored[-8:], "digest"),
    "cut short": (lambda stored: stored[:-5], "bytes, and"),
    "emptied": (lambda _: b"", "bytes, and"),
}


@pytest.mark.parametrize("damage", _DAMAGES)
def test_a_damaged_object_is_found(tmp_path: Path, damage: str) -> None:
    """Whatever happened to its bytes."""
    _load(tmp_path, 1, 2, 3)
    victim = _objects(tmp_path)[0]
    spoil, reason = _DAMAGES[damage]
    victim.write_bytes(spoil(victim.read_bytes()))
    code, found, log = _verify(tmp_path)
    assert (code, found["faults"]) == (1, {"damaged": 1})
    assert reason in log


@pytest.mark.parametrize(
    ("stored", "reason"),
    [
        (_packed(b'{"id": 1}\n')[:-4], "it is cut short"),
        (_packed(b'{"id": 1}'), "does not end with a newline"),
        (_packed(b'{"id": 1}\n{"id"\n'), "line 2 is no JSON object"),
        (_packed(), "it is empty"),
        (b"plain", "it cannot be unpacked"),
        (_packed(b'{"id": 1}\n'), "not that which its name tells"),
    ],
    ids=["cut short", "no newline", "no JSON", "empty", "not packed", "another content"],
)
def test_an_object_that_no_manifest_names_is_held_against_its_name(
    tmp_path: Path, stored: bytes, reason: str
) -> None:
    """The name holds half of the digest."""
    _load(tmp_path, 1)
    place = _objects(tmp_path)[0].with_name("000000000000-00009-0123456789abcdef.jsonl.gz")
    place.write_bytes(stored)
    code, found, log = _verify(tmp_path)
    assert (code, found["faults"], found["unlisted"]) == (1, {"damaged": 1}, 1)
    assert reason in log


def test_what_a_killed_run_left_is_told_and_is_no_fault(
    tmp_path: Path, local_s3: LocalS3, bucket: str
) -> None:
    """Stored, acknowledged, and in no manifest, since the run was killed before it wrote one."""
    with FaultyS3(local_s3.port, {("put", 2): Fault("hold")}) as proxy:
        config = s3_config(local_s3, bucket, endpoint_url=proxy.url)
        with started(tmp_path, config) as process:
            assert process.stdin is not None
            process.stdin.write(schema() + record(1) + state(1))
            process.stdin.close()
            assert proxy.held.wait(SECONDS)
            process.send_signal(signal.SIGKILL)
            process.wait(SECONDS)
    code, found, log = _verify(tmp_path, **s3_config(local_s3, bucket))
    assert (code, found["faults"], found["unlisted"]) == (0, {}, 1)
    assert "no manifest names it" in log


def test_a_manifest_or_a_schema_that_was_changed_is_a_fault(tmp_path: Path) -> None:
    """What objects are held against is held against its own name first."""
    _load(tmp_path, 1)
    (manifest,) = (tmp_path / "lake/_catalog/runs").iterdir()
    manifest.write_bytes(manifest.read_bytes().replace(b'"rows":1', b'"rows":2'))
    (document,) = (tmp_path / "lake/_catalog/schemas/issues").iterdir()
    document.unlink()
    code, found, _ = _verify(tmp_path)
    assert code == 1
    assert found["faults"] == {"manifest": 1, "damaged": 1, "schema": 1}


def test_rows_that_are_there_again_are_counted(tmp_path: Path) -> None:
    """The same row in two objects, as after a run that was stopped; no fault, since it was to be expected."""
    lines = [record(1), record(2), record(3)]
    for start in (1, 2):
        assert run(tmp_path, _CONFIG, [state(start), schema(), *lines[: start + 1]])[0] == 0
    code, found, log = _verify(tmp_path)
    assert (code, found["repeats"]) == (0, {"issues": 2})
    assert "stream issues: 2 rows are there once more." in log


def test_versions_of_a_key_are_no_repeats(tmp_path: Path) -> None:
    """Key and replication key together tell a version; other members do not count then."""
    told = json.loads(schema(updated={}))
    described = json.dumps({**told, "bookmark_properties": ["updated"]}).encode() + b"\n"
    bodies = [
        b'{"id":1,"updated":"%b","seen":%d}' % (day, n) for n, day in enumerate((b"1", b"2", b"2"))
    ]
    lines = [b'{"type":"RECORD","stream":"issues","record":%b}\n' % body for body in bodies]
    assert run(tmp_path, _CONFIG, [described, *lines])[0] == 0
    assert _verify(tmp_path)[1]["repeats"] == {"issues": 1}


def test_a_part_of_a_lake_is_looked_at_alone(tmp_path: Path) -> None:
    """One run, or one stream; what is wrong elsewhere is not of interest then."""
    _load(tmp_path, 1)
    (first,) = (tmp_path / "lake/_catalog/runs").iterdir()
    lines = [state(5), schema("people"), record(7, "people"), state(6)]
    assert run(tmp_path, _CONFIG, lines)[0] == 0
    _objects(tmp_path)[0].unlink()
    assert _verify(tmp_path)[0] == 1
    code, found, _ = _verify(tmp_path, "--stream", "people")
    assert (code, found["objects"]) == (0, 1)
    code, found, _ = _verify(tmp_path, "--run", first.stem)
    assert (code, found["faults"], found["manifests"]) == (1, {"missing": 1}, 1)
    code, found, log = _verify(tmp_path, "--run", "nothing")
    assert (code, found) == (1, {})
    assert "There is no manifest of some of the runs" in log


def test_what_was_sorted_out_is_looked_at_too(tmp_path: Path) -> None:
    """Quarantined records are objects like any other."""
    config = {**_CONFIG, "on_invalid_record": "quarantine"}
    bad = b'{"type":"RECORD","stream":"issues","record":{"id":"x"}}\n'
    assert run(tmp_path, config, [schema(), record(1), bad, state(2)])[0] == 0
    code, found, _ = _verify(tmp_path)
    assert (code, found["objects"]) == (0, 2)
    (reject,) = (tmp_path / "lake/_rejects").rglob("*.gz")
    reject.unlink()
    assert _verify(tmp_path)[1]["faults"] == {"missing": 1}


def test_many_rows_take_no_more_memory_than_a_few() -> None:
    """Which records were met is on disk."""
    import resource  # noqa: PLC0415 - only here, and not on every system

    with Inventory() as inventory:
        inventory.list(Listed("a", "issues", 1, 1, "", "", rejected=False))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for number in range(300_000):
            inventory.met("issues", (number % 299_000).to_bytes(16, "big"))
        assert inventory.repeats() == {"issues": 1000}
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 30_000, f"{grown} KiB"
