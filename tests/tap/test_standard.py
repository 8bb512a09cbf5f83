"""The SDK's standard suite for taps, against a Jira that verifies each signature."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from singer_sdk.testing import SuiteConfig, TapTestRunner, get_tap_test_class

from sandbox import Corpus, Sandbox
from tap.below import ALL, catalog
from tap_jira_oauth.auth.private_key import make_private_key, private_pem, public_pem
from tap_jira_oauth.streams import REFERENCE_STREAMS
from tap_jira_oauth.tap import TapJiraOAuth

if TYPE_CHECKING:
    from collections.abc import Iterator

# The sandbox has no attachments, and a first census has nothing to be compared with.
EMPTY = ["issue_attachments", "deleted_issues"]
LIMIT = SuiteConfig(max_records_limit=50, ignore_no_records_for_streams=EMPTY)

SELECTED = catalog(
    (
        *(*ALL, "worklogs_deleted", "issue_census", "deleted_issues"),
        *(each.name for each in REFERENCE_STREAMS),
    )
)
"""Every stream, also those that are not selected by default."""

# Collected without a Jira, as Meltano discovers before the sign-in; `runner` has one.
_Suite = get_tap_test_class(
    TapJiraOAuth,
    config={},
    suite_config=LIMIT,
    parse_env_config=False,
    validate_config=False,
    catalog=SELECTED,
)


# What only some Jiras send (the customers of a service desk, an app's words on its change).
@pytest.mark.filterwarnings("ignore:Fields in transformed catalog but not in records")
@pytest.mark.filterwarnings("ignore:No records were available")
class TestStandard(_Suite):  # type: ignore[valid-type,misc]  # the SDK makes the class at run time
    """Every test of the suite, on a sandbox of its own."""

    @pytest.fixture(scope="class")
    @classmethod
    def runner(cls) -> Iterator[TapTestRunner]:
        """Start the sandbox, sign in, and read it once for all tests."""
        key = make_private_key(2048)
        with Sandbox(corpus=Corpus.generate(seed=5, issues=60, projects=2)) as jira:
            jira.register_consumer("lake", public_pem(key))
            config = {
                "api_url": jira.url,
                "consumer_key": "lake",
                "private_key": private_pem(key).decode(),
                "access_token": jira.grant("lake").token,
            }
            runner = TapTestRunner(TapJiraOAuth, config, LIMIT, catalog=SELECTED)
            runner.sync_all()
            yield runner
