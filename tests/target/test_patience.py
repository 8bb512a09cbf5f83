"""How long a store is tried that is busy, broken or unreachable; time passes only by sleeping."""

from __future__ import annotations

import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.config import Config

from target.command import s3_config
from target.faulty_s3 import Fault, FaultyS3
from target.objects import sealed_object
from target_s3_jsonl.errors import StoreError
from target_s3_jsonl.s3 import S3Store
from target_s3_jsonl.settings import Settings

if TYPE_CHECKING:
    from local_s3 import LocalS3

pytestmark = pytest.mark.any_version


class _Time:
    """Time that passes only by sleeping, as fast as asked."""

    def __init__(self, pace: float = 1) -> None:
        self.seconds = 0.0
        self._pace = pace

    def sleep(self, seconds: float) -> None:
        """Let time pass, but not for ever."""
        assert self.seconds < 1000
        self.seconds += seconds * self._pace

    def monotonic(self) -> float:
        """Return the time."""
        return self.seconds


def _store(server: LocalS3, bucket: str, url: str, time: _Time) -> S3Store:
    """Return a store whose client tries once, and hangs for half a second at most."""
    client = boto3.client(
        "s3",
        endpoint_url=url,
        region_name=server.region,
        aws_access_key_id=server.access_key,
        aws_secret_access_key=server.secret_key,
        config=Config(
            s3={"addressing_style": "path"},
            retries={"total_max_attempts": 1},
            read_timeout=0.5,
            request_checksum_calculation="when_required",
        ),
    )
    settings = Settings.from_config(s3_config(server, bucket))
    return S3Store(client, settings, version="1.2.3", sleep=time.sleep, monotonic=time.monotonic)


def _put(store: S3Store, path: str = "a.jsonl.gz") -> bool:
    return store.put(path, sealed_object())


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_minute_of_refusals_is_waited_for(local_s3: LocalS3, bucket: str, status: int) -> None:
    """A busy store gets its object once it is better."""
    time = _Time()

    def busy(*_: object) -> Fault | None:
        return Fault("refuse", status, "SlowDown") if time.seconds < 60 else None

    with FaultyS3(local_s3.port, busy) as proxy:
        assert _put(_store(local_s3, bucket, proxy.url, time))
    assert 60 <= time.seconds < 120
    assert len(local_s3.objects(bucket)) == 1


def test_patience_ends(local_s3: LocalS3, bucket: str) -> None:
    """A store that stays broken is an error with its own answer, after two minutes of waiting."""
    time = _Time()
    broken = Fault("refuse", 500, "InternalError")
    with (
        FaultyS3(local_s3.port, lambda *_: broken) as proxy,
        pytest.raises(StoreError, match="InternalError"),
    ):
        _put(_store(local_s3, bucket, proxy.url, time))
    assert 120 <= time.seconds < 150


def test_patience_is_not_spent_again_by_those_who_wait_for_the_first(
    local_s3: LocalS3, bucket: str
) -> None:
    """Four uploads into a broken store end together, with one reason."""
    time = _Time()
    broken = Fault("refuse", 500, "InternalError")
    with FaultyS3(local_s3.port, lambda *_: broken) as proxy, ThreadPoolExecutor(4) as pool:
        store = _store(local_s3, bucket, proxy.url, time)
        outcomes = [pool.submit(_put, store, f"{number}.jsonl.gz") for number in range(4)]
        failures = sorted(str(each.exception()) for each in outcomes)
    assert "InternalError" in failures[0]
    assert all("was not tried: the first object" in failure for failure in failures[1:])
    assert 120 <= time.seconds < 150


@pytest.mark.parametrize("fault", [Fault("cut"), Fault("lose"), Fault("hold")])
def test_a_connection_that_breaks_is_tried_again_once_the_store_has_worked(
    local_s3: LocalS3, bucket: str, fault: Fault
) -> None:
    """It dies, loses the answer after storing, or hangs: the next attempt stores or finds the object."""
    with FaultyS3(local_s3.port, {("put", 2): fault}) as proxy:
        store = _store(local_s3, bucket, proxy.url, _Time())
        assert _put(store)
        assert _put(store, "b.jsonl.gz") is (fault.what != "lose")
        proxy.release()
    assert len(local_s3.objects(bucket)) == 2


def test_a_store_that_hangs_for_good_is_an_error(local_s3: LocalS3, bucket: str) -> None:
    """It has worked, and then never answers again: said when patience has ended."""
    hanging = Fault("hold")
    with FaultyS3(local_s3.port, lambda _, n: hanging if n > 1 else None) as proxy:
        store = _store(local_s3, bucket, proxy.url, _Time(pace=100))
        assert _put(store)
        with pytest.raises(StoreError, match="does not answer"):
            _put(store, "b.jsonl.gz")


def test_an_address_that_never_worked_is_not_waited_for(local_s3: LocalS3, bucket: str) -> None:
    """More likely than not it is a misspelt one."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    time = _Time()
    with pytest.raises(StoreError, match="cannot be reached"):
        _put(_store(local_s3, bucket, f"http://127.0.0.1:{port}", time))
    assert time.seconds == 0


def test_only_the_first_of_several_uploads_finds_out_what_the_store_lacks(
    local_s3: LocalS3, bucket: str
) -> None:
    """Four threads start at once; one request is refused, not four."""
    with FaultyS3(local_s3.port, {("put", 1): Fault("refuse", 501, "NotImplemented")}) as proxy:
        store = _store(local_s3, bucket, proxy.url, _Time())
        threads = [
            threading.Thread(target=_put, args=(store, f"{number}.jsonl.gz")) for number in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        # From there on each object is a look and a plain put.
        assert proxy.conditional == [True, *[False] * 8]
    assert len(local_s3.objects(bucket)) == 4
