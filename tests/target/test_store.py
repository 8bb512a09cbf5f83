"""One object at its place: whole, once, never over another; on a folder and on S3."""

from __future__ import annotations

import gzip
import io
import os
import resource
import stat
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from target.command import s3_config
from target.faulty_s3 import FaultyS3
from target.objects import PATH, sealed_object
from target.proxy import Proxy, ScriptedS3
from target_s3_jsonl.batch import Sealed
from target_s3_jsonl.errors import ConflictError, StoreError
from target_s3_jsonl.s3 import S3Store
from target_s3_jsonl.settings import Settings
from target_s3_jsonl.store import FolderStore, open_store

if TYPE_CHECKING:
    from pathlib import Path

    from local_s3 import LocalS3


def _s3(server: LocalS3, bucket: str, **more: object) -> S3Store:
    store = open_store(Settings.from_config(s3_config(server, bucket, **more)), version="1.2.3")
    assert isinstance(store, S3Store)
    return store


def _scripted(server: ScriptedS3, **more: object) -> S3Store:
    settings = Settings.from_config(
        {
            "destination": "s3://lake",
            "endpoint_url": server.url,
            "region": "us-east-1",
            "aws_access_key_id": "a",
            "aws_secret_access_key": "b",
            "addressing_style": "path",
            **more,
        }
    )
    store = open_store(settings, version="1.2.3")
    assert isinstance(store, S3Store)
    time = _Time()
    store._sleep, store._monotonic = time.sleep, time.monotonic  # noqa: SLF001 - open_store offers no seam, and needs none elsewhere
    return store


class _Time:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        """Start at zero."""
        self._seconds = 0.0

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self._seconds += seconds

    def monotonic(self) -> float:
        """Return the time."""
        return self._seconds


def test_a_folder_holds_the_object_and_nothing_else(tmp_path: Path) -> None:
    """The temporary file is gone, and others may read the object as the umask allows."""
    store = FolderStore(tmp_path / "lake")
    assert store.put(PATH, sealed_object())
    place = tmp_path / "lake" / PATH
    assert gzip.decompress(place.read_bytes()) == b'{"id": 1}\n'
    assert list(place.parent.iterdir()) == [place]
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(place.stat().st_mode) == 0o666 & ~umask


def test_a_disk_that_fills_while_an_object_is_copied_shows_nothing_of_it(tmp_path: Path) -> None:
    """Neither half an object nor the file that was to become it is left, and the error has the reason."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024, limits[1]))
    try:
        with pytest.raises(StoreError, match=r"Cannot write .*: File too large"):
            FolderStore(tmp_path).put(PATH, sealed_object(os.urandom(200_000).hex().encode()))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [each for each in tmp_path.rglob("*") if each.is_file()] == []


class _Watched(io.BytesIO):
    """A spool that notes which files readers can see while it is being copied."""

    def __init__(self, stored: bytes, folder: Path) -> None:
        super().__init__(stored)
        self._folder = folder
        self.seen: list[str] = []

    def read(self, size: int | None = -1) -> bytes:
        """Look, then read."""
        self.seen += [each.name for each in self._folder.rglob("[!.]*") if each.is_file()]
        return super().read(size)


def test_no_reader_sees_an_object_before_it_is_whole(tmp_path: Path) -> None:
    """While the bytes are copied there is only a hidden file, which no pattern of a reader matches."""
    sealed = sealed_object()
    spool = _Watched(sealed.file.read(), tmp_path)
    assert FolderStore(tmp_path).put(PATH, Sealed(**{**vars(sealed), "file": spool}))
    assert spool.seen == []


def test_a_folder_takes_the_same_object_twice_without_writing(tmp_path: Path) -> None:
    """Equal bytes under the name are a success."""
    store = FolderStore(tmp_path)
    store.put(PATH, sealed_object(b"{}\n" * 1000))
    before = (tmp_path / PATH).stat()
    assert not store.put(PATH, sealed_object(b"{}\n" * 1000))
    assert (tmp_path / PATH).stat().st_mtime_ns == before.st_mtime_ns


@pytest.mark.parametrize(
    "other",
    [
        gzip.compress(b'{"id": 2}\n', mtime=0),
        b"",
        b"no gzip",
        gzip.compress(b'{"id": 1}\n', mtime=0)[:-3],
    ],
)
def test_a_folder_never_overwrites_another_file(tmp_path: Path, other: bytes) -> None:
    """Whatever has the name stays as it is, and the error says so."""
    place = tmp_path / PATH
    place.parent.mkdir(parents=True)
    place.write_bytes(other)
    with pytest.raises(ConflictError, match="left as it is"):
        FolderStore(tmp_path).put(PATH, sealed_object())
    assert place.read_bytes() == other
    assert list(place.parent.iterdir()) == [place]


def test_a_folder_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    """The system's own reason and the path stand in the message."""
    (tmp_path / "issues").write_text("a file where a folder should be")
    with pytest.raises(StoreError, match=r"Cannot write .*issues.*: Not a directory"):
        FolderStore(tmp_path).put(PATH, sealed_object())


def test_s3_holds_the_object_with_its_metadata(local_s3: LocalS3, bucket: str) -> None:
    """The bytes are those of the spool; digest, rows and version can be read without opening them."""
    sealed = sealed_object()
    assert _s3(local_s3, bucket).put(PATH, sealed)
    with closing(local_s3.client()) as client:
        found = client.get_object(Bucket=bucket, Key=f"jira/{PATH}")
        assert gzip.decompress(found["Body"].read()) == b'{"id": 1}\n'
    assert found["ContentType"] == "application/gzip"
    assert "ContentEncoding" not in set(found)
    assert found["Metadata"] == {
        "sha256": sealed.sha256.hex(),
        "rows": "1",
        "size": str(sealed.size),
        "target-version": "1.2.3",
    }


def test_an_object_that_lies_there_in_plain_text_is_no_success(
    local_s3: LocalS3, bucket: str
) -> None:
    """A run that failed because the store ignores `sse` fails again when it is repeated."""
    assert _s3(local_s3, bucket).put(PATH, sealed_object())
    with pytest.raises(StoreError, match="sse asks for AES256"):
        _s3(local_s3, bucket, sse="AES256").put(PATH, sealed_object())


@pytest.mark.parametrize("mode", ["auto", "never"])
def test_s3_takes_the_same_object_twice_without_writing(
    local_s3: LocalS3, bucket: str, mode: str
) -> None:
    """The second put is refused by the server, or not made, and the object found to be the same."""
    store = _s3(local_s3, bucket, conditional_writes=mode)
    assert store.put(PATH, sealed_object(b"{}\n" * 1000))
    assert not store.put(PATH, sealed_object(b"{}\n" * 1000))


@pytest.mark.parametrize("mode", ["auto", "never"])
def test_s3_never_overwrites_another_object(local_s3: LocalS3, bucket: str, mode: str) -> None:
    """An object of other content keeps its name, and the error says so; also where the store is not asked to refuse."""
    store = _s3(local_s3, bucket, conditional_writes=mode)
    store.put(PATH, sealed_object(b'{"id": 2}\n'))
    with pytest.raises(ConflictError, match="left as it is"):
        store.put(PATH, sealed_object())
    (stored,) = local_s3.objects(bucket).values()
    assert gzip.decompress(stored) == b'{"id": 2}\n'


def test_an_answer_lost_after_storing_is_a_success(local_s3: LocalS3, bucket: str) -> None:
    """The automatic retry meets our own object; that is not a conflict."""
    with Proxy(local_s3.port, lose=1) as proxy:
        store = _s3(local_s3, bucket, endpoint_url=proxy.url)
        assert not store.put(PATH, sealed_object())
        assert proxy.lost == 1
    assert len(local_s3.objects(bucket)) == 1


def test_the_server_verifies_the_checksum(local_s3: LocalS3, bucket: str) -> None:
    """Bytes that are not those of the digest are refused, so a damaged transfer cannot become an object."""
    sealed = sealed_object()
    damaged = bytearray(sealed.file.read())
    damaged[12] ^= 1
    with pytest.raises(StoreError, match="checksum"):
        _s3(local_s3, bucket).put(
            PATH, Sealed(**{**vars(sealed), "file": io.BytesIO(bytes(damaged))})
        )
    assert local_s3.objects(bucket) == {}


@pytest.mark.parametrize(
    ("script", "outcome", "conditions"),
    [
        (
            [("PUT", 501, "NotImplemented"), ("HEAD", 404, ""), ("PUT", 200, "")],
            "stored",
            [True, False, False],
        ),
        (
            [("PUT", 400, "InvalidArgument"), ("HEAD", 404, ""), ("PUT", 200, "")],
            "stored",
            [True, False, False],
        ),
        ([("PUT", 409, "ConditionalRequestConflict"), ("PUT", 200, "")], "stored", [True, True]),
        ([("PUT", 412, "PreconditionFailed"), ("HEAD", 403, "")], "already there", [True, False]),
        (
            [("PUT", 412, "PreconditionFailed"), ("HEAD", 404, ""), ("PUT", 200, "")],
            "stored",
            [True, False, True],
        ),
        (
            [
                ("PUT", 412, "PreconditionFailed"),
                *[("HEAD", 503, "SlowDown")] * 4,
                ("PUT", 200, ""),
            ],
            "stored",
            [True, *[False] * 4, True],
        ),
    ],
)
def test_answers_to_the_condition_are_resolved(
    script: list[tuple[str, int, str]], outcome: str, conditions: list[bool]
) -> None:
    """A store that lacks conditional writes, a race, and a name one may not look at all end well."""
    with ScriptedS3(*script) as server:
        assert _scripted(server).put(PATH, sealed_object()) is (outcome == "stored")
    assert [conditional for _, _, conditional in server.requests] == conditions


def test_the_lack_of_conditional_writes_is_remembered_and_can_be_told() -> None:
    """Only the first object of a run is asked for twice; without the condition a look has to do, where it is allowed."""
    look = ("HEAD", 404, "")
    put = ("PUT", 200, "")
    script = [("PUT", 501, "NotImplemented"), look, put, look, put, ("HEAD", 403, ""), put]
    with ScriptedS3(*script) as server:
        store = _scripted(server)
        store.put(PATH, sealed_object())
        store.put(PATH, sealed_object())
        _scripted(server, conditional_writes="never").put(PATH, sealed_object())
    assert [conditional for _, _, conditional in server.requests] == [True, *[False] * 6]
    assert [method for method, _, _ in server.requests] == [method for method, _, _ in script]


@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [
        (403, "AccessDenied", "s3:PutObject"),
        (403, "InvalidAccessKeyId", "access key"),
        (403, "SignatureDoesNotMatch", "access key"),
        (400, "ExpiredToken", "expired"),
        (301, "PermanentRedirect", "set region"),
        (400, "AuthorizationHeaderMalformed", "set region"),
        (403, "RequestTimeTooSkewed", "clock"),
        (400, "KeyTooLongError", "1024 bytes"),
        (400, "Teapot", "S3 answered Teapot: scripted"),
        (409, "OperationAborted", "somebody else"),
    ],
)
def test_a_refusal_says_what_to_do(status: int, code: str, reason: str) -> None:
    """S3's codes become sentences for the person who can help, and no secret stands in them."""
    with ScriptedS3(*[("PUT", status, code)] * 20) as server, pytest.raises(StoreError) as caught:
        _scripted(server).put(PATH, sealed_object())
    assert reason in str(caught.value)
    assert "lake" in str(caught.value)


def test_a_store_that_knows_no_checksum_gets_the_oldest_one(
    local_s3: LocalS3, bucket: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It is found out once, what the store can do is still asked for, and the log says so."""
    with FaultyS3(local_s3.port, {}, lacks="x-amz-checksum") as proxy:
        store = _s3(local_s3, bucket, endpoint_url=proxy.url)
        assert store.put(PATH, sealed_object())
        assert store.put(f"2{PATH}", sealed_object())
        assert not store.put(PATH, sealed_object())
    assert proxy.asked == ["put", "head", "put", "put", "put", "put", "head"]
    assert proxy.conditional == [True, False, False, True, True, True, False]
    assert proxy.md5 == [False, False, False, True, True, True, False]
    assert len(local_s3.objects(bucket)) == 2
    assert "does not know the checksum sha256" in caplog.text
    assert "conditional" not in caplog.text


def test_a_store_that_refuses_whatever_is_left_out_says_what_to_do() -> None:
    """Something else must be what it lacks."""
    refused, look = ("PUT", 501, "NotImplemented"), ("HEAD", 404, "")
    script = [refused, look, refused, refused, look, refused]
    with ScriptedS3(*script) as server, pytest.raises(StoreError, match="checksum to none"):
        _scripted(server).put(PATH, sealed_object())


def test_real_refusals_of_the_server_are_explained(local_s3: LocalS3, bucket: str) -> None:
    """A missing bucket and a wrong secret, as a server that checks both answers them."""
    with pytest.raises(StoreError, match="no bucket 'absent'"):
        _s3(local_s3, "absent").put(PATH, sealed_object())
    with pytest.raises(StoreError, match="access key"):
        _s3(local_s3, bucket, aws_secret_access_key="wrong").put(PATH, sealed_object())
