"""Fixtures that more than one folder of tests uses: keys, and a Jira that the tap is signed in to."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Literal

import hypothesis
import pytest

from local_s3 import LocalS3
from measured import SWITCH, is_repetition
from sandbox import Corpus, Sandbox
from tap_jira_oauth.auth.private_key import make_private_key, private_pem, public_pem

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric import rsa

# A machine that does other things as well may take any time for an example.
hypothesis.settings.register_profile("any machine", deadline=None)
hypothesis.settings.load_profile("any machine")

CONSUMER = "lake"

LONG = frozenset({"docs", "hub", "orchestrate", "packages", "pair", "soak", "swapped"})
"""Folders whose files take longest; a file stays with one worker."""

Configure = Callable[..., dict[str, Any]]
"""Returns the tap's settings for the running Jira, with more or other ones by name."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the longest files begin first: at the end, all other workers would wait for one of them."""
    items.sort(key=lambda item: LONG.isdisjoint(item.path.parent.parts[-1:]))


@pytest.fixture(autouse=True)
def what_coverage_counts(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out processes that would run the same lines once more."""
    if is_repetition(request.node):
        monkeypatch.delenv(SWITCH, raising=False)


@pytest.fixture(scope="session")
def private_key() -> rsa.RSAPrivateKey:
    """One RSA key for the whole session; making one takes a while."""
    return make_private_key(2048)


@pytest.fixture(scope="session")
def private_key_file(
    private_key: rsa.RSAPrivateKey, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """That key as a PEM file."""
    path = tmp_path_factory.mktemp("keys") / "private.pem"
    path.write_bytes(private_pem(private_key))
    return path


@pytest.fixture
def corpus() -> Corpus:
    """The issues of `connected_jira`; a test that needs others overrides this."""
    return Corpus.generate(seed=7, issues=60, projects=3)


@pytest.fixture
def page_cap() -> int:
    """The most issues that `connected_jira` puts into an answer."""
    return 1000


@pytest.fixture
def connected_jira(
    corpus: Corpus, page_cap: int, private_key: rsa.RSAPrivateKey, request: pytest.FixtureRequest
) -> Iterator[Sandbox]:
    """A sandbox Jira with an application link for the tap; its parameter is what a proxy in front speaks."""
    scheme: Literal["http", "https"] = getattr(request, "param", "http")
    with Sandbox(corpus=corpus, page_cap=page_cap, scheme=scheme) as jira:
        jira.register_consumer(CONSUMER, public_pem(private_key), name="Lake")
        yield jira


@pytest.fixture
def configure(connected_jira: Sandbox, private_key_file: Path) -> Configure:
    """Settings of a tap that is signed in by OAuth 1.0a."""
    token = connected_jira.grant(CONSUMER)

    def settings(**more: object) -> dict[str, Any]:
        return {
            "api_url": connected_jira.url,
            "consumer_key": CONSUMER,
            "private_key_file": str(private_key_file),
            "access_token": token.token,
            "access_token_secret": token.secret,
            **more,
        }

    return settings


@pytest.fixture(scope="session")
def local_s3() -> Iterator[LocalS3]:
    """Run one S3 server for the whole session."""
    with LocalS3() as server:
        yield server


@pytest.fixture
def bucket(local_s3: LocalS3) -> str:
    """Make an empty bucket for one test.

    It stays: to delete it takes as long again as to make it.
    """
    return local_s3.bucket(f"lake-{uuid.uuid4().hex[:12]}")
