"""`jira-oauth login` by browser: the page on loopback to which Jira sends the browser back."""

from __future__ import annotations

import re
import signal
import socket
import threading
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from conftest import CONSUMER
from tap.sign_in import logging_in, run
from tap_jira_oauth.auth.callback import Callback, failure_page
from tap_jira_oauth.errors import AuthenticationError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sandbox import Sandbox

pytestmark = pytest.mark.any_version

TIMEOUT = 10
ACCESS_TOKEN = "/plugins/servlet/oauth/access-token"


@pytest.fixture
def options(connected_jira: Sandbox, private_key_file: Path) -> list[str]:
    """The options of a login at the sandbox."""
    given = ["--api-url", connected_jira.url, "--consumer-key", CONSUMER]
    return [*given, "--private-key-file", str(private_key_file)]


def exchanges(jira: Sandbox) -> int:
    """How often the last step was asked for."""
    return [entry.path for entry in jira.requests].count(ACCESS_TOKEN)


def returned(page: str) -> str:
    """Allow the access on Jira's page; return where Jira sends the browser."""
    answer = requests.post(page, {"decision": "allow"}, allow_redirects=False, timeout=TIMEOUT)
    return answer.headers["Location"]


def test_only_the_answer_with_our_state_and_our_token_counts(
    connected_jira: Sandbox, options: list[str], tmp_path: Path
) -> None:
    """Whoever guesses the port is turned away, an idle connection blocks nobody, and the wait goes on."""
    with logging_in(tmp_path, *options) as login:
        address = returned(login.page)
        port = urlsplit(address).port or 0
        state = parse_qs(urlsplit(address).query)["state"][0]
        assert len(state) >= 32
        with socket.create_connection(("127.0.0.1", port)):
            for wrong in (
                address.replace(state, "guessed"),
                re.sub(r"state=[^&]+&?", "", address),
                re.sub(r"oauth_token=[^&]+", "oauth_token=another", address),
                re.sub(r"&oauth_verifier=[^&]+", "", address),
                address.replace("/callback", "/favicon.ico"),
            ):
                assert requests.get(wrong, timeout=TIMEOUT).status_code == 404, wrong
            assert exchanges(connected_jira) == 0
            good = requests.get(address, timeout=TIMEOUT)
        assert "Signed in" in good.text
        assert good.headers["Referrer-Policy"] == "no-referrer"
        assert login.end()[0] == 0
    assert exchanges(connected_jira) == 1


def test_the_port_is_on_loopback_only_and_given_back(options: list[str], tmp_path: Path) -> None:
    """Nobody else in the network can reach it, and afterwards nobody at all."""
    with logging_in(tmp_path, *options) as login:
        address = returned(login.page)
        parts = urlsplit(address)
        assert parts.hostname == "127.0.0.1"
        with pytest.raises(ConnectionRefusedError):  # another address of this machine
            socket.create_connection(("127.0.0.2", parts.port or 0), TIMEOUT)
        requests.get(address, timeout=TIMEOUT)
        assert login.end()[0] == 0
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", parts.port or 0), TIMEOUT)


def test_the_last_step_is_not_repeated_and_the_page_tells_the_truth(
    connected_jira: Sandbox, options: list[str], tmp_path: Path
) -> None:
    """Jira's answer is lost on the way: one try, a failure page, an error that says what to do."""
    connected_jira.fault(ACCESS_TOKEN, shape="cut-connection", count=5)
    with logging_in(tmp_path, *options) as login:
        page = requests.get(returned(login.page), timeout=TIMEOUT).text
        status, _, log = login.end()
    assert "Not signed in" in page
    assert "takes only once" in page
    assert status == 1
    assert "is not repeated. Start `jira-oauth login` again." in log.splitlines()[-1]
    assert exchanges(connected_jira) == 1
    assert not (tmp_path / "jira_credentials.json").exists()


def test_nobody_answers(options: list[str], tmp_path: Path) -> None:
    """After the time that was given it ends with one line that says so."""
    with logging_in(tmp_path, "--wait", "0.2", *options) as login:
        status, _, log = login.end()
    assert status == 1
    assert "Nobody answered on Jira's page" in log.splitlines()[-1]


def test_ctrl_c_ends_in_one_line(options: list[str], tmp_path: Path) -> None:
    """Status 130, no traceback, nothing stored."""
    with logging_in(tmp_path, *options) as login:
        assert login.page
        login.process.send_signal(signal.SIGINT)
        status, _, log = login.end()
    assert status == 130
    assert log.splitlines()[-1] == "jira-oauth: stopped; nothing was stored."
    assert "Traceback" not in log
    assert not (tmp_path / "jira_credentials.json").exists()


def test_a_machine_without_a_browser_is_asked_for_the_code(
    options: list[str], tmp_path: Path
) -> None:
    """No browser on the PATH and none named: the same as --no-browser."""
    done = run(tmp_path, "login", *options, said="\n", PATH=str(tmp_path), BROWSER="", DISPLAY="")
    assert done.returncode == 1
    assert "Verification code:" in done.stderr
    assert "No code was entered" in done.stderr


def test_a_reason_is_text_and_no_markup() -> None:
    """What Jira says is shown as it is written."""
    assert b"&lt;script&gt;" in failure_page("<script>")


@pytest.mark.parametrize(
    ("finish", "said"),
    [(lambda given: f"with {given['oauth_verifier']}", "Signed in"), (None, "Not signed in")],
)
def test_the_answer_comes_after_the_end(
    finish: Callable[[dict[str, str]], str] | None, said: str
) -> None:
    """Loaded a second time the address finds nobody; the result is what `finish` made of the code."""

    def refuse(_: dict[str, str]) -> str:
        raise AuthenticationError("No.")

    with Callback() as callback:
        callback.expect("t")
        address = f"{callback.url}&oauth_token=t&oauth_verifier=c"
        shown: list[str] = []

        def browse() -> None:
            shown.extend(requests.get(address, timeout=TIMEOUT).text for _ in range(2))

        browser = threading.Thread(target=browse)
        browser.start()
        if finish:
            assert callback.wait(TIMEOUT, finish) == "with c"
        else:
            with pytest.raises(AuthenticationError, match=r"No\."):
                callback.wait(TIMEOUT, refuse)
        browser.join()
        assert said in shown[0]
        assert "not the answer to a sign-in that waits here" in shown[1]
        with pytest.raises(UnavailableError):
            callback.wait(0.01, refuse)
