"""The real command on a real pipe: time, signals, kills and failing destinations."""

from __future__ import annotations

import array
import fcntl
import io
import json
import random
import signal
import socket
import struct
import subprocess
import sys
import termios
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

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
from target.proxy import Proxy
from target_s3_jsonl.target import TargetS3Jsonl

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local_s3 import LocalS3


def _send(process: subprocess.Popen[bytes], *lines: bytes) -> None:
    assert process.stdin is not None
    process.stdin.write(b"".join(lines))


def _wait_until_read(process: subprocess.Popen[bytes]) -> None:
    """Wait until the pipe is empty, and a moment more for what the target took out of it."""
    assert process.stdin is not None
    unread = array.array("i", [1])
    while unread[0]:
        fcntl.ioctl(process.stdin, termios.FIONREAD, unread)
        time.sleep(0.2)


def test_age_stores_and_acknowledges_while_the_tap_is_silent(tmp_path: Path) -> None:
    """The timer does not wait for the next message."""
    with started(tmp_path, {"destination": "lake", "batch_age_seconds": 1}) as process:
        _send(process, schema(), record(1), record(2), state(2))
        assert read_line(process) == b'{"n": 2}\n'
        assert ids(files(tmp_path / "lake")) == [1, 2]
        assert "closed by age" in log_of(tmp_path)
        _, _ = process.communicate(b"", timeout=SECONDS)
        assert process.returncode == 0


def test_a_starting_state_is_printed_at_once(tmp_path: Path) -> None:
    """A STATE with nothing before it needs nothing to be stored."""
    with started(tmp_path, {"destination": "lake"}) as process:
        _send(process, state(0))
        assert read_line(process) == b'{"n": 0}\n'


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_stores_what_was_read_and_tells_the_parent(
    tmp_path: Path, signum: signal.Signals, code: int
) -> None:
    """While the tap is silent a signal ends the run at once; rows and STATE that were read are kept."""
    with started(tmp_path, {"destination": "lake"}) as process:
        _send(process, state(0))
        read_line(process)
        _send(process, schema(), record(1), record(2), state(2), record(3))
        _wait_until_read(process)
        process.send_signal(signum)
        deadline = time.monotonic() + SECONDS
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.001)
            process.send_signal(signum)  # another one, at whatever moment, changes nothing
        assert process.returncode is not None, "it waits for the tap"
        output, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == code
    assert covered(output.splitlines()) == 2
    assert ids(files(tmp_path / "lake")) == [1, 2, 3]
    assert "Traceback" not in log_of(tmp_path)
    assert f"Stopped by {signum.name}" in log_of(tmp_path)


def test_a_signal_during_an_upload_lets_it_finish(
    tmp_path: Path, local_s3: LocalS3, bucket: str
) -> None:
    """SIGTERM while S3 is slow to answer loses nothing and acknowledges nothing that is not there."""
    with Proxy(local_s3.port, delay=1.5) as proxy:
        config = s3_config(local_s3, bucket, endpoint_url=proxy.url, batch_size_rows=2)
        with started(tmp_path, config) as process:
            _send(process, schema(), record(1), state(1), record(2), state(2), record(3), state(3))
            assert proxy.asked.wait(SECONDS)
            process.send_signal(signal.SIGTERM)
            output, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 143
    stored = ids(local_s3.objects(bucket))
    acknowledged = covered(output.splitlines())
    assert acknowledged >= 1
    assert stored[:acknowledged] == list(range(1, acknowledged + 1))


def _endless(process: subprocess.Popen[bytes]) -> None:
    """Print records and STATEs until the target is gone."""
    try:
        _send(process, schema())
        for number in range(1, 1_000_000):
            _send(process, record(number), state(number) if number % 7 == 0 else b"")
    except BrokenPipeError:
        return


@pytest.mark.parametrize(
    ("where", "seed"),
    [*(("folder", seed) for seed in (0, 1, 2, 3, 4, 5, 8)), *(("s3", seed) for seed in (6, 7, 9))],
)
def test_a_kill_at_any_moment_leaves_every_printed_state_covered(
    tmp_path: Path, local_s3: LocalS3, bucket: str, where: str, seed: int
) -> None:
    """Each object that can be seen is whole, and every row of the last STATE is there; after SIGTERM all that was read."""
    signum = signal.SIGTERM if seed in {8, 9} else signal.SIGKILL
    place = {"destination": "lake"} if where == "folder" else s3_config(local_s3, bucket)
    config = {**place, "batch_size_rows": 20, "states_per_object": seed % 3}
    with started(tmp_path, config) as process:
        tap = threading.Thread(target=_endless, args=(process,))
        tap.start()
        first = read_line(process)
        time.sleep(random.Random(seed).random() * 0.5)  # noqa: S311 - a moment, not a secret
        process.send_signal(signum)
        tap.join(SECONDS)
        output = process.stdout.read() if process.stdout else b""
        # A line cut off by the kill is no STATE.
        whole = [
            line for line in (first + output).splitlines(keepends=True) if line.endswith(b"\n")
        ]
    stored = files(tmp_path / "lake") if where == "folder" else local_s3.objects(bucket)
    visible = {path: data for path, data in stored.items() if not Path(path).name.startswith(".")}
    assert covered(whole) > 0
    assert set(range(1, covered(whole) + 1)) <= set(ids(visible))
    if signum == signal.SIGTERM:
        assert process.wait(SECONDS) == 143
        assert ids(visible) == list(range(1, len(ids(visible)) + 1))
        assert len(ids(visible)) - covered(whole) <= 7


def test_a_missing_bucket_is_an_error_and_its_rows_are_not_acknowledged(
    tmp_path: Path, local_s3: LocalS3
) -> None:
    """The run fails in one clear line, with no STATE but the one that came before any row."""
    config = s3_config(local_s3, "absent")
    code, states, log = run(tmp_path, config, [state(0), schema(), record(1), state(1)])
    assert (code, states) == (1, [b'{"n": 0}'])
    assert [
        line for line in log.splitlines() if "CRITICAL" in line and "no bucket 'absent'" in line
    ]
    assert "Traceback" not in log
    assert local_s3.secret_key not in log


def test_a_later_upload_that_fails_keeps_the_states_of_the_earlier_ones(tmp_path: Path) -> None:
    """What was stored before the failure stays acknowledged, nothing after it is.

    An upload beside the one that fails may end well; then its rows are there, and come again.
    """
    lake = tmp_path / "lake"
    with started(
        tmp_path,
        {"destination": "lake", "states_per_object": 1, "path_template": "{stream}/{name}"},
    ) as process:
        _send(process, schema(), schema("next"), record(1), state(1))
        assert read_line(process) == b'{"n": 1}\n'
        (lake / "next").write_text("in the way")
        _send(process, record(2, "next"), state(2), record(3), state(3))
        output, _ = process.communicate(timeout=SECONDS)
    assert (process.returncode, output) == (1, b"")
    (lake / "next").unlink()
    assert ids(files(lake)) in ([1], [1, 3])


def test_a_dead_endpoint_is_an_error(tmp_path: Path, local_s3: LocalS3) -> None:
    """Nothing listens: the run fails with the address, after the retries."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    config = s3_config(local_s3, "any", endpoint_url=f"http://127.0.0.1:{port}")
    code, states, log = run(tmp_path, config, [schema(), record(1), state(1)])
    assert (code, states) == (1, [])
    assert f"http://127.0.0.1:{port} cannot be reached" in log


def test_missing_credentials_are_an_error(tmp_path: Path, local_s3: LocalS3) -> None:
    """No key anywhere: the run says what to set."""
    config = {
        "destination": "s3://any",
        "endpoint_url": local_s3.endpoint_url,
        "region": "us-east-1",
    }
    code, states, log = run(tmp_path, config, [schema(), record(1), state(1)])
    assert (code, states) == (1, [])
    assert "no AWS credentials found" in log


def test_a_reader_of_state_that_went_away_is_an_error(tmp_path: Path) -> None:
    """Nobody can save a STATE that nobody reads, so the run says so and fails."""
    with started(tmp_path, {"destination": "lake"}) as process:
        assert process.stdout is not None
        process.stdout.close()
        _send(process, schema(), record(1), state(1))
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(SECONDS) == 1
    assert "Cannot print STATE" in log_of(tmp_path)
    assert "Traceback" not in log_of(tmp_path)


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_signal_while_nobody_reads_cuts_no_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unbuffered: str
) -> None:
    """Of a Jira with thousands of projects it is longer than a pipe is wide."""
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    with started(tmp_path, {"destination": "lake"}) as process:
        assert process.stdout is not None
        _send(process, b'{"type": "STATE", "value": {"more": "%b"}}\n' % (b"x" * 300_000))
        waiting = array.array("i", [0])
        until = time.monotonic() + SECONDS
        while waiting[0] < 60_000 and time.monotonic() < until:
            fcntl.ioctl(process.stdout, termios.FIONREAD, waiting)
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        output, _ = process.communicate(timeout=SECONDS)
    assert output.endswith(b"\n")
    assert len(json.loads(output)["more"]) == 300_000


@pytest.mark.parametrize(
    ("closed", "reason"), [("<&-", "Standard input is closed"), (">&-", "Cannot print STATE")]
)
def test_a_pipe_that_was_never_there_is_an_error(tmp_path: Path, closed: str, reason: str) -> None:
    """A supervisor may start the command with standard input or output closed."""
    (tmp_path / "config.json").write_text(json.dumps({"destination": "lake"}))
    done = subprocess.run(
        ["/bin/sh", "-c", f'exec "$@" {closed}', "sh", COMMAND, "--config", "config.json"],
        input=b"".join([schema(), record(1), state(1)]),
        capture_output=True,
        cwd=tmp_path,
        env=environment(tmp_path),
        timeout=SECONDS,
        check=False,
    )
    log = done.stderr.decode()
    assert done.returncode == 1
    assert reason in log.splitlines()[-1]
    assert "Traceback" not in log


def test_an_input_that_breaks_is_one_line_and_what_came_before_is_stored(tmp_path: Path) -> None:
    """Here a connection that is reset; a file on a disk that fails is another."""
    (tmp_path / "config.json").write_text(
        json.dumps({"destination": "lake", "batch_size_rows": 1, "max_parallel_uploads": 1})
    )
    with socket.create_server(("127.0.0.1", 0)) as server:
        tap = socket.create_connection(server.getsockname())
        target, _ = server.accept()
    with (
        target,
        subprocess.Popen(
            [COMMAND, "--config", "config.json"],
            stdin=target.fileno(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=tmp_path,
            env=environment(tmp_path),
        ) as process,
    ):
        tap.sendall(schema() + record(1) + state(1))
        assert read_line(process) == b'{"n": 1}\n'
        tap.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        tap.close()
        _, log = process.communicate(timeout=SECONDS)
    assert process.returncode == 1
    assert b"the input cannot be read any further" in log.splitlines()[-1]
    assert b"Traceback" not in log
    assert ids(files(tmp_path / "lake")) == [1]


def test_settings_from_the_environment_and_input_from_a_file(tmp_path: Path) -> None:
    """`--config ENV` and `--input` work as in any target of the SDK."""
    (tmp_path / "input.singer").write_bytes(b"".join([schema(), record(1), state(1)]))
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("target-s3-jsonl")),
            "--config",
            "ENV",
            "--input",
            "input.singer",
        ],
        cwd=tmp_path,
        env=environment(tmp_path)
        | {"TARGET_S3_JSONL_DESTINATION": "lake", "TARGET_S3_JSONL_BATCH_SIZE_ROWS": "1"},
        capture_output=True,
        check=False,
        timeout=SECONDS,
    )
    assert (done.returncode, done.stdout) == (0, b'{"n": 1}\n')
    assert ids(files(tmp_path / "lake")) == [1]


def _memory(pid: int) -> Iterator[int]:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            yield int(line.split()[1])


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads memory from /proc")
def test_memory_does_not_grow_with_the_object(tmp_path: Path) -> None:
    """From 20 to 120 megabytes in one open object, with a STATE after each record, the peak grows by less than 8."""
    rows = [record(number) + state(number) for number in range(1000)]
    megabyte = b"".join(
        b'{"type":"RECORD","stream":"issues","record":{"id":1,"t":"%b"}}\n' % (b"x" * 10_000)
        for _ in range(100)
    )
    with started(tmp_path, {"destination": "lake"}) as process:
        _send(process, schema(), *[megabyte] * 20, *rows)
        (before,) = _memory(process.pid)
        _send(process, *[megabyte] * 100, *rows * 10)
        (after,) = _memory(process.pid)
        process.communicate(timeout=SECONDS)
    assert process.returncode == 0
    assert after - before < 8 * 1024


def test_in_a_thread_no_signal_is_touched(
    tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    """Only the main thread may handle signals; a host that runs the target elsewhere keeps its own."""
    earlier = signal.getsignal(signal.SIGTERM)
    target = TargetS3Jsonl(config={"destination": str(tmp_path / "lake")})
    text = io.StringIO((schema() + record(1) + state(1)).decode())
    thread = threading.Thread(target=target.listen, args=(text,))
    thread.start()
    thread.join(SECONDS)
    assert capsysbinary.readouterr().out == b'{"n": 1}\n'
    assert ids(files(tmp_path / "lake")) == [1]
    target.listen(io.StringIO(""))
    assert signal.getsignal(signal.SIGTERM) is earlier
