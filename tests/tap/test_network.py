"""Private authorities, client certificates, proxies, context paths and ports: a whole run through each."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import serialization

from conftest import CONSUMER
from forward_proxy import ForwardProxy
from sandbox import Corpus, Sandbox
from tap.command import run
from tap.sign_in import login_by_code
from tap.sign_in import run as run_command
from tap_jira_oauth.auth.private_key import make_private_key, public_pem
from tls import Authority, tls_front

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric import rsa

    from conftest import Configure


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """A private certificate authority."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def corpus() -> Corpus:
    """A few issues are enough."""
    return Corpus.generate(seed=7, issues=5, projects=1)


@dataclass(frozen=True)
class Front:
    """Jira behind TLS."""

    url: str
    host: str


@pytest.fixture
def front(connected_jira: Sandbox, authority: Authority) -> Iterator[Front]:
    """Under a certificate of the private authority, with a port and a context path."""
    with tls_front(authority.issue("server"), connected_jira.port) as port:
        yield Front(f"https://localhost:{port}/jira", f"localhost:{port}")


@pytest.fixture
def strict_front(connected_jira: Sandbox, authority: Authority) -> Iterator[Front]:
    """The same, only for clients with a certificate of the authority."""
    server = authority.issue("strict")
    with tls_front(server, connected_jira.port, clients=authority.path) as port:
        yield Front(f"https://localhost:{port}/jira", f"localhost:{port}")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No certificates and no proxies but those of the test."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def sandbox_token(url: str, **more: object) -> dict[str, Any]:
    """Settings whose sign-in does not depend on the address."""
    return {
        "api_url": url,
        "auth_method": "personal_token",
        "personal_token": "sandbox-token",
        "max_retry_seconds": 3,
        **more,
    }


def test_a_private_authority_is_trusted_where_it_is_set(
    front: Front, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By `ca_bundle`, or by REQUESTS_CA_BUNDLE; without it the run ends at once and says so."""
    result = run(tmp_path, sandbox_token(front.url))
    assert result.status == 1
    assert "'ca_bundle'" in result.log
    assert len(run(tmp_path, sandbox_token(front.url, ca_bundle=str(authority.path))).records) == 5
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.path))
    assert len(run(tmp_path, sandbox_token(front.url)).records) == 5


def test_without_verification_a_run_warns(front: Front, tmp_path: Path) -> None:
    """`verify_ssl: false` works, and is said to be dangerous."""
    result = run(tmp_path, sandbox_token(front.url, verify_ssl=False))
    assert len(result.records) == 5
    assert "verify_ssl is off" in result.log


def test_a_server_that_wants_a_client_certificate_gets_it(
    strict_front: Front, authority: Authority, tmp_path: Path
) -> None:
    """`client_certificate`; without it, or with a stranger's, the run ends at once and says so."""
    trusted = sandbox_token(strict_front.url, ca_bundle=str(authority.path), max_retry_seconds=60)
    missing = run(tmp_path, trusted)
    assert missing.status == 1
    assert "wants a client certificate" in missing.log
    mine = authority.issue("client", whole=True)
    assert len(run(tmp_path, {**trusted, "client_certificate": str(mine)}).records) == 5
    (tmp_path / "other").mkdir()
    other = Authority(tmp_path / "other").issue("stranger", whole=True)
    stranger = run(tmp_path, {**trusted, "client_certificate": str(other)})
    assert stranger.status == 1
    assert "does not accept a client certificate" in stranger.log


def test_a_client_certificate_that_cannot_be_used_is_named(
    strict_front: Front, authority: Authority, tmp_path: Path
) -> None:
    """An encrypted key would ask on the terminal; a damaged file is none of the server's doing."""
    trusted = sandbox_token(strict_front.url, ca_bundle=str(authority.path))
    certificate = authority.issue("bare").read_bytes()
    encrypted = make_private_key(2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"passphrase"),
    )
    for content in (certificate + encrypted, certificate, b"-----BEGIN CERTIFICATE-----\nMIIB\n"):
        (tmp_path / "client.pem").write_bytes(content)
        config = {**trusted, "client_certificate": str(tmp_path / "client.pem")}
        result = run(tmp_path, config)
        assert result.status == 1
        assert "without a passphrase" in result.log.splitlines()[-1]


@pytest.mark.parametrize("sign_in", [None, "lake:proxy-password"])
def test_a_proxy_passes_tls_and_plain_requests(
    front: Front, authority: Authority, configure: Configure, tmp_path: Path, sign_in: str | None
) -> None:
    """CONNECT for https, with a password too; the signature of OAuth 1.0a survives a plain proxy."""
    with ForwardProxy(tmp_path, sign_in) as proxy:
        secure = sandbox_token(front.url, ca_bundle=str(authority.path), proxy_url=proxy.url)
        result = run(tmp_path, secure)
        assert len(result.records) == 5, result.log
        assert proxy.passed(f"CONNECT {front.host}")
        plain = configure(proxy_url=proxy.url)
        result = run(tmp_path, plain)
        assert len(result.records) == 5, result.log
        assert proxy.passed(f"GET {plain['api_url'].removeprefix('http://')}")
    assert "proxy-password" not in result.log


def test_a_proxy_that_wants_a_password_is_named(
    front: Front, authority: Authority, tmp_path: Path
) -> None:
    """Not Jira's fault."""
    with ForwardProxy(tmp_path, "lake:proxy-password") as proxy:
        url = f"http://127.0.0.1:{proxy.port}"
        config = sandbox_token(front.url, ca_bundle=str(authority.path), proxy_url=url)
        result = run(tmp_path, config)
    assert result.status == 1
    assert "The proxy does not let us through" in result.log


def test_the_proxy_of_the_environment_is_used_and_no_proxy_wins_over_it(
    front: Front, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As every other program does it."""
    config = sandbox_token(front.url, ca_bundle=str(authority.path))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "localhost")
    assert len(run(tmp_path, config).records) == 5
    with ForwardProxy(tmp_path) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", "jira.example.com")
        result = run(tmp_path, config)
        assert len(result.records) == 5, result.log
        assert proxy.passed(f"CONNECT {front.host}")


@pytest.mark.parametrize("connected_jira", ["https"], indirect=True)
def test_a_sign_in_goes_through_proxy_and_tls_as_a_run_does(
    connected_jira: Sandbox, front: Front, authority: Authority, tmp_path: Path
) -> None:
    """By the tap's own settings: the whole dance, then a run with the new token."""
    printed = run_command(tmp_path, "keygen", "--bits", "2048").stdout
    connected_jira.register_consumer("tap-jira-oauth", printed[printed.index("-----BEGIN") :])
    with ForwardProxy(tmp_path) as proxy:
        network = {
            "api_url": front.url,
            "ca_bundle": str(authority.path),
            "proxy_url": proxy.url,
            "credentials_store": "file",
            "credentials_file": str(tmp_path / "signed_in.json"),
        }
        (tmp_path / "tap.json").write_text(json.dumps(network))
        status, said = login_by_code(tmp_path, connected_jira.approve, "--config", "tap.json")
        assert status == 0, said
        assert proxy.passed(f"CONNECT {front.host}")
        assert len(run(tmp_path, network).records) == 5
    assert {entry.auth for entry in connected_jira.requests if "/rest/" in entry.path} == {"oauth1"}


@pytest.mark.parametrize("context_path", ["", "/jira", "/tools/jira"])
def test_signatures_fit_any_context_path(
    corpus: Corpus,
    private_key: rsa.RSAPrivateKey,
    private_key_file: Path,
    context_path: str,
    tmp_path: Path,
) -> None:
    """None, one, or a deep one; on a port of its own."""
    with Sandbox(corpus=corpus, context_path=context_path) as jira:
        jira.register_consumer(CONSUMER, public_pem(private_key))
        token = jira.grant(CONSUMER)
        config = {
            "api_url": f"{jira.url}/",
            "consumer_key": CONSUMER,
            "private_key_file": str(private_key_file),
            "access_token": token.token,
        }
        assert len(run(tmp_path, config).records) == 5


def test_retries_are_signed_afresh_and_no_redirect_carries_a_signature(
    connected_jira: Sandbox, configure: Configure, tmp_path: Path
) -> None:
    """Each try has a nonce of its own; a redirect to another server is not followed."""
    connected_jira.fault("/rest/api/2/search", status=503, count=2)
    assert run(tmp_path, configure()).status == 0
    nonces = [entry.nonce for entry in connected_jira.requests]
    assert None not in nonces
    assert len(nonces) == len(set(nonces))
    searches = [entry for entry in connected_jira.requests if entry.path.endswith("/search")]
    assert [entry.status for entry in searches][:3] == [503, 503, 200]
    with Sandbox(corpus=Corpus.generate(seed=1, issues=1)) as elsewhere:
        location = f"{elsewhere.url}/rest/api/2/myself"
        connected_jira.fault("/rest/api/2/myself", status=302, headers={"Location": location})
        result = run(tmp_path, configure())
        assert result.status == 1
        assert f"redirects to {location}" in result.log
        assert elsewhere.requests == []
