"""Guarantees under faults: kills at named points, a store that misbehaves, a full disk, two runs at once."""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from target.command import (
    COMMAND,
    SECONDS,
    covered,
    environment,
    files,
    ids,
    log_of,
    read_line,
    record,
    run,
    s3_config,
    schema,
    started,
    state,
)
from target.faulty_s3 import Fault, FaultyS3

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from local_s3 import LocalS3
    from target.faulty_s3 import Faults, Kind

pytestmark = pytest.mark.any_version

_ROWS = 12
_INPUT = [
    schema(),
    *(line for n in range(1, _ROWS + 1) for line in (record(n), state(n) if n % 2 == 0 else b"")),
]
_CUT = {"batch_size_rows": 4, "max_parallel_uploads": 2}


def _whole(output: bytes) -> list[bytes]:
    """Return the lines that have their end: what a kill cut off is no STATE."""
    return [line for line in output.splitlines(keepends=True) if line.endswith(b"\n")]


def _assert_covered(output: bytes, stored: list[int]) -> None:
    assert set(range(1, covered(_whole(output)) + 1)) <= set(stored)


@pytest.mark.parametrize("where", ["folder", "s3"])
def test_at_each_state_every_record_before_it_can_be_read(
    tmp_path: Path, local_s3: LocalS3, bucket: str, where: str
) -> None:
    """Looked at in the moment in which the line arrives, with several uploads at once."""
    config = {"destination": "lake"} if where == "folder" else s3_config(local_s3, bucket)
    look: Callable[[], dict[str, bytes]] = (
        (lambda: files(tmp_path / "lake", hidden=False))
        if where == "folder"
        else (lambda: local_s3.objects(bucket))
    )
    lines = [schema(), schema("b")]
    for n in range(1, 151):
        lines += [record(n, "b" if n % 3 else "issues"), state(n) if n % 10 == 0 else b""]
    with started(tmp_path, {**config, "batch_size_rows": 17}) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        seen: list[int] = []
        feed = threading.Thread(target=lambda: _feed(process, lines, seen))
        feed.start()
        for line in process.stdout:
            stored = look()
            seen.append(json.loads(line)["n"])
            assert set(range(1, seen[-1] + 1)) <= set(ids(stored))
        feed.join()
        assert process.wait(SECONDS) == 0
    assert seen[-1] == 150
    assert seen == sorted(set(seen))
    assert len(seen) >= 3


def _feed(process: subprocess.Popen[bytes], lines: list[bytes], seen: list[int]) -> None:
    """Write all; now and then wait until one of the STATEs written since has come out."""
    assert process.stdin is not None
    for line in lines:
        process.stdin.write(line)
        for earlier, now in ((0, 50), (50, 100)):
            if line == state(now):
                until = time.monotonic() + SECONDS
                while max(seen, default=0) <= earlier and time.monotonic() < until:
                    time.sleep(0.01)
    process.stdin.close()


_SMALL_PARTS = (
    "from target_s3_jsonl import multipart; from target_s3_jsonl.target import TargetS3Jsonl; "
    "multipart.FROM = multipart.PART = 5 * 1024**2; TargetS3Jsonl.cli()"
)


@contextmanager
def _with_small_parts(folder: Path, config: dict[str, Any]) -> Iterator[subprocess.Popen[bytes]]:
    (folder / "config.json").write_text(json.dumps(config))
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(
            [
                COMMAND.replace("target-s3-jsonl", "python"),
                "-c",
                _SMALL_PARTS,
                "--config",
                "config.json",
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=folder,
            env=environment(folder),
        ) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


_POINTS: dict[str, Faults] = {
    "before the first PUT": {("put", 1): Fault("hold")},
    "before a later PUT": {("put", 3): Fault("hold")},
    "stored but unanswered": {("put", 2): Fault("hold answer")},
}


@pytest.mark.parametrize("point", _POINTS)
@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGTERM])
def test_a_stop_at_a_named_point_loses_nothing(
    tmp_path: Path, local_s3: LocalS3, bucket: str, point: str, signum: signal.Signals
) -> None:
    """What was acknowledged is there. After a kill the same input again completes it without a row twice."""
    with FaultyS3(local_s3.port, _POINTS[point]) as proxy:
        config = s3_config(local_s3, bucket, endpoint_url=proxy.url, **_CUT)
        with started(tmp_path, config) as process:
            assert process.stdin is not None
            process.stdin.write(b"".join(_INPUT))
            assert proxy.held.wait(SECONDS)
            process.send_signal(signum)
            if signum == signal.SIGTERM:
                proxy.release()
            output, _ = process.communicate(timeout=SECONDS)
        assert process.returncode == (143 if signum == signal.SIGTERM else -9)
    proxy.release()
    stored = ids(local_s3.objects(bucket))
    _assert_covered(output, stored)
    config["endpoint_url"] = local_s3.endpoint_url
    if signum == signal.SIGTERM:
        # All that was taken is stored, though the STATE after the last row may not have been taken.
        assert stored == list(range(1, len(stored) + 1))
        assert len(stored) - covered(_whole(output)) in {0, 1, 2}
        return
    code, states, log = run(tmp_path, config, _INPUT)
    assert (code, covered(states)) == (0, _ROWS), log
    assert ids(local_s3.objects(bucket)) == list(range(1, _ROWS + 1))


@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGTERM])
def test_a_stop_in_the_middle_of_a_multipart_upload_shows_no_object(
    tmp_path: Path, local_s3: LocalS3, bucket: str, signum: signal.Signals
) -> None:
    """Killed, nothing of the object is to be seen; stopped, it is finished first."""
    body = b'{"type":"RECORD","stream":"issues","record":{"id":1,"t":"%b"}}\n' % (
        b"x" * 6 * 1024**2
    )
    with FaultyS3(local_s3.port, {("part", 2): Fault("hold")}) as proxy:
        config = s3_config(
            local_s3, bucket, endpoint_url=proxy.url, compression="none", batch_size_rows=1
        )
        with _with_small_parts(tmp_path, config) as process:
            assert process.stdin is not None
            process.stdin.write(schema() + body + state(1))
            process.stdin.flush()
            assert proxy.held.wait(SECONDS), log_of(tmp_path)
            process.send_signal(signum)
            if signum == signal.SIGTERM:
                proxy.release()
            output, _ = process.communicate(timeout=SECONDS)
            stored = ids(local_s3.objects(bucket))
    assert (stored, covered(_whole(output))) == (([1], 1) if signum == signal.SIGTERM else ([], 0))


@pytest.mark.parametrize("where", ["folder", "s3"])
def test_a_kill_between_storing_and_the_state_leaves_the_rows_unacknowledged(
    tmp_path: Path, local_s3: LocalS3, bucket: str, where: str
) -> None:
    """The pipe is full, so the STATE cannot get out: the object is there, and no whole line says so."""
    config = {"destination": "lake"} if where == "folder" else s3_config(local_s3, bucket)
    wide = b'{"type":"STATE","value":{"n":1,"wide":"%b"}}\n' % (b"x" * 2 * 1024**2)
    with started(tmp_path, {**config, "batch_size_rows": 1}) as process:
        assert process.stdin is not None
        _feed_in_the_background(process, schema() + record(1) + wide)
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline and "Stored" not in log_of(tmp_path):
            time.sleep(0.05)
        stored = files(tmp_path / "lake") if where == "folder" else local_s3.objects(bucket)
        assert ids(stored) == [1]
        process.kill()
        assert process.stdout is not None
        assert _whole(process.stdout.read()) == []


def _feed_in_the_background(process: subprocess.Popen[bytes], data: bytes) -> None:
    assert process.stdin is not None
    threading.Thread(target=process.stdin.write, args=(data,), daemon=True).start()


def _third_put(fault: Fault) -> Callable[[Kind, int], Fault | None]:
    return lambda kind, number: fault if kind == "put" and number >= 3 else None


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault("refuse", 400, "ExpiredToken"), "credentials have expired"),
        (Fault("refuse", 403, "AccessDenied"), "s3:PutObject"),
        (Fault("refuse", 404, "NoSuchBucket"), "no bucket"),
    ],
)
def test_a_store_that_refuses_in_mid_run_ends_it_with_what_is_covered(
    tmp_path: Path, local_s3: LocalS3, bucket: str, fault: Fault, reason: str
) -> None:
    """The first failed upload ends the run in one line; what was stored before is acknowledged."""
    with FaultyS3(local_s3.port, _third_put(fault)) as proxy:
        more = {"batch_size_rows": 4, "max_parallel_uploads": 1, "manifests": False}
        config = s3_config(local_s3, bucket, endpoint_url=proxy.url, **more)
        code, states, log = run(tmp_path, config, _INPUT)
    assert code == 1
    assert [line for line in log.splitlines() if "CRITICAL" in line and reason in line]
    assert log.count("CRITICAL") == 1
    assert "Traceback" not in log
    assert covered(states) == 8
    assert ids(local_s3.objects(bucket)) == list(range(1, 9))


@pytest.mark.parametrize(
    "faults",
    [
        {("put", n): Fault("refuse", 503, "SlowDown") for n in (2, 3, 4)},
        {("put", 2): Fault("cut"), ("put", 4): Fault("lose")},
        {("put", 1): Fault("lose"), ("put", 2): Fault("refuse", 500, "InternalError")},
    ],
)
def test_a_store_that_recovers_gets_everything_once(
    tmp_path: Path, local_s3: LocalS3, bucket: str, faults: Faults
) -> None:
    """Busy for a while, connections that break, answers that are lost after storing."""
    with FaultyS3(local_s3.port, faults) as proxy:
        config = s3_config(local_s3, bucket, endpoint_url=proxy.url, **_CUT)
        code, states, log = run(tmp_path, config, _INPUT)
    assert (code, covered(states)) == (0, _ROWS), log
    assert ids(local_s3.objects(bucket)) == list(range(1, _ROWS + 1))


def test_a_failed_upload_lets_the_others_finish(
    tmp_path: Path, local_s3: LocalS3, bucket: str
) -> None:
    """An upload under way when another one fails is stored and acknowledged before the run ends."""
    faults: Faults = {("put", 2): Fault("hold"), ("put", 3): Fault("refuse", 403, "AccessDenied")}
    with FaultyS3(local_s3.port, faults) as proxy:
        config = s3_config(local_s3, bucket, endpoint_url=proxy.url, manifests=False, **_CUT)
        with started(tmp_path, config) as process:
            assert process.stdin is not None
            process.stdin.write(b"".join(_INPUT))
            assert proxy.held.wait(SECONDS)
            deadline = time.monotonic() + SECONDS
            while proxy.asked.count("put") < 3 and time.monotonic() < deadline:
                time.sleep(0.05)
            proxy.release()
            output, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 1
    stored = ids(local_s3.objects(bucket))
    assert len(stored) == 8
    # Two threads asked: the one that was held had either the second object or the third.
    assert covered(_whole(output)) == (8 if stored[-1] == 8 else 4)


def test_a_disk_that_fills_in_mid_run_ends_it_with_what_is_covered(tmp_path: Path) -> None:
    """A spool that may not grow any more is one reason, and rows stored before stay acknowledged."""
    config = {"destination": "lake", "states_per_object": 1, "compression": "none"}
    with started(tmp_path, config) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(schema() + record(1) + state(1))
        assert read_line(process) == b'{"n": 1}\n'
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (256 * 1024, 256 * 1024))
        process.stdin.write(b"".join(record(n) for n in range(2, 6000)) + state(2))
        output, _ = process.communicate(timeout=SECONDS)
    assert (process.returncode, output) == (1, b"")
    assert "Cannot spool to the local disk" in log_of(tmp_path)
    assert "Traceback" not in log_of(tmp_path)
    assert ids(files(tmp_path / "lake")) == [1]


def test_a_state_is_printed_when_its_upload_ends_though_the_tap_is_silent(
    tmp_path: Path, local_s3: LocalS3, bucket: str
) -> None:
    """Neither the next message nor the timer is waited for."""
    with FaultyS3(local_s3.port, {("put", 1): Fault("hold answer")}) as proxy:
        config = s3_config(local_s3, bucket, endpoint_url=proxy.url, states_per_object=1)
        with started(tmp_path, config) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(schema() + record(1) + state(1))
            assert proxy.held.wait(SECONDS)
            proxy.release()
            assert read_line(process) == b'{"n": 1}\n'
            process.communicate(b"", timeout=SECONDS)


def test_two_runs_in_one_second_lose_nothing(
    tmp_path: Path, local_s3: LocalS3, bucket: str
) -> None:
    """Side by side into one destination, with rows of their own and the same starting STATE."""
    config = s3_config(local_s3, bucket, batch_size_rows=5)
    homes = [tmp_path / "a", tmp_path / "b"]
    for home in homes:
        home.mkdir()
    with started(homes[0], config) as first, started(homes[1], config) as second:
        for process, start in ((first, 1), (second, 101)):
            assert process.stdin is not None
            rows = b"".join(record(n) for n in range(start, start + 20))
            process.stdin.write(state(0) + schema() + rows + state(start + 19))
        for process in (first, second):
            process.communicate(timeout=SECONDS)
            assert process.returncode == 0
    assert ids(local_s3.objects(bucket)) == [*range(1, 21), *range(101, 121)]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts spools in /proc")
def test_a_slow_store_slows_the_tap(tmp_path: Path, local_s3: LocalS3, bucket: str) -> None:
    """No more objects are closed and waiting than may be uploaded at once; the rest stays in the pipe."""
    with FaultyS3(
        local_s3.port, lambda kind, n: Fault("hold") if kind == "put" and n > 1 else None
    ) as proxy:
        config = s3_config(local_s3, bucket, endpoint_url=proxy.url, **_CUT)
        with started(tmp_path, config) as process:
            _feed_in_the_background(
                process, schema() + b"".join(record(n) for n in range(1, 20_001))
            )
            assert proxy.held.wait(SECONDS)
            time.sleep(1)
            assert proxy.asked.count("put") == 3
            spools = [
                each
                for each in Path(f"/proc/{process.pid}/fd").iterdir()
                if str(each.readlink()).endswith("(deleted)")
            ]
            assert len(spools) == 4  # the manifest's, too
            process.kill()
