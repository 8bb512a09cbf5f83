"""A running sandbox, a key pair made on the spot, and clients that sign with it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from requests_oauthlib import OAuth1Session

from sandbox import Corpus, Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from requests import Response

CONSUMER = "lake"
RECORDED = Path(__file__).parents[2].parent / "shared" / "jira-recorded"


@dataclass(frozen=True)
class Keys:
    """An RSA key pair: the private half as a loaded key, the public half as PEM."""

    private: rsa.RSAPrivateKey
    public_pem: bytes


def make_keys() -> Keys:
    """A fresh key pair."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return Keys(key, key.public_key().public_bytes(serialization.Encoding.PEM, form))


def client(keys: Keys, **parameters: Any) -> OAuth1Session:
    """A session that signs RSA-SHA1; `parameters` are tokens, callback, verifier."""
    return OAuth1Session(CONSUMER, signature_method="RSA-SHA1", rsa_key=keys.private, **parameters)


def servlet(jira: Sandbox, name: str) -> str:
    """The URL of an OAuth servlet."""
    return f"{jira.url}/plugins/servlet/oauth/{name}"


def problem(response: Response) -> str:
    """The `oauth_problem` of an answer, which header and body must name alike."""
    named = parse_qs(response.text)["oauth_problem"][0]
    assert f'oauth_problem="{named}"' in response.headers["WWW-Authenticate"]
    assert response.headers["Content-Type"] == "application/x-www-form-urlencoded;charset=UTF-8"
    return named


@pytest.fixture(scope="session")
def keys() -> Keys:
    """One key pair for all tests."""
    return make_keys()


@pytest.fixture(scope="session")
def other_keys() -> Keys:
    """A key pair that no server knows."""
    return make_keys()


@pytest.fixture
def jira(keys: Keys) -> Iterator[Sandbox]:
    """A sandbox with 60 issues and one consumer."""
    with Sandbox(corpus=Corpus.generate(seed=7, issues=60, projects=3)) as sandbox:
        sandbox.register_consumer(CONSUMER, keys.public_pem, name="Lake <loader>")
        yield sandbox


@pytest.fixture
def signed(jira: Sandbox, keys: Keys) -> Iterator[OAuth1Session]:
    """A session that is signed in as the default user."""
    token = jira.grant(CONSUMER)
    with client(
        keys, resource_owner_key=token.token, resource_owner_secret=token.secret
    ) as session:
        yield session


@pytest.fixture(scope="session")
def recorded() -> Path:
    """The folder of recorded answers; skips where it is absent."""
    if not RECORDED.is_dir():
        pytest.skip("recorded Jira answers (../shared/jira-recorded) are not here")
    return RECORDED
