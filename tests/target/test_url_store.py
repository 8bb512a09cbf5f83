"""Destinations that smart-open writes, against a server that speaks Google Cloud Storage."""

from __future__ import annotations

import gzip
import json
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote
from urllib.request import Request, urlopen

import pytest

from target.command import ids, record, run, schema, state
from target_s3_jsonl.errors import ConfigurationError
from target_s3_jsonl.settings import Settings
from target_s3_jsonl.store import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator

BUCKET = "lake"


class Google:
    """A running emulator, looked into by plain HTTP and not by the client under test."""

    def __init__(self, port: int) -> None:
        """Take the port of a running server."""
        self.url = f"http://127.0.0.1:{port}"

    def objects(self) -> dict[str, bytes]:
        """Return every object of a stream by its name."""
        listed = json.loads(self._get(f"/storage/v1/b/{BUCKET}/o"))
        return {
            each["name"]: self._get(
                f"/download/storage/v1/b/{BUCKET}/o/{quote(each['name'], safe='')}?alt=media"
            )
            for each in listed.get("items", [])
            if "/_catalog/" not in each["name"]
        }

    def write(self, name: str, content: bytes) -> None:
        """Put an object of other content."""
        where = f"/upload/storage/v1/b/{BUCKET}/o?uploadType=media&name={quote(name, safe='')}"
        request = Request(self.url + where, data=content, method="POST")  # noqa: S310 - loopback
        request.add_header("Content-Type", "application/octet-stream")
        urlopen(request, timeout=10).close()  # noqa: S310 - loopback

    def _get(self, path: str) -> bytes:
        with urlopen(self.url + path, timeout=10) as answer:  # noqa: S310 - loopback
            found: bytes = answer.read()
            return found


@pytest.fixture
def google(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Google]:
    """Run the emulator in a process of its own."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    command = str(Path(sys.executable).with_name("gcp-storage-emulator"))
    options = ["-H", "127.0.0.1", "--port", str(port), "--default-bucket", BUCKET, "-M", "-q"]
    with (
        (tmp_path / "google.log").open("wb") as log,
        subprocess.Popen([command, "start", *options], stdout=log, stderr=log) as process,
    ):
        try:
            deadline = time.monotonic() + 30
            while time.monotonic() < deadline and process.poll() is None:
                with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
                time.sleep(0.05)
            monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{port}")
            monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "lake")
            yield Google(port)
        finally:
            process.terminate()


def test_objects_reach_a_bucket_of_google(tmp_path: Path, google: Google) -> None:
    """Whole, once compressed, and the same run again writes nothing."""
    config = {"destination": f"gs://{BUCKET}/jira", "batch_size_rows": 2}
    lines = [schema(), record(1), record(2), record(3), state(3)]
    code, states, log = run(tmp_path, config, lines)
    assert (code, states) == (0, [b'{"n": 3}']), log
    stored = google.objects()
    assert ids(stored) == [1, 2, 3]
    assert all(name.startswith("jira/issues/load_date=") for name in stored)
    code, states, log = run(tmp_path, config, lines)
    assert (code, states) == (0, [b'{"n": 3}']), log
    assert log.count("Already there:") == 2
    assert google.objects() == stored


def test_nothing_is_overwritten_and_nothing_acknowledged_then(
    tmp_path: Path, google: Google
) -> None:
    """An object of other content keeps its name, and the run ends."""
    config = {"destination": f"gs://{BUCKET}/jira"}
    lines = [schema(), state(0), record(1), state(1)]
    assert run(tmp_path, config, lines)[0] == 0
    (name,) = google.objects()
    google.write(name, gzip.compress(b"other\n"))
    code, states, log = run(tmp_path, config, lines)
    assert (code, states) == (1, [b'{"n": 0}'])
    assert "exists with other content. It was left as it is" in log
    assert gzip.decompress(google.objects()[name]) == b"other\n"


def test_a_missing_bucket_ends_the_run(tmp_path: Path, google: Google) -> None:
    """In one sentence, without a STATE."""
    del google
    config = {"destination": "gs://absent/jira"}
    code, states, log = run(tmp_path, config, [schema(), record(1), state(1)])
    assert (code, states) == (1, [])
    assert "Cannot write gs://absent/jira/issues/" in log
    assert "Traceback" not in log


def test_a_scheme_without_whole_objects_is_refused() -> None:
    """What would show an object while it is being written, or make no folders, is no destination."""
    for destination in (
        "scp://host/lake",
        "sftp:///lake",
        "webhdfs://host/lake",
        "http://host/lake",
        "gs://",
    ):
        with pytest.raises(ConfigurationError, match="cannot be written"):
            open_store(Settings(destination=destination), version="0")
    assert open_store(Settings(destination="azure://lake/x"), version="0")
