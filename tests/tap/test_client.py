"""One exchange: how long it waits, how often it asks, and what it does when nobody can answer."""

from __future__ import annotations

import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec
import pytest
from requests.structures import CaseInsensitiveDict

from sandbox.faults import Fault
from tap_jira_oauth.answer import Answer
from tap_jira_oauth.auth import build_auth
from tap_jira_oauth.client import JiraClient, decode
from tap_jira_oauth.errors import AnswerError, ConfigurationError, UnavailableError
from tap_jira_oauth.gate import StopRequestedError, Timing
from tap_jira_oauth.settings import Settings
from tls import make_certificate, tls_front

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import Configure
    from sandbox import Sandbox

pytestmark = pytest.mark.any_version

PATH = "/rest/api/2/myself"


@dataclass
class Time:
    """A clock that only waiting moves."""

    now: float = 0.0
    waits: list[float] = field(default_factory=list)
    stop: bool = False

    def wait(self, seconds: float) -> bool:
        """Let the time pass at once."""
        self.waits.append(seconds)
        self.now += seconds
        return self.stop


Connect = Callable[..., JiraClient]


@pytest.fixture
def time() -> Time:
    """The clock of one test."""
    return Time()


@pytest.fixture
def connect(configure: Configure, time: Time) -> Connect:
    """Build a client of the sandbox that needs no real time; settings by name."""

    def client(**more: object) -> JiraClient:
        settings = Settings.from_config(configure(**more))
        timing = Timing(clock=lambda: time.now, wait=time.wait, dice=lambda: 0.0)
        return JiraClient(settings, build_auth(settings), timing)

    return client


def test_pauses_double_up_to_a_minute_until_patience_ends(
    connected_jira: Sandbox, connect: Connect, time: Time
) -> None:
    """One second, two, four ...; the last one that would be too long is not begun."""
    connected_jira.fault(PATH, status=503, count=99)
    with pytest.raises(UnavailableError, match="HTTP 503, and still no answer after 9 tries"):
        connect(max_retry_seconds=200).exchange("GET", PATH)
    assert time.waits == [1, 2, 4, 8, 16, 32, 60, 60]


NOWHERE = "https://jira.invalid/jira"  # RFC 6761: nobody ever has this name


def test_a_name_that_nobody_knows_ends_a_run_within_a_minute(connect: Connect, time: Time) -> None:
    """It is a typing error more often than a trouble that passes; patience is not lengthened by it."""
    said = (
        f"^GET {PATH}: {NOWHERE} does not answer, its name is not known .*typing error in 'api_url'"
    )
    with pytest.raises(UnavailableError, match=said):
        connect(api_url=NOWHERE).exchange("GET", PATH)
    assert 20 < sum(time.waits) <= 60
    time.waits.clear()
    with pytest.raises(UnavailableError, match=said):
        connect(api_url=NOWHERE, max_retry_seconds=3).exchange("GET", PATH)
    assert time.waits == [1, 2]


def test_a_name_that_was_known_before_is_waited_for(
    connected_jira: Sandbox, connect: Connect, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The address is right, and whoever looks names up has a trouble that passes."""
    client = connect(api_url=f"http://localhost:{connected_jira.port}/jira")
    client.exchange("GET", PATH)

    def unknown(*_: object, **__: object) -> NoReturn:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    connected_jira.world.faults.add(
        Fault(PATH, dropped=True)
    )  # so that the connection is a new one
    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(UnavailableError, match=r"its name is not known .* run again later"):
        client.exchange("GET", PATH)
    assert sum(time.waits) > 800


@pytest.mark.parametrize(("asked", "waited"), [("7", 7), ("0", 1), ("soon", 1)])
def test_the_servers_wish_counts_if_it_is_longer(
    connected_jira: Sandbox, connect: Connect, time: Time, asked: str, waited: float
) -> None:
    """`Retry-After: 0` comes with 429, too, and never means at once."""
    connected_jira.fault(PATH, status=429, headers={"Retry-After": asked})
    connect().exchange("GET", PATH)
    assert time.waits == [waited]


def test_a_wish_beyond_patience_ends_the_exchange_at_once(
    connected_jira: Sandbox, connect: Connect, time: Time
) -> None:
    """A run does not sleep for an hour and give up then."""
    connected_jira.fault(PATH, status=429, headers={"Retry-After": "99999"})
    with pytest.raises(UnavailableError, match="HTTP 429"):
        connect().exchange("GET", PATH)
    assert time.waits == []


def test_clients_spread_out(connected_jira: Sandbox, configure: Configure, time: Time) -> None:
    """The dice add up to a quarter."""
    connected_jira.fault(PATH, status=503)
    settings = Settings.from_config(configure())
    timing = Timing(clock=lambda: time.now, wait=time.wait, dice=lambda: 1.0)
    JiraClient(settings, build_auth(settings), timing).exchange("GET", PATH)
    assert time.waits == [1.25]


def test_near_the_rate_limit_one_request_goes_at_a_time(
    connected_jira: Sandbox, connect: Connect
) -> None:
    """As long as Cloud warns (`X-RateLimit-NearLimit`); after that as many as before."""
    client = connect(max_concurrent_requests=4)
    warning = {"X-RateLimit-NearLimit": "true"}
    near = Fault(PATH, status=200, headers=warning, body={}, count=5, delay=0.02)
    connected_jira.world.faults.add(near)
    client.exchange("GET", PATH)
    assert _most_at_once(connected_jira, client) == 1
    connected_jira.world.faults.add(Fault(PATH, count=9, delay=0.1))
    client.exchange("GET", PATH)
    assert _most_at_once(connected_jira, client) > 1


def _most_at_once(jira: Sandbox, client: JiraClient) -> int:
    before = len(jira.requests)
    with ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(client.exchange, "GET", PATH) for _ in range(4)]
    assert [answer.result().status for answer in answers] == [200] * 4
    return max(entry.in_flight for entry in jira.requests[before:])


def test_a_stale_signature_is_tried_once_more_without_a_pause(
    connected_jira: Sandbox, connect: Connect, time: Time
) -> None:
    """Then it is an error; a clock that is off stays off."""
    connected_jira.fault(PATH, status=401, body="oauth_problem=nonce_used", count=1)
    connect().exchange("GET", PATH)
    assert time.waits == []
    connected_jira.clock.offset = 3600
    with pytest.raises(Exception, match="more than five minutes"):
        connect().exchange("GET", PATH)
    assert time.waits == []
    assert len({entry.nonce for entry in connected_jira.requests}) == 4


def test_a_stop_ends_the_waiting(connected_jira: Sandbox, connect: Connect, time: Time) -> None:
    """Whatever it waits for."""
    connected_jira.fault(PATH, status=503, count=99)
    time.stop = True
    with pytest.raises(StopRequestedError):
        connect().exchange("GET", PATH)
    assert len(time.waits) == 1


def test_an_answer_in_many_lines_is_read_as_one() -> None:
    """What is printed as it came must not break a line; values keep every digit."""
    for end in (b"", b"\n"):
        body = b'{\n  "key": "A",\r\n  "fields": {"n": 1.10, "a": [\n1e400, "\\n x"]}\n}' + end
        answer = Answer(200, CaseInsensitiveDict(), body)
        found = decode(answer, PATH, msgspec.json.Decoder(dict[str, msgspec.Raw]))
        assert bytes(found["fields"]) == b'{"n":1.10,"a":[1e400,"\\n x"]}'


def test_an_answer_of_another_shape_is_refused(connect: Connect) -> None:
    """With the path, and what is wrong."""
    with pytest.raises(AnswerError, match="/rest/api/2/myself: Jira's answer has an unexpected"):
        connect().get(PATH, list[str])


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate that no public authority has signed."""
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def tls_port(connected_jira: Sandbox, certificate: Path) -> Iterator[int]:
    """The sandbox behind TLS."""
    with tls_front(certificate, connected_jira.port) as port:
        yield port


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"ca_bundle": "missing.pem"}, "missing.pem"),
        ({"client_certificate": "missing.pem"}, "missing.pem"),
    ],
)
def test_a_missing_file_is_named(
    connect: Connect, tls_port: int, settings: dict[str, Any], said: str
) -> None:
    """Before anybody waits."""
    url = f"https://127.0.0.1:{tls_port}/jira"
    with pytest.raises(ConfigurationError, match=said):
        connect(api_url=url, **settings).exchange("GET", PATH)


def test_a_proxy_that_is_not_there_is_named(connect: Connect) -> None:
    """Not Jira's fault, and waiting would not help."""
    client = connect(api_url="https://jira.example.com", proxy_url="http://127.0.0.1:9")
    with pytest.raises(ConfigurationError, match="proxy does not let us through"):
        client.exchange("GET", PATH)


def test_an_untrusted_certificate_is_named(
    connect: Connect, tls_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the setting that helps; and `verify_ssl: false` wins over the environment."""
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    url = f"https://127.0.0.1:{tls_port}/jira"
    with pytest.raises(ConfigurationError, match="'ca_bundle'"):
        connect(api_url=url).exchange("GET", PATH)


def test_verification_is_as_the_settings_say_whatever_the_environment_has(
    connect: Connect, tls_port: int, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`requests` would let REQUESTS_CA_BUNDLE win over the session."""
    url = f"https://127.0.0.1:{tls_port}/jira"
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere.pem")
    personal = {"api_url": url, "auth_method": "personal_token", "personal_token": "sandbox-token"}
    assert connect(**personal, verify_ssl=False).exchange("GET", PATH).status == 200
    assert connect(**personal, ca_bundle=str(certificate)).exchange("GET", PATH).status == 200
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    assert connect(**personal).exchange("GET", PATH).status == 200
