"""Objects on an SSH server: the promises of a store, kept against a real OpenSSH server."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import sys
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import paramiko
import pytest
import smart_open

from loopback import free_port
from target.command import (
    SECONDS,
    covered,
    files,
    ids,
    lines_of,
    log_of,
    raw_record,
    read_line,
    record,
    run,
    schema,
    started,
    state,
)
from target.objects import PATH, sealed_object
from target.plain_sftp import PlainSftp
from target.sshd import Sshd, program
from target_s3_jsonl.batch import Sealed
from target_s3_jsonl.errors import ConfigurationError, ConflictError, StoreError
from target_s3_jsonl.settings import Settings
from target_s3_jsonl.sftp_refusal import reason
from target_s3_jsonl.ssh_server import server_of
from target_s3_jsonl.store import open_store

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from target_s3_jsonl.store import Store

_FOUND = program()
_NO_AGENT: dict[str, Any] = {"SSH_AUTH_SOCK": ""}
"""A person's own keys are no part of a test."""
_ROWS = [schema(), record(1), record(2), record(3), state(3)]


def _server(**options: str) -> Sshd:
    if _FOUND is None:
        pytest.skip("OpenSSH's server is not installed")
    return Sshd(_FOUND, **options)


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Sshd]:
    """A server that lets the person in whose home is the test's folder."""
    with _server() as server:
        server.welcome(tmp_path)
        yield server


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The test's folder as the home of this very process."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return tmp_path


def _store(sshd: Sshd) -> Store:
    return open_store(Settings.from_config({"destination": sshd.destination}), version="0")


def _config(sshd: Sshd, **more: object) -> dict[str, Any]:
    return {"destination": sshd.destination, **more}


def _objects(sshd: Sshd) -> dict[str, bytes]:
    return files(sshd.lake / "jira", hidden=False)


def _hidden(sshd: Sshd) -> list[Path]:
    return list(sshd.lake.rglob(".*"))


def _random_row(number: int, size: int) -> bytes:
    return raw_record(b'{"id":%d,"text":"%b"}' % (number, os.urandom(size // 2).hex().encode()))


def _feed(process: subprocess.Popen[bytes], lines: list[bytes]) -> threading.Thread:
    """Write into a command beside what the test does; it may end before it has read all."""

    def write() -> None:
        assert process.stdin is not None
        try:
            for line in lines:
                process.stdin.write(line)
            process.stdin.close()
        except BrokenPipeError:
            pass

    thread = threading.Thread(target=write)
    thread.start()
    return thread


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it has not come to that in time"
        time.sleep(0.001)


def _fails(folder: Path, config: dict[str, Any], reason: str) -> str:
    """Run; it has to end with 1, one line that says why, and no STATE."""
    code, states, log = run(folder, config, _ROWS, **_NO_AGENT)
    assert (code, states) == (1, []), log
    assert "Traceback" not in log
    assert reason in log.splitlines()[-1]
    return log


def test_rows_arrive_byte_for_byte_and_once(tmp_path: Path, sshd: Sshd) -> None:
    """In folders that were made for them, acknowledged; the same run again writes nothing."""
    rows = [b'{"id":1,"x":0.10000000000000000000001}', b'{ "id": 2, "y": "\\u00e9\xc3\xa9" }']
    lines = [schema(), schema("a/b ?#%"), *map(raw_record, rows), record(3, "a/b ?#%"), state(3)]
    code, states, log = run(tmp_path, _config(sshd), lines, **_NO_AGENT)
    assert (code, states) == (0, [b'{"n": 3}']), log
    stored = _objects(sshd)
    assert ids(stored) == [1, 2, 3]
    assert set(rows) < set(lines_of(stored))
    assert {path.split("/")[0] for path in stored} == {"issues", "a%2Fb%20%3F%23%25"}
    assert _hidden(sshd) == []
    before = {path: (sshd.lake / "jira" / path).stat().st_mtime_ns for path in stored}
    code, states, log = run(tmp_path, _config(sshd), lines, **_NO_AGENT)
    assert (code, states) == (0, [b'{"n": 3}']), log
    assert log.count("Already there:") == 2
    assert {
        path: (sshd.lake / "jira" / path).stat().st_mtime_ns for path in _objects(sshd)
    } == before


def test_at_each_state_every_record_before_it_can_be_read(tmp_path: Path, sshd: Sshd) -> None:
    """Looked at in the moment in which the line arrives, with more uploads at once than the server has sessions."""
    lines = [schema(), schema("b")]
    for n in range(1, 301):
        lines += [record(n, "b" if n % 3 else "issues"), state(n) if n % 10 == 0 else b""]
    config = _config(sshd, batch_size_rows=7, max_parallel_uploads=16)
    with started(tmp_path, config, **_NO_AGENT) as process:
        feed = _feed(process, lines)
        assert process.stdout is not None
        seen = 0
        for line in process.stdout:
            seen = covered([line])
            assert set(range(1, seen + 1)) <= set(ids(_objects(sshd)))
        feed.join(SECONDS)
        assert (process.wait(SECONDS), seen) == (0, 300), log_of(tmp_path)


def test_uploads_wait_for_a_session(tmp_path: Path) -> None:
    """A server that allows three of them is no reason to end."""
    lines = [schema(), *(record(n) for n in range(1, 11)), state(10)]
    with _server(more="MaxSessions 3") as server:
        server.welcome(tmp_path)
        code, states, log = run(tmp_path, _config(server, batch_size_rows=1), lines, **_NO_AGENT)
        assert (code, states) == (0, [b'{"n": 10}']), log
        assert ids(_objects(server)) == list(range(1, 11))


def test_no_reader_sees_an_object_before_it_is_whole(tmp_path: Path, sshd: Sshd) -> None:
    """Each look at the folder finds whole objects only, whose names have the digest of what is in them."""
    lines = [schema(), *(_random_row(n, 8_000_000) for n in range(1, 7)), state(6)]
    config = _config(sshd, compression="none", batch_size_rows=2, manifests=False)
    with started(tmp_path, config, **_NO_AGENT) as process:
        feed = _feed(process, lines)
        half = 0
        while process.poll() is None:
            half += bool(_hidden(sshd))
            for path, content in _objects(sshd).items():
                digest = path.removesuffix(".jsonl").rpartition("-")[2]
                assert hashlib.sha256(content).hexdigest().startswith(digest), path
        feed.join(SECONDS)
        assert process.returncode == 0, log_of(tmp_path)
    assert half > 0, "no look came while an object was written"
    assert ids(_objects(sshd)) == [1, 2, 3, 4, 5, 6]
    assert _hidden(sshd) == []


def test_a_kill_while_an_object_is_written_shows_nothing_of_it(tmp_path: Path, sshd: Sshd) -> None:
    """A hidden file is all that is left, no STATE covers it, and the next run stores the rows."""
    lines = [schema(), _random_row(1, 40_000_000), state(1)]
    config = _config(sshd, compression="none")
    with started(tmp_path, config, **_NO_AGENT) as process:
        feed = _feed(process, lines)
        _until(lambda: any(each.stat().st_size for each in _hidden(sshd)))
        process.kill()
        feed.join(SECONDS)
        assert process.stdout is not None
        assert process.stdout.read() == b""
    assert _objects(sshd) == {}
    (left,) = _hidden(sshd)
    assert left.suffix == ".tmp"
    assert run(tmp_path, config, lines, **_NO_AGENT)[:2] == (0, [b'{"n": 1}'])
    assert ids(_objects(sshd)) == [1]


def test_a_server_that_dies_in_mid_run_ends_it_with_what_is_covered(
    tmp_path: Path, sshd: Sshd
) -> None:
    """One line says so; the STATE printed covers what is stored, and no more."""
    config = _config(sshd, batch_size_rows=1, compression="none", manifests=False)
    with started(tmp_path, config, **_NO_AGENT) as process:
        assert process.stdin is not None
        process.stdin.write(schema() + record(1) + state(1))
        assert read_line(process) == b'{"n": 1}\n'
        feed = _feed(process, [_random_row(2, 40_000_000), state(2)])
        _until(lambda: any(each.stat().st_size for each in _hidden(sshd)))
        sshd.stop()
        assert process.stdout is not None
        assert process.stdout.read() == b""
        feed.join(SECONDS)
        assert process.wait(SECONDS) == 1
    log = log_of(tmp_path)
    assert "Traceback" not in log
    assert "the next run goes on from the last STATE printed" in log.splitlines()[-1]
    assert ids(_objects(sshd)) == [1]


def test_a_connection_that_broke_between_two_objects_is_made_anew(
    tmp_path: Path, sshd: Sshd
) -> None:
    """A server that was started again in between is no reason to end."""
    config = _config(sshd, batch_size_rows=1, manifests=False)  # nothing else is under way then
    with started(tmp_path, config, **_NO_AGENT) as process:
        assert process.stdin is not None
        process.stdin.write(schema() + record(1) + state(1))
        assert read_line(process) == b'{"n": 1}\n'
        sshd.stop()
        sshd.start()
        output, _ = process.communicate(record(2) + state(2), timeout=SECONDS)
    assert (process.returncode, output) == (0, b'{"n": 2}\n'), log_of(tmp_path)
    assert ids(_objects(sshd)) == [1, 2]


def test_a_host_that_is_not_known_learns_nothing(tmp_path: Path, sshd: Sshd) -> None:
    """Neither a host without an entry nor one with another key is signed in to, and the line has the fingerprint."""
    known = tmp_path / ".ssh" / "known_hosts"
    sshd.make_key(tmp_path / "other_key")
    kind, other = (tmp_path / "other_key.pub").read_text().split()[:2]
    entries = known.read_text()
    for wrong in ("", f"[127.0.0.1]:{sshd.port} {kind} {other}\n", entries.replace("[127", "[128")):
        known.write_text(wrong)
        log = _fails(tmp_path, _config(sshd), f"that {known} does not have. Compare it")
        assert "ssh-ed25519, SHA256:" in log
    known.unlink()
    _fails(tmp_path, _config(sshd), f"that {known} does not have. Compare it")
    assert "publickey" not in sshd.log()
    assert _objects(sshd) == {}


def test_a_connection_of_somebody_else_is_not_trusted(home: Path, sshd: Sshd) -> None:
    """smart-open keeps connections for the whole process, also those in which nobody looked at the host's key."""
    del home
    place = _place(sshd)
    place.write_bytes(b"there")
    url = urlsplit(sshd.destination)
    smart_open.open(f"sftp://{url.netloc}{place}", "rb", compression="disable").close()
    for path in (PATH, f"more/{PATH}"):
        with pytest.raises(StoreError, match="whose host key nobody has checked"):
            _store(sshd).put(path, sealed_object())
    assert list(_objects(sshd)) == [PATH]
    assert _hidden(sshd) == []


@pytest.mark.parametrize(
    ("error", "connected", "text"),
    [
        (paramiko.ChannelException(2, "Connect failed"), True, "lower max_parallel_uploads"),
        (TimeoutError("timed out"), True, "does not answer any more"),
        (EOFError("end"), True, "broke (end); the next run goes on"),
        (OSError("Socket is closed"), False, "broke (Socket is closed)"),
        (OSError(113, "No route to host"), None, "cannot be reached (No route to host)"),
        (OSError("Failure"), True, "a quota may be full"),
        (OSError("Bad message"), True, "Bad message."),
        (PermissionError(13, "Permission denied", "k{}"), True, "k{} cannot be read (Permission"),
    ],
)
def test_an_error_says_what_to_do(error: Exception, text: str, *, connected: bool | None) -> None:
    """By what it is, and by whether there was a connection, or is none any more."""
    assert text in reason(error, address="lake", user="me", connected=connected)


def test_a_key_that_the_server_does_not_take_is_one_line(tmp_path: Path, sshd: Sshd) -> None:
    """With who is not let in, and where the keys have to be."""
    (tmp_path / ".ssh" / "id_ed25519").unlink()
    _fails(tmp_path, _config(sshd), f"does not let {sshd.user!r} in; the private key must be in")
    sshd.make_key(tmp_path / ".ssh" / "id_ed25519")
    _fails(tmp_path, _config(sshd), f"does not let {sshd.user!r} in; the private key must be in")
    assert _objects(sshd) == {}


def test_a_server_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    """With the address, and what to check."""
    for host in (f"127.0.0.1:{free_port()}", "no-host.invalid"):
        _fails(tmp_path, {"destination": f"sftp://me@{host}/lake"}, "cannot be reached (")


def test_a_folder_that_is_read_only_is_one_line(tmp_path: Path, sshd: Sshd) -> None:
    """Whether the folders are there already or have to be made."""
    reason = f"permission denied; {sshd.user!r} must be allowed to write there."
    sshd.lake.chmod(0o555)
    _fails(tmp_path, _config(sshd), reason)
    sshd.lake.chmod(0o755)
    assert run(tmp_path, _config(sshd), _ROWS, **_NO_AGENT)[0] == 0
    (folder,) = {(sshd.lake / "jira" / path).parent for path in _objects(sshd)}
    for path in folder.iterdir():
        path.unlink()
    folder.chmod(0o555)
    _fails(tmp_path, _config(sshd), reason)
    assert list(folder.iterdir()) == []


def test_a_disk_that_fills_shows_nothing_of_the_object(home: Path) -> None:
    """Neither half an object nor the file that was to become it is left."""
    with _server(blocks="100") as server:
        server.welcome(home)
        with pytest.raises(StoreError, match="disk or a quota may be full"):
            _store(server).put(PATH, sealed_object(os.urandom(500_000).hex().encode()))
        assert _objects(server) == {}
        assert _hidden(server) == []


def _place(sshd: Sshd) -> Path:
    """Return where the object is to be, in a folder that is there already and the server may write."""
    place = sshd.lake / "jira" / PATH
    place.parent.mkdir(parents=True, exist_ok=True)
    place.parent.chmod(0o777)
    return place


class _Spool(io.BytesIO):
    """A spool that has something done in the moment in which it is first read."""

    def __init__(self, content: bytes, then: Callable[[], None]) -> None:
        super().__init__(content)
        self._then = then

    def read(self, size: int | None = -1) -> bytes:
        """Have it done, then read."""
        self._then()
        self._then = lambda: None
        return super().read(size)


def _with(sealed: Sealed, file: io.BytesIO) -> Sealed:
    return Sealed(**{**vars(sealed), "file": file})


@pytest.mark.parametrize("moment", ["before", "while it is written"])
def test_nothing_is_ever_overwritten(home: Path, sshd: Sshd, moment: str) -> None:
    """What has the name stays as it is, also if it came after the look; the same content is a success."""
    del home
    store = _store(sshd)
    place = _place(sshd)
    sealed = sealed_object()
    content = sealed.file.read()

    def put(there: bytes) -> bool:
        if moment == "before":
            place.write_bytes(there)
            return store.put(PATH, sealed)
        return store.put(PATH, _with(sealed, _Spool(content, lambda: _write(place, there))))

    for other in (gzip.compress(b'{"id": 2}\n', mtime=0), b"", content[:-3]):
        place.unlink(missing_ok=True)
        with pytest.raises(ConflictError, match="left as it is"):
            put(other)
        assert place.read_bytes() == other
    place.unlink()
    assert put(content) is False
    assert list(place.parent.iterdir()) == [place]


def _write(place: Path, content: bytes) -> None:
    place.write_bytes(content)


def test_what_did_not_arrive_whole_gets_no_name(home: Path, sshd: Sshd) -> None:
    """What the server has is read back before it becomes an object."""
    del home
    sealed = sealed_object()
    damaged = bytearray(sealed.file.read())
    damaged[12] ^= 1
    with pytest.raises(StoreError, match="did not arrive whole"):
        _store(sshd).put(PATH, _with(sealed, io.BytesIO(bytes(damaged))))
    assert _objects(sshd) == {}
    assert _hidden(sshd) == []


def test_the_disk_has_an_object_before_it_gets_its_name(home: Path) -> None:
    """A server that must not sync takes none; nor is one acknowledged whose name may not be on the disk."""
    with _server(sftp="-P fsync") as server:
        server.welcome(home)
        with pytest.raises(StoreError, match="permission denied"):
            _store(server).put(PATH, sealed_object())
        place = _place(server)
        with pytest.raises(StoreError, match="permission denied"):
            _store(server).put(PATH, sealed_object())
        assert list(place.parent.iterdir()) == []
        place.write_bytes(sealed_object().file.read())
        with pytest.raises(StoreError, match="permission denied"):
            _store(server).put(PATH, sealed_object())


def test_a_server_that_cannot_sync_is_told_of_once(tmp_path: Path) -> None:
    """One of another make is written to all the same, and never over what is there."""
    _server().make_key(tmp_path / "host_key")
    (tmp_path / ".ssh").mkdir()
    Sshd.make_key(tmp_path / ".ssh" / "id_ed25519")
    with PlainSftp(tmp_path / "host_key") as server:
        (tmp_path / ".ssh" / "known_hosts").write_text(server.known_host)
        config = {
            "destination": f"sftp://me@127.0.0.1:{server.port}{tmp_path}/lake",
            "batch_size_rows": 1,
        }
        code, states, log = run(tmp_path, config, _ROWS, **_NO_AGENT)
        assert (code, states) == (0, [b'{"n": 3}']), log
        assert log.count("it may lose what this run has stored") == 1
        assert ids(files(tmp_path / "lake")) == [1, 2, 3]
        (first, *_) = (tmp_path / "lake" / "issues").rglob("*.gz")
        first.write_bytes(b"other")
        _fails(tmp_path, config, "exists with other content. It was left as it is")
        assert first.read_bytes() == b"other"


def test_two_runs_at_once_lose_nothing(tmp_path: Path, sshd: Sshd) -> None:
    """The same rows into the same new folders, and each object is there once and whole."""
    lines = [schema(), *(line for n in range(1, 61) for line in (record(n), state(n)))]
    config = _config(sshd, states_per_object=5)
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
        sshd.welcome(folder)
    with (
        started(folders[0], config, **_NO_AGENT) as one,
        started(folders[1], config, **_NO_AGENT) as two,
    ):
        feeds = [_feed(process, lines) for process in (one, two)]
        ends = [process.stdout.read() for process in (one, two) if process.stdout]
        for feed in feeds:
            feed.join(SECONDS)
        assert [one.wait(SECONDS), two.wait(SECONDS)] == [0, 0], [log_of(each) for each in folders]
    assert [covered(output.splitlines()) for output in ends] == [60, 60]
    assert ids(_objects(sshd)) == list(range(1, 61))
    assert _hidden(sshd) == []


def test_a_folder_that_another_run_has_made_is_made(home: Path, sshd: Sshd) -> None:
    """Both look, neither finds it, and one of them comes second."""
    del home
    server = server_of(urlsplit(sshd.destination))
    with suppress(FileNotFoundError), server.opened(f"{sshd.lake}/absent", "rb"):
        pass
    with server.client() as client:
        client.make(f"{sshd.lake}/new")
        client.make(f"{sshd.lake}/new")
        with pytest.raises(FileNotFoundError):
            client.make(f"{sshd.lake}/absent/new")
    assert [each.name for each in sshd.lake.iterdir()] == ["new"]


def test_the_ssh_configuration_names_the_server(tmp_path: Path, sshd: Sshd) -> None:
    """Host, port, user and key come from there, where the URL does not say them."""
    folder = tmp_path / ".ssh"
    (folder / "id_ed25519").rename(folder / "lake_key")
    (folder / "config").write_text(
        f"Host lake\n  HostName 127.0.0.1\n  Port {sshd.port}\n  User {sshd.user}\n"
        "  IdentityFile ~/.ssh/absent\n  IdentityFile ~/.ssh/lake_key\n"
    )
    config = {"destination": f"sftp://lake{sshd.lake}/jira"}
    code, states, log = run(tmp_path, config, _ROWS, **_NO_AGENT)
    assert (code, states) == (0, [b'{"n": 3}']), log
    assert ids(_objects(sshd)) == [1, 2, 3]
    (folder / "config").write_text("Host lake\n  Port many\n")
    _fails(tmp_path, config, f"{folder / 'config'} cannot be used")


def test_a_password_in_the_destination_is_refused_and_told_to_nobody(tmp_path: Path) -> None:
    """Loading, `ddl` and `verify` all print the destination."""
    config = {"destination": "sftp://me:s3cret@127.0.0.1/lake"}
    for command in ((), ("ddl", "--for", "duckdb"), ("verify",)):
        code, _, log = run(tmp_path, config, [], command=command)
        assert code == 1
        assert "destination is no sound URL, or has a password in it" in log
        assert "s3cret" not in log


def test_without_its_packages_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """In one sentence, before anything is read."""
    for name in [
        each for each in sys.modules if each.startswith(("paramiko", "target_s3_jsonl.s"))
    ]:
        if "ssh" in name or "sftp" in name or name.startswith("paramiko"):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "paramiko", None)
    with pytest.raises(ConfigurationError, match=r"install durable-target-s3-jsonl\[sftp\]"):
        open_store(Settings(destination="sftp://host/lake"), version="0")


def test_batch_files_are_read_from_a_server_that_is_known(tmp_path: Path, sshd: Sshd) -> None:
    """A BATCH file is no way around the look at the host's key."""
    (sshd.lake / "in #1.jsonl").write_bytes(b'{"id": 1}\n{"id": 2}\n')
    there = urlsplit(sshd.destination)
    message = {
        "type": "BATCH",
        "stream": "issues",
        "encoding": {"format": "jsonl"},
        "manifest": [f"sftp://{there.netloc}{sshd.lake}/in%20%231.jsonl"],
    }
    lines = [schema(), json.dumps(message).encode() + b"\n", record(3), state(3)]
    code, states, log = run(tmp_path, _config(sshd), lines, **_NO_AGENT)
    assert (code, states) == (0, [b'{"n": 3}']), log
    assert ids(_objects(sshd)) == [1, 2, 3]
    (tmp_path / ".ssh" / "known_hosts").unlink()
    code, states, log = run(tmp_path, {"destination": "lake"}, lines, **_NO_AGENT)
    assert (code, states) == (1, [])
    assert "does not have. Compare it" in log.splitlines()[-1]
    assert "Traceback" not in log
