"""The SDK's standard suite for taps, against a Jira that verifies each signature."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.testing import SuiteConfig, TapTestRunner, get_tap_test_class
from typing_extensions import override

from sandbox import Corpus, Sandbox
from tap.below import catalog
from tap_jira_oauth.auth.private_key import make_private_key, private_pem, public_pem
from tap_jira_oauth.streams import (
    CENSUS_STREAMS,
    CHILD_STREAMS,
    INCREMENTAL_STREAMS,
    REFERENCE_STREAMS,
)
from tap_jira_oauth.tap import TapJiraOAuth

if TYPE_CHECKING:
    from collections.abc import Iterator

SIGNED_IN = {"auth_method": "basic", "username": "sandbox", "password": "sandbox"}


OF_ANY_TYPE = {"issue_properties.value", "project_properties.value"}
"""What may be of several types; the suite wants each value to be of all of them."""


def served(flavor: str) -> tuple[str, ...]:
    """The streams that this flavour of Jira has, selected by default or not."""
    lists = (stream.name for stream in REFERENCE_STREAMS if flavor in stream.flavors)
    others = (stream.name for stream in (*CHILD_STREAMS, *INCREMENTAL_STREAMS, *CENSUS_STREAMS))
    return ("issues", *others, *lists)


def limit(flavor: str) -> SuiteConfig:
    """Some records of each stream that this flavour has.

    The sandbox has no attachments, and a first census has nothing to be compared with.
    """
    unserved = {stream.name for stream in REFERENCE_STREAMS} - {*served(flavor)}
    without = ["issue_attachments", "deleted_issues", *sorted(unserved)]
    return SuiteConfig(max_records_limit=50, ignore_no_records_for_streams=without)


def suite(flavor: str) -> type:
    """The tests, collected without a Jira, as Meltano discovers before the sign-in; `runner` has one."""
    made = get_tap_test_class(
        TapJiraOAuth,
        config={},
        suite_config=limit(flavor),
        parse_env_config=False,
        validate_config=False,
        catalog=catalog(served(flavor)),
    )
    for cases in made.params.values():
        cases[:] = [case for case in cases if case.id not in OF_ANY_TYPE]
    return made


class Runner(TapTestRunner):
    """The suite's own, but for streams that this flavour of Jira does not have."""

    flavor = "data_center"

    @override
    def run_sync_dry_run(self) -> bool:
        """Read some records of each stream there is, also of those that are not selected."""
        tap = self.new_tap()
        streams = [tap.streams[name] for name in served(self.flavor)]
        return tap.run_sync_dry_run(self.suite_config.max_records_limit, streams)


class CloudRunner(Runner):
    """The same on Cloud."""

    flavor = "cloud"


def read(kind: type[Runner], config: dict[str, Any]) -> TapTestRunner:
    """Read a Jira once for all tests."""
    chosen = catalog(served(kind.flavor))
    runner = kind(TapJiraOAuth, config, limit(kind.flavor), catalog=chosen)
    runner.sync_all()
    return runner


_OnDataCenter = suite("data_center")
_OnCloud = suite("cloud")


# What only some Jiras send (the customers of a service desk, an app's words on its change), and
# what the other flavour has.
@pytest.mark.filterwarnings("ignore:Fields in transformed catalog but not in records")
@pytest.mark.filterwarnings("ignore:No records were available")
class TestDataCenter(_OnDataCenter):  # type: ignore[valid-type,misc]  # the SDK makes the class at run time
    """Every test of the suite, signed in by OAuth 1.0a, on a sandbox of its own."""

    @pytest.fixture(scope="class")
    @classmethod
    def runner(cls) -> Iterator[TapTestRunner]:
        """Start the sandbox and sign in."""
        key = make_private_key(2048)
        with Sandbox(corpus=Corpus.generate(seed=5, issues=60, projects=2)) as jira:
            jira.register_consumer("lake", public_pem(key))
            config = {
                "api_url": jira.url,
                "consumer_key": "lake",
                "private_key": private_pem(key).decode(),
                "access_token": jira.grant("lake").token,
            }
            yield read(Runner, config)


@pytest.mark.filterwarnings("ignore:Fields in transformed catalog but not in records")
@pytest.mark.filterwarnings("ignore:No records were available")
class TestCloud(_OnCloud):  # type: ignore[valid-type,misc]  # the SDK makes the class at run time
    """The same on Cloud."""

    @pytest.fixture(scope="class")
    @classmethod
    def runner(cls) -> Iterator[TapTestRunner]:
        """Start the sandbox and sign in."""
        corpus = Corpus.generate(seed=5, issues=60, projects=2)
        with Sandbox(corpus=corpus, flavor="cloud") as jira:
            yield read(CloudRunner, {"api_url": jira.url, **SIGNED_IN})
