"""Every way in which Jira refuses a sign-in: its own sentence, before anything is stored."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

import pytest
from requests.structures import CaseInsensitiveDict

from conftest import CONSUMER
from sandbox.lifetimes import Lifetimes
from tap.sign_in import run
from tap_jira_oauth.answer import Answer
from tap_jira_oauth.auth.private_key import make_private_key, private_pem
from tap_jira_oauth.auth.refusal import address_seen, refuse_sign_in, spell_duration
from tap_jira_oauth.errors import TapError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox import Sandbox

SERVLETS = "/plugins/servlet/oauth"

Refused = Callable[..., str]
"""Runs a login that must fail; returns its last line."""


@pytest.fixture
def refused(connected_jira: Sandbox, private_key_file: Path, tmp_path: Path) -> Refused:
    """A login by code at the sandbox, other options as given."""

    def login(code: str = "", *, url: str | None = None, **other: str) -> str:
        options = {
            "api-url": url or connected_jira.url,
            "consumer-key": CONSUMER,
            "private-key-file": str(private_key_file),
            **{name.replace("_", "-"): text for name, text in other.items()},
        }
        given = [part for name, text in options.items() for part in (f"--{name}", text)]
        done = run(tmp_path, "login", "--no-browser", *given, said=f"{code}\n")
        assert done.returncode == 1, done.stderr
        assert "Traceback" not in done.stderr
        assert not (tmp_path / "jira_credentials.json").exists()
        return done.stderr.splitlines()[-1]

    return login


@contextmanager
def rewriting_proxy(jira: Sandbox) -> Iterator[str]:
    """A reverse proxy that does not keep the Host header; yields the address of Jira behind it."""
    inside = urlsplit(jira.url)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            link = http.client.HTTPConnection(inside.hostname or "", inside.port or 0, timeout=10)
            headers = {name: text for name, text in self.headers.items() if name != "Host"}
            link.request("POST", self.path, headers=headers)
            answer = link.getresponse()
            body = answer.read()
            link.close()
            self.send_response(answer.status)
            for name in ("Content-Type", "WWW-Authenticate"):
                self.send_header(name, answer.headers.get(name, ""))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}{inside.path}"
        server.shutdown()
        thread.join()


def test_an_unknown_consumer_key(refused: Refused) -> None:
    """Jira has no such link."""
    line = refused(consumer_key="nobody")
    assert "consumer_key_unknown. Jira knows no application link with this consumer key" in line


def test_a_key_that_the_link_does_not_know(refused: Refused, tmp_path: Path) -> None:
    """Jira sees the address that was signed, so it is the key."""
    other = tmp_path / "other.pem"
    other.write_bytes(private_pem(make_private_key(2048)))
    line = refused(private_key_file=str(other))
    assert "public key in Jira's incoming link does not belong to this private key" in line
    assert "proxy" not in line
    assert "oauth_signature" not in line


def test_a_proxy_that_changes_the_address(connected_jira: Sandbox, refused: Refused) -> None:
    """Both addresses are named; the same key works without the proxy."""
    with rewriting_proxy(connected_jira) as url:
        line = refused(url=url)
    servlet = f"{SERVLETS}/request-token"
    assert f"We signed {url}{servlet}, and Jira sees {connected_jira.url}{servlet}: a proxy" in line
    assert "public key" not in line


def test_clocks_that_differ(connected_jira: Sandbox, refused: Refused) -> None:
    """By how much, and which one is ahead."""
    connected_jira.clock.offset = 740
    line = refused()
    assert "timestamp_refused" in line
    assert "This machine's clock is 12 minutes behind Jira's." in line
    connected_jira.clock.offset = -7300
    assert "This machine's clock is 2 hours ahead of Jira's." in refused()


@pytest.mark.parametrize("path", ["", "/wrong"])
def test_a_wrong_context_path(connected_jira: Sandbox, refused: Refused, path: str) -> None:
    """Missing or another one: Jira, or what is there instead, answers 404."""
    base = connected_jira.url.removesuffix("/jira")
    assert "The context path in 'api_url' is wrong or missing" in refused(url=base + path)


def test_a_page_in_place_of_a_token(connected_jira: Sandbox, refused: Refused) -> None:
    """A login page or a portal that answers 200 to everything is no Jira either."""
    connected_jira.fault(SERVLETS, shape="login-page")
    assert "is not where this Jira signs in" in refused()


def test_a_redirect_names_the_right_address(connected_jira: Sandbox, refused: Refused) -> None:
    """From http to https, or to the context path: what to set is in the answer."""
    target = f"https://jira.example.com/jira{SERVLETS}/request-token?x=1"
    connected_jira.fault(SERVLETS, status=301, headers={"Location": target})
    line = refused()
    assert line.endswith("redirects. Set 'api_url' to https://jira.example.com/jira")
    connected_jira.fault(SERVLETS, status=302, headers={"Location": "/login.jsp?token=x"})
    line = refused()
    assert "redirects to /login.jsp. Set 'api_url' to Jira's own base URL" in line


def test_a_code_that_is_wrong_denied_or_missing(refused: Refused) -> None:
    """Each says what to do."""
    assert "The access was denied" in refused("denied")
    assert "Nobody has allowed the access" in refused("early1")
    assert "No code was entered" in refused()


def test_a_code_that_comes_too_late(connected_jira: Sandbox, refused: Refused) -> None:
    """The request token has expired, which is not the access token."""
    connected_jira.sign_in.live(Lifetimes(request_token=0.001))
    line = refused("any")
    assert "token_expired. The request token has expired: Jira waits ten minutes" in line


def test_nobody_listens(refused: Refused) -> None:
    """The address is named, and no library's words."""
    line = refused(url="http://127.0.0.1:9")
    assert "http://127.0.0.1:9/plugins/servlet/oauth/request-token does not answer" in line


def test_nobody_is_asked_when_the_result_could_not_be_stored(
    connected_jira: Sandbox, refused: Refused
) -> None:
    """A token that cannot be kept would be lost: Jira gives it only once."""
    assert "is no folder" in refused(credentials_file="missing/jira.json")
    assert connected_jira.requests == []


def told(answer: Answer, address: str = "https://Jira.example.com:443/x/request-token") -> str:
    """What a refusal says, at one moment."""
    with pytest.raises(TapError) as caught:
        refuse_sign_in(answer, address, "/request-token", datetime(2026, 1, 1, tzinfo=timezone.utc))
    return str(caught.value)


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        ("https://jira.example.com/x/request-token", "does not belong to this private key"),
        ("http://jira.example.com/x/request-token", "and Jira sees http://jira.example.com/x/"),
        ("https://jira.example.com:8443/x/request-token", "a proxy changes the address"),
        ("", "does not belong to this private key"),
    ],
)
def test_the_address_that_jira_saw_decides(seen: str, said: str) -> None:
    """Compared as it is signed: host in lower case, default port gone. Nothing else of it is shown."""
    base = f"POST&{quote(seen, safe='')}&oauth_token%3Dsecret"
    body = f"oauth_problem=signature_invalid&oauth_signature_base_string={quote(base, safe='')}"
    line = told(Answer(401, CaseInsensitiveDict(), body.encode()))
    assert said in line
    assert "secret" not in line


def test_an_answer_without_base_string_or_time_is_explained_all_the_same() -> None:
    """Not every Jira echoes it, and a proxy may drop the Date header."""
    assert address_seen(Answer(401, CaseInsensitiveDict(), b"oauth_problem=x")) is None
    line = told(Answer(400, CaseInsensitiveDict(), b"oauth_problem=timestamp_refused"))
    assert "This machine's clock and Jira's differ." in line
    assert "HTTP 410" in told(Answer(410, CaseInsensitiveDict(), b""))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(1, "1 second"), (119, "119 seconds"), (719, "11 minutes"), (7200, "2 hours")],
)
def test_a_duration_is_spelled_in_one_unit(seconds: int, text: str) -> None:
    """Seconds, then minutes, then hours."""
    assert spell_duration(timedelta(seconds=seconds)) == text
