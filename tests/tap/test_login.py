"""`jira-oauth login` by code: what is stored, where, and what a run makes of it."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import requests
from requests_oauthlib import OAuth1

from tap.command import environment, run
from tap.sign_in import SECONDS, login_by_code
from tap.sign_in import run as run_command
from tap_jira_oauth.auth.oauth1 import RSASignature
from tap_jira_oauth.credentials.file import replace_file

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric import rsa

    from sandbox import Sandbox


@pytest.fixture
def folder(tmp_path: Path, connected_jira: Sandbox) -> Path:
    """A folder with a new key, whose public half Jira knows."""
    printed = run_command(tmp_path, "keygen", "--bits", "2048").stdout
    connected_jira.register_consumer("tap-jira-oauth", printed[printed.index("-----BEGIN") :])
    return tmp_path


def test_after_the_login_the_tap_needs_only_its_file(connected_jira: Sandbox, folder: Path) -> None:
    """Mode 0600, with both expiry dates and the session handle; then every issue arrives."""
    status, said = login_by_code(folder, connected_jira.approve, "--api-url", connected_jira.url)
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


def test_the_settings_may_come_from_the_taps_config_and_variables(
    connected_jira: Sandbox, folder: Path
) -> None:
    """Options win over variables, these over the file; a key given as text is not written anywhere."""
    key = (folder / "jira_private_key.pem").read_text()
    (folder / "jira_private_key.pem").unlink()
    (folder / "c.json").write_text(
        json.dumps({"api_url": "http://127.0.0.1:9", "credentials_file": "from_config.json"})
    )
    variables = {
        "TAP_JIRA_OAUTH_API_URL": connected_jira.url,
        "TAP_JIRA_OAUTH_PRIVATE_KEY": key.replace("\n", "\\n"),
    }
    status, said = login_by_code(folder, connected_jira.approve, "--config", "c.json", **variables)
    assert status == 0, said
    text = (folder / "from_config.json").read_text()
    assert json.loads(text)["private_key_file"] is None
    assert "PRIVATE KEY-" not in text + said
    config = {
        "api_url": connected_jira.url,
        "credentials_store": "file",
        "credentials_file": str(folder / "from_config.json"),
    }
    assert run(folder, config).status == 1
    assert len(run(folder, config | {"private_key": key}).records) == 60


def test_a_store_that_takes_no_sign_in_is_refused_before_anybody_is_asked(
    connected_jira: Sandbox, folder: Path
) -> None:
    """Settings cannot be written by a command; a file that is named on the command line can."""
    store = {"TAP_JIRA_OAUTH_CREDENTIALS_STORE": "config"}
    url = ("--api-url", connected_jira.url)
    status, said = login_by_code(folder, str, *url, **store)
    assert status == 1
    assert "cannot write into credentials_store 'config'" in said
    assert connected_jira.requests == []
    status, said = login_by_code(
        folder, connected_jira.approve, *url, "--credentials-file", "x.json", **store
    )
    assert status == 0, said
    assert (folder / "x.json").exists()


def test_what_jira_repeats_of_a_request_is_not_shown(connected_jira: Sandbox, folder: Path) -> None:
    """A refusal comes in Jira's own words, without what was sent to it."""
    connected_jira.fault(
        "/plugins/servlet/oauth/request-token",
        status=403,
        headers={"Content-Type": "application/json"},
        body={"message": "We do not like oauth_signature=AbCdEf%2F0123 at all"},
    )
    status, said = login_by_code(folder, str, "--api-url", connected_jira.url)
    assert status == 1
    assert "We do not like oauth_signature=*** at all" in said


def test_an_older_sign_in_stays_when_a_new_one_fails(connected_jira: Sandbox, folder: Path) -> None:
    """The file is replaced when the new token is there, and not before; no leftovers."""
    url = ("--api-url", connected_jira.url)
    assert login_by_code(folder, connected_jira.approve, *url)[0] == 0
    before = (folder / "jira_credentials.json").read_bytes()
    assert login_by_code(folder, lambda _: "denied", *url)[0] == 1
    assert (folder / "jira_credentials.json").read_bytes() == before
    assert sorted(path.name for path in folder.iterdir()) == [
        "jira_credentials.json",
        "jira_private_key.pem",
    ]


def test_a_write_that_is_interrupted_leaves_the_older_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C while the new one is on its way to the disk."""

    def interrupted(_: int) -> None:
        raise KeyboardInterrupt

    path = tmp_path / "tokens.json"
    replace_file(path, b"old")
    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        replace_file(path, b"new")
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [(path.name, b"old")]


WARNS = """
import logging, sys
from tap_jira_oauth.cli import main
from tap_jira_oauth.redaction import REDACTION
sys.argv = ["jira-oauth", "keygen", "--help"]
REDACTION.learn("SECRET-VALUE")
main()
logging.getLogger("a.library").warning("it met %s", "SECRET-VALUE")
"""


def test_what_libraries_warn_of_is_shown_without_secrets(tmp_path: Path) -> None:
    """The command's own log handler hides them, too."""
    done = subprocess.run(
        [sys.executable, "-c", WARNS],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=True,
    )
    assert done.stderr == "jira-oauth: it met ***\n"


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
