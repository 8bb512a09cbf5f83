"""Every flow at DEBUG with secrets that are known: none of them is in what is printed or written."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import serialization

from conftest import CONSUMER
from sandbox import Corpus, Sandbox, User
from sandbox.oauth2 import Client
from sandbox.oauth2_cloud import CLOUD_ID
from tap_jira_oauth.auth.private_key import public_pem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cryptography.hazmat.primitives.asymmetric import rsa

    from tap.local_aws import LocalAws

PASSWORD = "password-of-a-test"
PERSONAL = "personal-token-of-a-test"
PASSPHRASE = "passphrase-of-a-test"
CLIENT_SECRET = "client-secret-of-a-test"
PROXY_PASSWORD = "proxy-password-of-a-test"
EMAIL = "mia.lake@mail.example.com"
COMMANDS = Path(sys.executable).parent


@dataclass
class Flows:
    """Runs commands at DEBUG and keeps all that they print."""

    folder: Path
    printed: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)

    def tap(self, name: str, config: dict[str, Any], *options: str, status: int = 0) -> None:
        """Run the tap; the configuration file is outside of the folder that is searched."""
        file = self.folder.parent / f"{name}.json"
        file.write_text(json.dumps(config))
        self.run(name, ["tap-jira-oauth", "--config", str(file), *options], status)

    def run(self, name: str, command: list[str], status: int = 0, entered: str = "") -> None:
        """Run any command to its end with something entered, and expect this status."""
        done = subprocess.run(
            [str(COMMANDS / command[0]), *command[1:]],
            cwd=self.folder,
            env=os.environ | {"LOGLEVEL": "DEBUG", "TAP_JIRA_OAUTH_LOGLEVEL": "DEBUG"},
            input=entered,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        self.printed[f"{name}, stdout"] = done.stdout
        self.printed[f"{name}, stderr"] = done.stderr
        assert done.returncode == status, done.stderr

    def found(self) -> list[str]:
        """Name every secret that is in something printed or in a file of the folder, and where."""
        texts = dict(self.printed)
        for path in self.folder.rglob("*"):
            if path.is_file():
                texts[str(path.relative_to(self.folder))] = path.read_text("utf-8", "replace")
        return [
            f"{what} in {where}"
            for where, text in texts.items()
            for what, secret in self.secrets.items()
            if secret in text
        ]


@pytest.fixture
def corpus() -> Corpus:
    """A few issues are enough."""
    return Corpus.generate(seed=7, issues=5, projects=1)


@pytest.fixture
def jira(corpus: Corpus, private_key: rsa.RSAPrivateKey) -> Iterator[Sandbox]:
    """A Jira with every kind of sign-in."""
    users = (User(EMAIL, "Mia", password=PASSWORD, personal_token=PERSONAL),)
    with Sandbox(corpus=corpus, users=users) as server:
        server.register_consumer(CONSUMER, public_pem(private_key))
        client = Client("app", CLIENT_SECRET, "Lake", ("http://127.0.0.1:9/back",))
        server.sign_in.register_client(client, "data_center")
        yield server


@pytest.fixture
def pem(private_key: rsa.RSAPrivateKey) -> str:
    """The private key, encrypted."""
    return private_key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(PASSPHRASE.encode()),
    ).decode()


@pytest.fixture
def flows(tmp_path: Path, pem: str) -> Flows:
    """With the secrets that are known from the start, and what no one should ever see."""
    (tmp_path / "work").mkdir()
    basic = base64.b64encode(f"{EMAIL}:{PASSWORD}".encode()).decode()
    known = {
        "password": PASSWORD,
        "personal token": PERSONAL,
        "passphrase": PASSPHRASE,
        "client secret": CLIENT_SECRET,
        "proxy's password": PROXY_PASSWORD,
        "e-mail": EMAIL,
        "Basic header": basic,
        "private key": pem.splitlines()[3],
        "signature": "oauth_signature=",
        "base string": "%26oauth_consumer_key%3D",
    }
    return Flows(tmp_path / "work", secrets=known)


def test_no_flow_prints_or_writes_a_secret(
    jira: Sandbox, pem: str, flows: Flows, aws: LocalAws
) -> None:
    """OAuth 1.0a from settings and from SSM, OAuth 2.0, personal token, password; good and bad ones."""
    token = jira.grant(CONSUMER)
    tokens = jira.sign_in.grant("app", "data_center")
    flows.secrets |= {
        "access token": token.token,
        "access token's secret": token.secret,
        "refresh token": tokens["refresh_token"],
        "AWS secret key": aws.environment["AWS_SECRET_ACCESS_KEY"],
    }
    signed = {
        "api_url": jira.url,
        "consumer_key": CONSUMER,
        "private_key": pem,
        "private_key_passphrase": PASSPHRASE,
        "access_token": token.token,
        "access_token_secret": token.secret,
    }
    article = {
        "consumer_key": CONSUMER,
        "access_token": f"oauth_token={token.token}&oauth_token_secret={token.secret}",
    }
    for name, value in (("private_key", pem), ("secrets", json.dumps(article))):
        aws.ssm.put_parameter(Name=f"jira_access_{name}", Value=value, Type="SecureString")
    store = flows.folder.parent / "tokens.json"
    refreshed = {
        "api_url": jira.url,
        "auth_method": "oauth2",
        "client_id": "app",
        "client_secret": CLIENT_SECRET,
        "refresh_token": tokens["refresh_token"],
        "redirect_uri": "http://127.0.0.1:9/back",
        "credentials_store": "file",
        "credentials_file": str(store),
    }
    in_ssm = {"api_url": jira.url, "credentials_store": "ssm", "private_key_passphrase": PASSPHRASE}
    basic = {
        "api_url": jira.url,
        "auth_method": "basic",
        "username": EMAIL,
        "password": PASSWORD,
    }
    personal = {
        "api_url": jira.url,
        "auth_method": "personal_token",
        "personal_token": PERSONAL,
    }
    flows.tap("oauth1", signed)
    flows.tap("ssm", in_ssm)
    flows.tap("oauth2", refreshed)
    kept = json.loads(store.read_text())
    flows.secrets |= {"new refresh token": kept["refresh_token"], "bearer": kept["access_token"]}
    flows.tap("basic", basic)
    flows.tap("about", signed, "--about", "--format", "json")
    away = f"http://lake:{PROXY_PASSWORD}@127.0.0.1:9"
    flows.tap("proxy", {**personal, "proxy_url": away}, status=1)
    flows.tap("wrong password", {**basic, "password": f"{PASSWORD}x"}, status=1)
    jira.revoke(token.token)
    flows.tap("revoked", signed, status=1)
    jira.revoke(kept["access_token"])
    jira.revoke(kept["refresh_token"])
    flows.tap("consent is over", refreshed, status=1)
    assert flows.found() == []


def test_neither_clouds_oauth2_nor_jira_oauth_prints_a_secret(
    jira: Sandbox, pem: str, flows: Flows
) -> None:
    """The gateway with a rotating token; `check`, and a `login` with a wrong code."""
    scope = "read:jira-work read:jira-user offline_access"
    client = Client("app", CLIENT_SECRET, "Lake", ("http://127.0.0.1:9/back",))
    jira.sign_in.register_client(client, "cloud")
    tokens = jira.sign_in.grant("app", "cloud", scope=scope)
    store = flows.folder.parent / "cloud-tokens.json"
    cloud = {
        "api_url": f"{jira.gateway_url}/ex/jira/{CLOUD_ID}",
        "token_url": f"{jira.auth_url}/oauth/token",
        "auth_method": "oauth2",
        "client_id": "app",
        "client_secret": CLIENT_SECRET,
        "refresh_token": tokens["refresh_token"],
        "credentials_store": "file",
        "credentials_file": str(store),
    }
    token = jira.grant(CONSUMER)
    flows.secrets |= {
        "refresh token": tokens["refresh_token"],
        "access token": token.token,
        "access token's secret": token.secret,
    }
    flows.tap("cloud", cloud)
    kept = json.loads(store.read_text())
    flows.secrets |= {"new refresh token": kept["refresh_token"], "bearer": kept["access_token"]}
    signed = {
        "api_url": jira.url,
        "consumer_key": CONSUMER,
        "private_key": pem,
        "private_key_passphrase": PASSPHRASE,
        "access_token": token.token,
        "access_token_secret": token.secret,
    }
    file = flows.folder.parent / "signed.json"
    file.write_text(json.dumps(signed))
    flows.run("check", ["jira-oauth", "check", "--config", str(file)])
    login = ["jira-oauth", "login", "--no-browser", "--config", str(file)]
    flows.run("login", login, status=1, entered="wrong-code\n")
    assert "Nobody has allowed the access" in flows.printed["login, stderr"]
    # `check` is asked as whom the tap signs in, and here that is an address.
    assert flows.found() == ["e-mail in check, stdout"]


def test_a_server_that_repeats_what_it_was_sent_is_not_repeated(
    jira: Sandbox, flows: Flows
) -> None:
    """Its error text is shown, without the secrets in it."""
    echo = f"Refused: Authorization: Bearer {PERSONAL} from {EMAIL}"
    jira.fault("/rest/api/2/myself", status=410, body={"errorMessages": [echo]})
    config = {"api_url": jira.url, "auth_method": "personal_token", "personal_token": PERSONAL}
    flows.tap("echo", config, status=1)
    assert "Refused" in flows.printed["echo, stderr"]
    assert flows.found() == []
