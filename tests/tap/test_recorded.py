"""The tap's own client on recorded answers of a real Jira Data Center, served byte for byte."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from sandbox import Corpus, Replay, Sandbox
from tap_jira_oauth.auth import build_auth
from tap_jira_oauth.auth.private_key import public_pem
from tap_jira_oauth.client import JiraClient
from tap_jira_oauth.settings import Settings

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import rsa

RECORDED = Path(__file__).parents[2].parent / "shared" / "jira-recorded" / "redhat-dc"

pytestmark = pytest.mark.skipif(
    not RECORDED.is_dir(), reason="recorded Jira answers (../shared/jira-recorded) are not here"
)


def recorded_pages() -> list[dict[str, Any]]:
    """Return the four exchanges of the recorded run, in order."""
    names = ("960451", "b18c0c", "b1b086", "aad611")
    return [json.loads((RECORDED / f"get_search_200_{name}.json").read_text()) for name in names]


def test_the_recorded_run_of_four_pages_is_read_again(
    private_key: rsa.RSAPrivateKey, private_key_file: Path
) -> None:
    """Signed by OAuth 1.0a; 174 issues, each once, in the recorded order."""
    pages = recorded_pages()
    with Sandbox(
        corpus=Corpus.generate(seed=1, issues=1), replay=Replay.from_folder(RECORDED)
    ) as jira:
        jira.register_consumer("lake", public_pem(private_key))
        config = {
            "api_url": jira.url,
            "consumer_key": "lake",
            "private_key_file": str(private_key_file),
            "access_token": jira.grant("lake").token,
        }
        settings = Settings.from_config(config)
        client = JiraClient(settings, build_auth(settings))
        keys: list[str] = []
        for page in pages:
            url = urlsplit(page["_recorded"]["url"])
            body, _ = client.get(f"{url.path}?{url.query}", dict[str, Any])
            assert body == page["body"]
            assert body["startAt"] == len(keys)
            keys += [issue["key"] for issue in body["issues"]]
        assert len(keys) == len(set(keys)) == body["total"] == 174
        assert {entry.auth for entry in jira.requests} == {"oauth1"}
