"""Somebody else's Jira client signs in to the sandbox and reads: the server is no mirror of our own client."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import requests
from requests_oauthlib import OAuth1Session

from conftest import CONSUMER

if TYPE_CHECKING:
    from pathlib import Path

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
