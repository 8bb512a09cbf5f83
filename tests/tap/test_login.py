"""`jira-oauth`: the key pair, the three-legged sign-in, and what a run makes of them."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from requests_oauthlib import OAuth1

from tap.command import run
from tap_jira_oauth.auth.oauth1 import RSASignature

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Sandbox

COMMAND = str(Path(sys.executable).with_name("jira-oauth"))


def keygen(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Make a key pair in a folder."""
    return subprocess.run(
        [COMMAND, "keygen", "--bits", "2048", *options],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def login(
    folder: Path, api_url: str, answer: Callable[[str], str], consumer: str = "tap-jira-oauth"
) -> tuple[int, str]:
    """Sign in; `answer` plays the person: it gets the request token and returns the code."""
    command = [COMMAND, "login", "--no-browser", "--api-url", api_url]
    command += ["--consumer-key", consumer]
    with subprocess.Popen(
        command,
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        said = ""
        for line in process.stdout:
            said += line
            if "/authorize?" in line:
                token = parse_qs(urlsplit(line.strip()).query)["oauth_token"][0]
                output, _ = process.communicate(answer(token) + "\n", timeout=60)
                said += output
                break
        return process.wait(timeout=60), said


def test_a_key_pair_is_made_for_the_owner_only_and_never_overwritten(tmp_path: Path) -> None:
    """Mode 0600; a second time it is refused, because Jira knows the first one."""
    made = keygen(tmp_path)
    path = tmp_path / "jira_private_key.pem"
    assert made.returncode == 0, made.stderr
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "BEGIN PUBLIC KEY" in made.stdout
    assert "PRIVATE" not in made.stdout
    before = path.read_bytes()
    again = keygen(tmp_path)
    assert again.returncode == 1
    assert "--force" in again.stderr
    assert path.read_bytes() == before
    assert keygen(tmp_path, "--force").returncode == 0
    assert path.read_bytes() != before


def test_the_printed_public_key_belongs_to_the_private_one(tmp_path: Path) -> None:
    """What is pasted into Jira verifies what the tap signs."""
    printed = keygen(tmp_path).stdout
    public = serialization.load_pem_public_key(printed[printed.index("-----BEGIN") :].encode())
    private = serialization.load_pem_private_key(
        (tmp_path / "jira_private_key.pem").read_bytes(), None
    )
    assert isinstance(public, rsa.RSAPublicKey)
    assert isinstance(private, rsa.RSAPrivateKey)
    assert public.public_numbers() == private.public_key().public_numbers()


@pytest.fixture
def folder(tmp_path: Path, connected_jira: Sandbox) -> Path:
    """A folder with a new key, whose public half Jira knows."""
    printed = keygen(tmp_path).stdout
    connected_jira.register_consumer("tap-jira-oauth", printed[printed.index("-----BEGIN") :])
    return tmp_path


def test_after_the_login_the_tap_needs_only_its_file(connected_jira: Sandbox, folder: Path) -> None:
    """Mode 0600, with both expiry dates and the session handle; then every issue arrives."""
    status, said = login(folder, connected_jira.url, connected_jira.approve)
    assert status == 0, said
    path = folder / "jira_credentials.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    stored = json.loads(path.read_text())
    assert stored["access_token"] not in said
    assert stored["access_token_expires"] < stored["session_expires"]
    assert stored["session_handle"]
    config = {
        "api_url": connected_jira.url,
        "credentials_store": "file",
        "credentials_file": str(path),
    }
    assert len(run(folder, config).records) == 60


@pytest.mark.parametrize(("code", "said"), [("denied", "was denied"), ("wrong", "token_rejected")])
def test_a_denial_and_a_wrong_code_each_get_a_sentence(
    connected_jira: Sandbox, folder: Path, code: str, said: str
) -> None:
    """Status 1, and nothing is stored."""

    def answer(token: str) -> str:
        connected_jira.approve(token)
        return code

    status, output = login(folder, connected_jira.url, answer)
    assert status == 1
    assert said in output.splitlines()[-1]
    assert not (folder / "jira_credentials.json").exists()


def test_an_unknown_consumer_and_a_foreign_key_each_get_a_sentence(
    connected_jira: Sandbox, folder: Path
) -> None:
    """Before anybody opens a page."""
    status, output = login(folder, connected_jira.url, str, consumer="nobody")
    assert status == 1
    assert "no application link with this consumer key" in output
    keygen(folder, "--force")
    status, output = login(folder, connected_jira.url, str)
    assert status == 1
    assert "signature_invalid" in output
    assert "oauth_signature" not in output


def test_a_wrong_address_is_named(folder: Path) -> None:
    """Nobody listens there."""
    status, output = login(folder, "http://127.0.0.1:9", str)
    assert status == 1
    assert "does not answer" in output
    assert "Traceback" not in output


def test_the_key_is_loaded_once_and_each_request_is_signed_anew(
    private_key: rsa.RSAPrivateKey,
) -> None:
    """The signer holds the key object, and two signatures of one request differ."""
    signer = RSASignature("lake", private_key, "token", "secret")
    assert isinstance(signer, OAuth1)
    assert signer.client.rsa_key is private_key
    request = requests.Request("GET", "https://jira.example.com/rest/api/2/myself", auth=signer)
    signed = {request.prepare().headers["Authorization"] for _ in range(2)}
    assert len(signed) == 2
