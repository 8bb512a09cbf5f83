"""Nothing secret, and nothing out of a record, is logged at any level."""

from __future__ import annotations

import errno
import json
import socket
from typing import TYPE_CHECKING, Any

import pytest

from target.command import record, run, s3_config, schema, state
from target_s3_jsonl.errors import SpoolError
from target_s3_jsonl.spool import SpoolWriter

if TYPE_CHECKING:
    from pathlib import Path

    from local_s3 import LocalS3


def test_keys_and_tokens_stay_out_of_the_log(
    tmp_path: Path, local_s3: LocalS3, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also at DEBUG, where boto3 prints the headers that it signs, and also in a failing run."""
    monkeypatch.setenv("LOGLEVEL", "DEBUG")
    config = s3_config(local_s3, bucket, aws_session_token="SESSION-TOKEN-OF-A-TEST")
    log = run(tmp_path, config, [schema(), record(1), state(1)])[2]
    log += run(tmp_path, {**config, "destination": "s3://nowhere/x"}, [schema(), record(1)])[2]
    assert "nowhere" in log
    for secret in (local_s3.access_key, local_s3.secret_key, "SESSION-TOKEN-OF-A-TEST"):
        assert secret not in log
    assert "Signature=" not in log


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"aws_secret_access_key": 99887766, "aws_access_key_id": "x"}, "put its value in quotes"),
        ({"proxy_url": "http://user:99887766/x@127.0.0.1:3128"}, "percent-encoded"),
        ({"proxy_url": "http://user:99887766#x@127.0.0.1:3128"}, "percent-encoded"),
        ({"proxy_url": "http://user:998x7766/x@127.0.0.1:3128"}, "percent-encoded"),
    ],
)
def test_a_secret_in_the_wrong_form_is_refused_without_its_value(
    tmp_path: Path, config: dict[str, Any], said: str
) -> None:
    """The SDK's validation and the HTTP library would print it."""
    code, _, log = run(tmp_path, {"destination": "s3://lake", **config}, [schema()])
    assert code == 1
    assert said in log.splitlines()[-1]
    assert "99887766" not in log
    assert "7766" not in log


def test_a_map_that_fails_does_not_print_the_value_it_failed_on(tmp_path: Path) -> None:
    """An error names the stream and the kind of error."""
    config = {"destination": "lake", "stream_maps": {"issues": {"n": "int(name)"}}}
    line = b'{"type":"RECORD","stream":"issues","record":{"id":1,"name":"PRIVATE-NAME"}}\n'
    code, _, log = run(tmp_path, config, [schema(name={"type": "string"}), line])
    assert code == 1
    assert "ValueError" in log.splitlines()[-1]
    assert "PRIVATE-NAME" not in log


def test_too_many_open_streams_are_no_full_disk() -> None:
    """The advice fits the error."""

    def open_file() -> Any:
        raise OSError(errno.EMFILE, "Too many open files")

    with pytest.raises(SpoolError, match="ulimit -n"):
        SpoolWriter("gzip", 6, open_file)


def test_an_age_beyond_what_poll_can_wait_is_no_error(tmp_path: Path) -> None:
    """Over a month; the timer just wakes up more often."""
    config = {"destination": "lake", "batch_age_seconds": 3_000_000}
    code, states, log = run(tmp_path, config, [schema(), record(1), state(1)])
    assert (code, len(states)) == (0, 1), log


def test_the_address_of_a_batch_file_is_told_without_what_opens_it(tmp_path: Path) -> None:
    """A password, or the signature of a URL that anybody may use who has it."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    message = {
        "type": "BATCH",
        "stream": "issues",
        "encoding": {"format": "jsonl", "compression": "none"},
        "manifest": [f"http://me:PASSWORD@127.0.0.1:{port}/sent?X-Amz-Signature=SIGNATURE"],
    }
    code, _, log = run(
        tmp_path, {"destination": "lake"}, [schema(), json.dumps(message).encode() + b"\n"]
    )
    assert code == 1
    assert f"the BATCH file http://127.0.0.1:{port}/sent cannot be read" in log
    assert "PASSWORD" not in log
    assert "SIGNATURE" not in log
