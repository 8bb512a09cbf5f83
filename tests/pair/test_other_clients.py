"""Somebody else's Jira client signs in to the sandbox and reads: the server is no mirror of our own client."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
from requests_oauthlib import OAuth1Session

from conftest import CONSUMER
from tap.command import run

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import rsa

    from pair.conftest import Peer
    from sandbox import Sandbox

TIMEOUT = 10

PROGRAM = """
import json, sys
from jira import JIRA
asked = json.load(sys.stdin)
client = JIRA(asked["url"], max_retries=0, **asked["how"])
issues = client.search_issues("project = ALPHA ORDER BY updated ASC, key ASC", maxResults=False)
print(json.dumps({"user": client.myself()["name"], "keys": [issue.key for issue in issues],
                  "summary": client.issue(issues[0].key).fields.summary}))
"""
"""What a person who uses PyPI's `jira` would write; it runs in that package's own environment."""


def read_by_jira(peer: Peer, jira: Sandbox, **how: Any) -> Any:
    """What the program prints."""
    python = peer("jira").with_name("python")
    done = subprocess.run(
        [str(python), "-c", PROGRAM],
        input=json.dumps({"url": jira.url, "how": how}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def dance(jira: Sandbox, key: rsa.RSAPrivateKey) -> dict[str, str]:
    """The three steps by requests-oauthlib, the page answered as a browser answers it."""
    servlets = jira.url + "/plugins/servlet/oauth/"
    with OAuth1Session(
        CONSUMER, signature_method="RSA-SHA1", rsa_key=key, callback_uri="oob"
    ) as session:
        asked = session.fetch_request_token(servlets + "request-token")
        page = session.authorization_url(servlets + "authorize")
        shown = requests.post(page, {"decision": "allow"}, timeout=TIMEOUT).text
        code = shown.split('id="verifier">')[1].split("<")[0]
    with OAuth1Session(
        CONSUMER,
        signature_method="RSA-SHA1",
        rsa_key=key,
        resource_owner_key=asked["oauth_token"],
        resource_owner_secret=asked["oauth_token_secret"],
        verifier=code,
    ) as session:
        return dict(session.fetch_access_token(servlets + "access-token"))


@pytest.mark.workspace
def test_the_jira_package_reads_with_the_token_of_our_login(
    connected_jira: Sandbox, private_key_file: Path, peer: Peer, tmp_path: Path
) -> None:
    """And our tap reads with the token of its dance, below: a token belongs to no program."""
    login = [str(Path(sys.executable).with_name("jira-oauth")), "login", "--no-browser"]
    login += ["--api-url", connected_jira.url, "--consumer-key", CONSUMER]
    with subprocess.Popen(
        [*login, "--private-key-file", str(private_key_file)],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        page = next(line.strip() for line in process.stderr if "/authorize?" in line)
        process.communicate(connected_jira.approve(page.partition("oauth_token=")[2]) + "\n")
    assert process.returncode == 0
    stored = json.loads((tmp_path / "jira_credentials.json").read_text())
    oauth = {
        "access_token": stored["access_token"],
        "access_token_secret": stored["access_token_secret"],
        "consumer_key": CONSUMER,
        "key_cert": private_key_file.read_text("utf-8"),
        "signature_method": "RSA-SHA1",
    }
    assert read_by_jira(peer, connected_jira, oauth=oauth)["user"] == "sandbox"


JIRASHELL = """
import builtins, json, sys, types
sys.modules["keyring"] = types.ModuleType("keyring")
import requests
from jira import jirashell
asked = json.load(sys.stdin)
jirashell.SIGNATURE_HMAC_SHA1 = "RSA-SHA1"
jirashell.webbrowser.open_new = lambda page: requests.post(page, {"decision": "allow"}, timeout=10)
builtins.input = lambda *_: "y"
print(json.dumps(jirashell.oauth_dance(asked["url"], asked["key"], asked["pem"])))
"""
"""The dance of PyPI's `jira`, by its own code; the person allows.

Two things are mended: it asks for HMAC-SHA1, which Jira refuses, and imports a keyring that it
does not need here.
"""


@pytest.mark.workspace
def test_our_tap_reads_with_the_token_of_the_jira_package(
    connected_jira: Sandbox, private_key_file: Path, peer: Peer, tmp_path: Path
) -> None:
    """Its dance sends neither callback nor verifier; the token that comes out is as good as ours."""
    done = subprocess.run(
        [str(peer("jira").with_name("python")), "-c", JIRASHELL],
        input=json.dumps(
            {
                "url": connected_jira.url,
                "key": CONSUMER,
                "pem": private_key_file.read_text("utf-8"),
            }
        ),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    token = json.loads(done.stdout.splitlines()[-1])
    config = {
        "api_url": connected_jira.url,
        "consumer_key": CONSUMER,
        "private_key_file": str(private_key_file),
        "access_token": token["access_token"],
        "access_token_secret": token["access_token_secret"],
    }
    assert len(run(tmp_path, config).records) == 60


@pytest.mark.workspace
def test_the_jira_package_signs_in_by_oauth1_and_reads(
    connected_jira: Sandbox,
    private_key: rsa.RSAPrivateKey,
    private_key_file: Path,
    peer: Peer,
) -> None:
    """Item 1: PyPI's `jira` reads every issue of a project in our order with the token of the dance, and with a PAT."""
    token = dance(connected_jira, private_key)
    oauth = {
        "access_token": token["oauth_token"],
        "access_token_secret": token["oauth_token_secret"],
        "consumer_key": CONSUMER,
        "key_cert": private_key_file.read_text("utf-8"),
        "signature_method": "RSA-SHA1",
    }
    found = read_by_jira(peer, connected_jira, oauth=oauth)
    assert {entry.auth for entry in connected_jira.requests[-3:]} == {"oauth1"}
    truth = [issue for issue in connected_jira.issues if issue["project"] == "ALPHA"]
    assert found["user"] == "sandbox"
    assert sorted(found["keys"]) == sorted(issue["key"] for issue in truth)
    by_key = {issue["key"]: issue["updated_ms"] for issue in truth}
    assert found["keys"] == sorted(
        by_key, key=lambda key: (by_key[key], int(key.rpartition("-")[2]))
    )
    assert read_by_jira(peer, connected_jira, token_auth="sandbox-token") == found
    del oauth["signature_method"]  # its own default comes first, HMAC-SHA1, and is refused
    before = len(connected_jira.requests)
    assert read_by_jira(peer, connected_jira, oauth=oauth) == found
    assert connected_jira.requests[before].status == 400
