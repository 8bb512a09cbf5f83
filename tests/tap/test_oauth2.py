"""OAuth 2.0 of Data Center and of Cloud: consent, refresh, and a refresh token that is never lost."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from sandbox.lifetimes import Lifetimes
from sandbox.oauth2 import Client
from sandbox.oauth2_cloud import CLOUD_ID
from tap.command import run
from tap_jira_oauth.auth import build_auth
from tap_jira_oauth.auth.consent import Consent
from tap_jira_oauth.auth.oauth2 import RefreshedToken
from tap_jira_oauth.client import JiraClient
from tap_jira_oauth.credentials import load_settings
from tap_jira_oauth.credentials.tokens import TokenFile, Tokens, digest, token_store
from tap_jira_oauth.errors import AccessError, AuthenticationError, ConfigurationError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from sandbox import Sandbox
    from tap.local_aws import LocalAws
    from tap_jira_oauth.settings import Settings

MYSELF = "/rest/api/2/myself"
CALLBACK = "http://127.0.0.1:9/back"
SCOPE = {"cloud": "read:jira-work read:jira-user offline_access", "data_center": "READ"}


@dataclass
class Setup:
    """One flavour: the settings of a tap that a person has consented to."""

    jira: Sandbox
    flavor: Any
    folder: Path
    token_path: str

    def config(self, **more: Any) -> dict[str, Any]:
        """The settings as a file has them."""
        jira = self.jira
        there: dict[str, Any] = {"api_url": jira.url, "redirect_uri": CALLBACK}
        if self.flavor == "cloud":
            there = {
                "api_url": f"{jira.gateway_url}/ex/jira/{CLOUD_ID}",
                "token_url": f"{jira.auth_url}/oauth/token",
                "redirect_uri": CALLBACK,
            }
        return {
            **there,
            "auth_method": "oauth2",
            "client_id": "app",
            "client_secret": "hidden-secret",
            "credentials_store": "file",
            "credentials_file": str(self.folder / "tokens.json"),
            **more,
        }

    def settings(self, **more: Any) -> Settings:
        """The same, checked."""
        return load_settings(self.config(**more))

    def grant(self) -> str:
        """The refresh token of a new consent."""
        scope = SCOPE[self.flavor]
        granted = self.jira.sign_in.grant("app", self.flavor, scope=scope)
        token: str = granted["refresh_token"]
        return token

    def client(self, **more: Any) -> JiraClient:
        """A client with the settings."""
        settings = self.settings(**more)
        return JiraClient(settings, build_auth(settings))

    @property
    def refreshes(self) -> int:
        """How often the token endpoint was asked."""
        return sum(entry.path == self.token_path for entry in self.jira.requests)

    @property
    def kept(self) -> dict[str, Any]:
        """The file."""
        content: dict[str, Any] = json.loads((self.folder / "tokens.json").read_text())
        return content


@pytest.fixture(params=["data_center", "cloud"])
def setup(request: pytest.FixtureRequest, connected_jira: Sandbox, tmp_path: Path) -> Setup:
    """Each flavour in turn."""
    return set_up(request.param, connected_jira, tmp_path)


def set_up(flavor: Any, jira: Sandbox, folder: Path) -> Setup:
    """One flavour, with a client registered."""
    jira.sign_in.register_client(Client("app", "hidden-secret", "Lake", (CALLBACK,)), flavor)
    paths = {"cloud": "/auth.atlassian.com/oauth/token", "data_center": "/rest/oauth2/latest/token"}
    return Setup(jira, flavor, folder, paths[flavor])


def test_one_refresh_serves_runs_until_the_access_token_is_over(setup: Setup) -> None:
    """The new refresh token is in a file for its owner only; the next run begins with it."""
    given = setup.grant()
    first = setup.client(refresh_token=given)
    assert first.exchange("GET", MYSELF).status == 200
    assert first.exchange("GET", MYSELF).status == 200
    assert setup.refreshes == 1
    kept = setup.kept
    assert kept["refresh_token"] != given
    assert stat.S_IMODE((setup.folder / "tokens.json").stat().st_mode) == 0o600
    assert setup.client(refresh_token=given).exchange("GET", MYSELF).status == 200
    assert setup.refreshes == 1
    setup.jira.revoke(kept["access_token"])  # as if it were over
    assert setup.client(refresh_token=given).exchange("GET", MYSELF).status == 200
    assert setup.refreshes == 2
    assert setup.kept["refresh_token"] not in {given, kept["refresh_token"]}


def test_an_access_token_is_replaced_before_its_end(setup: Setup) -> None:
    """A minute early, by our own clock."""
    now = 1_000_000.0
    settings = setup.settings(refresh_token=setup.grant())
    auth = RefreshedToken(settings, token_store(settings), clock=lambda: now)
    client = JiraClient(settings, auth)
    client.exchange("GET", MYSELF)
    now += 3600 - 61
    client.exchange("GET", MYSELF)
    assert setup.refreshes == 1
    now += 2
    client.exchange("GET", MYSELF)
    assert setup.refreshes == 2


def test_the_new_token_is_kept_before_anything_is_asked_with_it(setup: Setup) -> None:
    """A run that is killed after the first request has lost nothing."""
    seen: list[str] = []
    settings = setup.settings(refresh_token=setup.grant())
    client = JiraClient(settings, build_auth(settings))
    setup.jira.before_request.append(
        lambda entry: seen.append(setup.kept["access_token"]) if MYSELF in entry.path else None
    )
    client.exchange("GET", MYSELF)
    assert seen == [setup.kept["access_token"]]
    assert seen[0]


@dataclass
class Memory:
    """A store whose lock has lapsed; slow, and full if so wished."""

    tokens: Tokens | None = None
    full: bool = False

    def locked(self) -> AbstractContextManager[None]:
        """Hold nobody off."""
        return nullcontext()

    def load(self) -> Tokens | None:
        """Return what was kept."""
        return self.tokens

    def save(self, tokens: Tokens) -> None:
        """Keep it after a while, in which other threads come along."""
        if self.full:
            raise ConfigurationError("Cannot write.")
        time.sleep(0.05)
        self.tokens = tokens


def test_the_refresh_token_is_not_spent_where_the_new_one_cannot_be_kept(setup: Setup) -> None:
    """A folder that is not there, a full disk: said before the token endpoint is asked."""
    given = setup.grant()
    client = setup.client(
        refresh_token=given, credentials_file=str(setup.folder / "gone" / "tokens.json")
    )
    with pytest.raises(ConfigurationError, match="Cannot write"):
        client.exchange("GET", MYSELF)
    settings = setup.settings(refresh_token=given)
    client = JiraClient(settings, RefreshedToken(settings, Memory(full=True)))
    with pytest.raises(ConfigurationError, match="Cannot write"):
        client.exchange("GET", MYSELF)
    assert setup.refreshes == 0


def test_whoever_waits_for_the_lock_takes_the_token_of_who_had_it(setup: Setup) -> None:
    """One refresher at a time: nothing is asked while another process holds the file's lock."""
    given = setup.grant()
    other = setup.jira.sign_in.grant("app", setup.flavor, scope=SCOPE[setup.flavor])
    client = setup.client(refresh_token=given)
    file = TokenFile(setup.folder / "tokens.json")
    with ThreadPoolExecutor(1) as pool:
        with file.locked():
            waiting = pool.submit(client.exchange, "GET", MYSELF)
            time.sleep(0.3)
            assert setup.refreshes == 0
            assert not waiting.done()
            end = time.time() + 3600
            file.save(Tokens(other["refresh_token"], other["access_token"], end, digest(given)))
        assert waiting.result().status == 200
    assert setup.refreshes == 0


def test_threads_share_one_refresh(setup: Setup) -> None:
    """Also when they all learn at once that the token is over."""
    settings = setup.settings(refresh_token=setup.grant())
    memory = Memory()
    client = JiraClient(settings, RefreshedToken(settings, memory))
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(client.exchange, "GET", MYSELF) for _ in range(8)]
        assert [each.result().status for each in asked] == [200] * 8
        assert setup.refreshes == 1
        assert memory.tokens is not None
        setup.jira.revoke(memory.tokens.access_token)
        asked = [pool.submit(client.exchange, "GET", MYSELF) for _ in range(8)]
        assert [each.result().status for each in asked] == [200] * 8
    assert setup.refreshes == 2


PROGRAM = """
import json, sys
from tap_jira_oauth.auth import build_auth
from tap_jira_oauth.client import JiraClient
from tap_jira_oauth.credentials import load_settings
settings = load_settings(json.load(sys.stdin))
print(JiraClient(settings, build_auth(settings)).exchange("GET", "/rest/api/2/myself").status)
"""


def test_processes_share_one_refresh(setup: Setup) -> None:
    """The lock of the file; the reuse that Cloud allows is switched off."""
    setup.jira.sign_in.live(Lifetimes(cloud_reuse=0.000001))
    config = setup.config(refresh_token=setup.grant())
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    with ThreadPoolExecutor(3) as pool:
        ends = list(pool.map(lambda each: each.communicate(json.dumps(config), 60), processes))
    assert [output for output, _ in ends] == ["200\n"] * 3, ends
    assert setup.refreshes == 1


def test_a_dead_refresh_token_asks_for_a_new_consent(setup: Setup) -> None:
    """403 on Cloud, 400 on Data Center; and the token of a new consent is taken although a file is there."""
    first = setup.grant()
    setup.client(refresh_token=first).exchange("GET", MYSELF)
    setup.jira.revoke(setup.kept["access_token"])
    setup.jira.revoke(setup.kept["refresh_token"])
    with pytest.raises(AuthenticationError, match=r"invalid_grant.*consent again") as caught:
        setup.client(refresh_token=first).exchange("GET", MYSELF)
    assert setup.kept["refresh_token"] not in str(caught.value)
    second = setup.client(refresh_token=setup.grant())
    assert second.exchange("GET", MYSELF).status == 200


def test_a_wrong_client_secret_is_no_lost_consent(setup: Setup) -> None:
    """Another advice."""
    client = setup.client(refresh_token=setup.grant(), client_secret="wrong")
    with pytest.raises(AuthenticationError, match="Compare 'client_id' and 'client_secret'"):
        client.exchange("GET", MYSELF)


def test_a_token_endpoint_that_is_busy_is_waited_for(setup: Setup) -> None:
    """As Jira itself, within `max_retry_seconds`."""
    setup.jira.fault(setup.token_path, status=503)
    assert setup.client(refresh_token=setup.grant()).exchange("GET", MYSELF).status == 200
    assert setup.refreshes == 2


def test_a_401_that_stays_is_final_after_one_refresh(setup: Setup) -> None:
    """No circle of refreshes."""
    client = setup.client(refresh_token=setup.grant())
    client.exchange("GET", MYSELF)
    setup.jira.fault(MYSELF, status=401, body={"message": "No."}, count=9)
    with pytest.raises(AuthenticationError, match=r"HTTP 401: No\."):
        client.exchange("GET", MYSELF)
    assert setup.refreshes == 2


def test_a_missing_scope_is_no_matter_of_a_refresh(connected_jira: Sandbox, tmp_path: Path) -> None:
    """401 with words of the gateway's own; Data Center has none."""
    setup = set_up("cloud", connected_jira, tmp_path)
    granted = setup.jira.sign_in.grant("app", "cloud", scope="read:jira-work offline_access")
    with pytest.raises(AccessError, match="needs the scopes"):
        setup.client(refresh_token=granted["refresh_token"]).exchange("GET", MYSELF)
    assert setup.refreshes == 1


def test_without_a_store_it_is_refused_before_anything_is_sent(setup: Setup) -> None:
    """A rotating token that nobody keeps works for one run."""
    with pytest.raises(ConfigurationError, match="needs credentials_store 'file' or 'ssm'"):
        setup.settings(refresh_token=setup.grant(), credentials_store="config")
    with pytest.raises(ConfigurationError, match="set 'refresh_token'"):
        setup.client()
    assert setup.refreshes == 0


def test_consent_leads_to_tokens_that_work(setup: Setup) -> None:
    """The page, the code, the first tokens; on Data Center proven by PKCE."""
    settings = setup.settings()
    consent = Consent(settings)
    page = requests.post(
        consent.authorize_url(), data={"decision": "allow"}, allow_redirects=False, timeout=10
    )
    back = dict(parse_qsl(urlsplit(page.headers["Location"]).query))
    asked = dict(parse_qsl(urlsplit(consent.authorize_url()).query))
    assert ("code_challenge" in asked) == (setup.flavor == "data_center")
    with pytest.raises(AuthenticationError, match="another sign-in"):
        consent.finish({**back, "state": "x"}, token_store(settings))
    consent.finish(back, token_store(settings))
    assert setup.client().exchange("GET", MYSELF).status == 200
    assert setup.refreshes == 1
    with pytest.raises(AuthenticationError):
        consent.finish(back, token_store(settings))


def test_a_denied_consent_is_said(setup: Setup) -> None:
    """With Jira's word."""
    settings = setup.settings()
    consent = Consent(settings)
    page = requests.post(
        consent.authorize_url(), data={"decision": "deny"}, allow_redirects=False, timeout=10
    )
    back = dict(parse_qsl(urlsplit(page.headers["Location"]).query))
    with pytest.raises(AuthenticationError, match=r"not allowed \(access_denied\)"):
        consent.finish(back, token_store(settings))


@pytest.mark.parametrize("options", [(), ("--no-browser",)])
def test_login_brings_home_tokens_that_the_tap_goes_on_with(
    setup: Setup, options: tuple[str, ...]
) -> None:
    """Through the port of `redirect_uri`, or by the address that the person copies."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        back = f"http://127.0.0.1:{free.getsockname()[1]}/back"
    client = Client("app", "hidden-secret", "Lake", (back,))
    setup.jira.sign_in.register_client(client, setup.flavor)
    file = setup.folder / "config.json"
    file.write_text(json.dumps(setup.config(redirect_uri=back)))
    command = [str(Path(sys.executable).with_name("jira-oauth")), "login", "--config", str(file)]
    # A "browser" that does nothing: this test is the person.
    environment = os.environ | {"BROWSER": "true", "NO_PROXY": "127.0.0.1"}
    with subprocess.Popen(
        [*command, *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        assert process.stderr is not None
        page = next(line.strip() for line in process.stderr if line.startswith("  http"))
        answer = requests.post(page, data={"decision": "allow"}, allow_redirects=False, timeout=10)
        there = answer.headers["Location"]
        if not options:
            assert requests.get(there + "0", timeout=10).status_code == 404
            assert "Signed in" in requests.get(there, timeout=10).text
        output, log = process.communicate(f"{there}\n" if options else None, timeout=30)
    assert process.returncode == 0, log
    assert "tokens.json" in output
    result = run(setup.folder, setup.config(redirect_uri=back))
    assert len(result.records) == 60, result.log


def test_parameter_store_keeps_the_tokens_beside_other_keys(setup: Setup, aws: LocalAws) -> None:
    """And of three at once one refreshes; the others find its token."""
    aws.ssm.put_parameter(
        Name="jira_access_secrets", Value='{"consumer_secret": "dont_care"}', Type="SecureString"
    )
    setup.jira.sign_in.live(Lifetimes(cloud_reuse=0.000001))
    given = setup.grant()
    clients = [
        setup.client(refresh_token=given, credentials_store="ssm", credentials_file=None)
        for _ in range(3)
    ]
    with ThreadPoolExecutor(3) as pool:
        asked = [pool.submit(client.exchange, "GET", MYSELF) for client in clients]
        assert [each.result().status for each in asked] == [200] * 3
    assert setup.refreshes == 1
    value = aws.ssm.get_parameter(Name="jira_access_secrets", WithDecryption=True)
    kept = json.loads(value["Parameter"]["Value"])
    assert kept["consumer_secret"] == "dont_care"
    assert kept["oauth2"]["refresh_token"] != given


def test_the_tap_reads_every_issue(setup: Setup) -> None:
    """To itself, and through the gateway."""
    result = run(setup.folder, setup.config(refresh_token=setup.grant()))
    assert len(result.records) == 60, result.log


def test_the_files_of_other_sign_ins_are_not_taken(setup: Setup) -> None:
    """And not written over."""
    file = setup.folder / "tokens.json"
    file.write_text('{"consumer_key": "SECRET-VALUE"}')
    with pytest.raises(ConfigurationError, match="a file of its own") as caught:
        setup.client(refresh_token="x" * 20)
    assert "SECRET-VALUE" not in f"{caught.value}{caught.value.__cause__}"
