"""A lease in a numbered text: one holder at a time, and no holder for good."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from tap_jira_oauth.credentials.aws import NumberedParameter
from tap_jira_oauth.credentials.lease import FREE, Lease, Version
from tap_jira_oauth.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap.local_aws import LocalAws
    from tap_jira_oauth.credentials.lease import NumberedText

pytestmark = pytest.mark.any_version

SECONDS = 120.0


class Memory:
    """A text in memory that numbers its writes; `between` happens once after the next reading."""

    def __init__(self, text: str | None = None, number: int = 1) -> None:
        """Nothing is there, or one version."""
        self.versions = {} if text is None else {number: text}
        self.between: Callable[[], object] | None = None
        self._lock = threading.Lock()

    def read(self, number: int | None = None) -> Version | None:
        """Return what is there, and let the rival act."""
        chosen = number or max(self.versions, default=0)
        found = Version(chosen, self.versions[chosen]) if chosen else None
        rival, self.between = self.between, None
        if rival is not None:
            rival()
        return found

    @property
    def latest(self) -> Version:
        """What is there."""
        found = self.read()
        assert found is not None
        return found

    def write(self, text: str, *, new: bool) -> int:
        """Number it."""
        with self._lock:
            if new and self.versions:
                return 0
            number = max(self.versions, default=0) + 1
            self.versions = self.versions | {number: text}
            return number


class Time:
    """Passes only while somebody sleeps."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        """It is now."""
        self.now = now
        self.asleep = 0.0

    def clock(self) -> float:
        """Return epoch seconds."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let it pass."""
        self.now += seconds
        self.asleep += seconds


def lease(kept: NumberedText, passing: Time) -> Lease:
    """A contender."""
    return Lease(kept, SECONDS, passing.clock, passing.sleep)


@pytest.mark.parametrize("text", [None, FREE, "what somebody typed"])
def test_a_free_lease_is_held_at_once_and_given_back(text: str | None) -> None:
    """Also the first one ever; and after an error in the block."""
    kept, passing = Memory(text), Time()
    with suppress(ZeroDivisionError), lease(kept, passing).held():
        assert float(kept.latest.text) == passing.now + SECONDS
        raise ZeroDivisionError
    assert kept.latest == Version(3 if text else 2, FREE)
    assert passing.asleep == 0


@pytest.mark.parametrize("text", [None, FREE])
def test_who_wrote_second_waits(text: str | None) -> None:
    """Between our reading and our writing a rival took it; he gives it back a minute later."""
    kept, passing = Memory(text), Time()
    rival = lease(kept, passing).held()
    kept.between = rival.__enter__
    given_back = passing.now + 60

    def sleep(seconds: float) -> None:
        passing.sleep(seconds)
        if passing.now == given_back:
            rival.__exit__(None, None, None)

    with Lease(kept, SECONDS, passing.clock, sleep).held():
        assert passing.now >= given_back


@pytest.mark.parametrize("ahead", [0, 5_000_000])
def test_a_killed_holder_stops_nobody_for_good(ahead: float) -> None:
    """Not even one whose clock ran ahead: its lease ends by our own."""
    passing = Time()
    kept = Memory(str(passing.now + ahead + SECONDS), number=7)
    with lease(kept, passing).held():
        assert SECONDS <= passing.asleep <= SECONDS + 1


def test_an_old_lease_is_taken_over_at_once() -> None:
    """Of a run that was killed yesterday."""
    passing = Time()
    kept = Memory(str(passing.now - 80_000), number=7)
    with lease(kept, passing).held():
        assert passing.asleep == 0
        assert kept.latest.number == 8


def test_who_is_too_slow_leaves_the_lease_to_the_one_who_took_it() -> None:
    """It has lapsed; giving it back would let a third one in."""
    kept, passing = Memory(), Time()
    slow, other = lease(kept, passing).held(), lease(kept, passing).held()
    with slow:
        passing.now += SECONDS + 1
        other.__enter__()
    assert kept.latest == Version(2, str(passing.now + SECONDS))
    other.__exit__(None, None, None)
    assert kept.latest == Version(3, FREE)


def test_who_wrote_over_what_was_given_back_meanwhile_holds_it() -> None:
    """Or nobody would, until it lapses."""
    kept, passing = Memory(FREE), Time()

    def rival() -> None:
        with lease(kept, passing).held():
            pass

    kept.between = rival
    with lease(kept, passing).held():
        assert passing.asleep == 0
        assert kept.latest.number == 4


def alone(kept: Callable[[], NumberedText], contenders: int, times: int) -> None:
    """Let contenders hold it in turn; fail where two hold it at once."""
    inside: list[int] = []

    def contend(who: int) -> None:
        mine = Lease(kept(), SECONDS, time.time, lambda seconds: time.sleep(seconds / 100))
        for _ in range(times):
            with mine.held():
                inside.append(who)
                time.sleep(0.002)
                assert inside == [who]
                inside.remove(who)

    with ThreadPoolExecutor(contenders) as pool:
        for each in [pool.submit(contend, who) for who in range(contenders)]:
            each.result(timeout=60)


def test_it_is_held_by_one_at_a_time() -> None:
    """Six at once, in memory."""
    memory = Memory()
    alone(lambda: memory, contenders=6, times=20)


def test_it_is_held_by_one_at_a_time_in_parameter_store(aws: LocalAws) -> None:
    """As each process has it; the parameter is plain text with the end of the lease."""
    assert aws.url
    alone(lambda: NumberedParameter("jira_access_secrets_lease", "x"), contenders=3, times=3)
    found = aws.ssm.get_parameter(Name="jira_access_secrets_lease")["Parameter"]
    assert (found["Type"], found["Value"]) == ("String", FREE)


def test_what_aws_refuses_is_said_of_the_parameter(monkeypatch: pytest.MonkeyPatch) -> None:
    """By its name, since the role needs a right for it."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    parameter = NumberedParameter("the_lease", "credentials_store 'ssm'")
    with pytest.raises(ConfigurationError, match="the parameter the_lease cannot be read"):
        parameter.read()
    with pytest.raises(ConfigurationError, match="the parameter the_lease cannot be written"):
        parameter.write(FREE, new=True)
