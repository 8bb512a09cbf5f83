"""The authorize pages in a real browser: headless Chromium, driven by Playwright, with mouse and keyboard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from chromium import CONTRAST, chromium_browser
from sandbox import User
from sandbox.conftest import CONSUMER, client, servlet
from sandbox.oauth2 import Client

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox import Sandbox
    from sandbox.conftest import Keys

TIMEOUT = 10
CALLBACK = "http://127.0.0.1:9/back"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A browser without a window; skips where Chromium or Playwright is missing."""
    with chromium_browser() as browser:
        yield browser


@pytest.fixture(params=["light", "dark"])
def page(request: pytest.FixtureRequest, chromium: Any) -> Iterator[Any]:
    """A tab, in both color schemes."""
    context = chromium.new_context(
        color_scheme=request.param, viewport={"width": 800, "height": 640}
    )
    tab = context.new_page()
    tab.set_default_timeout(TIMEOUT * 1000)
    yield tab
    context.close()


@pytest.fixture
def asked(jira: Sandbox, keys: Keys) -> str:
    """A request token after step 1 with `oob`."""
    with client(keys, callback_uri="oob") as session:
        return str(session.fetch_request_token(servlet(jira, "request-token"))["oauth_token"])


def question(jira: Sandbox, token: str) -> str:
    """The page on which a person decides."""
    return servlet(jira, "authorize") + "?oauth_token=" + token


def test_a_person_allows_and_types_the_code_into_the_application(
    jira: Sandbox, keys: Keys, page: Any, asked: str
) -> None:
    """Item 3: the page says who asks for what and as whom; Allow shows the code, and the code ends the dance."""
    page.goto(question(jira, asked))
    assert page.get_by_role("heading", level=1).inner_text() == "Allow Lake <loader> to use Jira?"
    assert page.locator("#user").inner_text() == "Sandbox User"
    assert page.get_by_role("listitem").count() == 2
    page.get_by_role("button", name="Allow").click()
    code = page.locator("#verifier").inner_text()
    with client(keys, resource_owner_key=asked, verifier=code) as session:
        token = session.fetch_access_token(servlet(jira, "access-token"))["oauth_token"]
    with client(keys, resource_owner_key=token) as session:
        me = session.get(jira.url + "/rest/api/2/myself", timeout=TIMEOUT).json()
    assert me["name"] == "sandbox"


def test_the_keyboard_alone_denies(jira: Sandbox, page: Any, asked: str) -> None:
    """Tab reaches Allow first and Deny next, the focus shows, and Enter presses."""
    page.goto(question(jira, asked))
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "approve"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "deny"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineWidth") == "3px"
    page.keyboard.press("Enter")
    page.wait_for_url("**/authorize*")
    assert page.get_by_role("heading", level=1).inner_text() == "Access denied"


def test_the_page_is_readable_in_both_color_schemes(jira: Sandbox, page: Any, asked: str) -> None:
    """Language, one main region, every text at 4.5 to 1 or better, and no need to scroll sideways on a phone."""
    jira.sign_in.directory.put(User("ada", "Ada"))
    page.goto(question(jira, asked))
    assert page.evaluate("document.documentElement.lang") == "en"
    assert page.get_by_role("main").count() == 1
    ratios = page.evaluate(CONTRAST)
    assert len(ratios) >= 8
    assert min(ratios) >= 4.5
    page.set_viewport_size({"width": 320, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_a_person_chooses_as_whom_and_the_client_is_called_back(jira: Sandbox, page: Any) -> None:
    """OAuth 2.0 has the same page: its scopes in words, a labelled list of users, and the code in the callback."""
    jira.sign_in.directory.put(User("ada", "Ada"))
    jira.sign_in.register_client(Client("c", "s", "Lake 2", (CALLBACK,)), "data_center")
    asked = {"client_id": "c", "redirect_uri": CALLBACK, "response_type": "code", "scope": "READ"}
    page.goto(f"{jira.url}/rest/oauth2/latest/authorize?{urlencode(asked)}")
    assert page.get_by_role("listitem").all_inner_texts() == ["see projects and issues"]
    page.get_by_label("You are signed in as").select_option("ada")
    with page.expect_request(lambda request: request.url.startswith(CALLBACK)) as sent:
        page.get_by_role("button", name="Allow").click()
    code = parse_qs(urlsplit(sent.value.url).query)["code"][0]
    found = jira.sign_in.data_center.vault.take_code(code)
    assert found is not None
    assert found.user == "ada"


def test_a_person_takes_access_back(jira: Sandbox, page: Any, keys: Keys) -> None:
    """Item 7: the page of authorised applications names the button for a screen reader, and the token ends."""
    token = jira.grant(CONSUMER).token
    page.goto(servlet(jira, "users/access-tokens"))
    page.get_by_role("button", name="Revoke access of Lake <loader>").click()
    page.get_by_text("No application may act as Sandbox User").wait_for()
    with client(keys, resource_owner_key=token) as session:
        assert session.get(jira.url + "/rest/api/2/myself", timeout=TIMEOUT).status_code == 401
