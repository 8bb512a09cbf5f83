"""`jira-oauth login` with a real browser: headless Chromium, click by click, to our own last page.

`SCREENSHOTS=docs ./dev test tests/tap/test_login_page.py` takes the pictures in the README anew.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from chromium import CONTRAST, chromium_browser
from conftest import CONSUMER
from tap.command import run
from tap.sign_in import logging_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox import Sandbox

pytestmark = pytest.mark.workspace

MILLISECONDS = 20_000


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """One browser for this file."""
    with chromium_browser() as browser:
        yield browser


@pytest.fixture
def page(chromium: Any) -> Iterator[Any]:
    """A tab."""
    context = chromium.new_context(color_scheme="light", viewport={"width": 640, "height": 320})
    tab = context.new_page()
    tab.set_default_timeout(MILLISECONDS)
    yield tab
    context.close()


def picture(page: Any, name: str) -> None:
    """Take a picture for the README, where somebody asked for it."""
    folder = os.environ.get("SCREENSHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png")


def check_readable(page: Any) -> None:
    """Language, one main region, contrast of 4.5 to 1 in both schemes, no scrolling sideways."""
    assert page.evaluate("document.documentElement.lang") == "en"
    assert page.get_by_role("main").count() == 1
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        assert min(page.evaluate(CONTRAST)) >= 4.5
    page.set_viewport_size({"width": 320, "height": 320})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def options(jira: Sandbox, key: Path) -> list[str]:
    """The options of a login at the sandbox."""
    return ["--api-url", jira.url, "--consumer-key", CONSUMER, "--private-key-file", str(key)]


def test_allow_leads_to_our_success_page_and_the_tap_reads(
    connected_jira: Sandbox, private_key_file: Path, page: Any, tmp_path: Path
) -> None:
    """The page that the command opened, one click, our page, and a file with which every issue comes."""
    with logging_in(tmp_path, *options(connected_jira, private_key_file)) as login:
        page.goto(login.page)
        page.get_by_role("button", name="Allow").click()
        page.get_by_role("heading", name="Signed in", exact=True).wait_for()
        picture(page, "signed-in")
        assert page.url.startswith("http://127.0.0.1:")
        check_readable(page)
        status, said, log = login.end()
    assert status == 0, log
    stored = json.loads((tmp_path / "jira_credentials.json").read_text())
    assert f"Signed in until {stored['access_token_expires']}" in said
    assert stored["access_token"] not in said + log
    config = {
        "api_url": connected_jira.url,
        "credentials_store": "file",
        "credentials_file": str(tmp_path / "jira_credentials.json"),
    }
    assert len(run(tmp_path, config).records) == 60


def test_deny_leads_to_our_failure_page(
    connected_jira: Sandbox, private_key_file: Path, page: Any, tmp_path: Path
) -> None:
    """It says what happened and what to do, as the terminal does; nothing is stored or asked again."""
    with logging_in(tmp_path, *options(connected_jira, private_key_file)) as login:
        page.goto(login.page)
        page.get_by_role("button", name="Deny").click()
        page.get_by_role("heading", name="Not signed in").wait_for()
        picture(page, "not-signed-in")
        assert "denied" in page.get_by_role("main").inner_text()
        check_readable(page)
        status, _, log = login.end()
    assert status == 1
    assert "The access was denied on Jira's page." in log.splitlines()[-1]
    assert not (tmp_path / "jira_credentials.json").exists()
    assert "/plugins/servlet/oauth/access-token" not in [e.path for e in connected_jira.requests]
