"""`jira-oauth login`: a person allows the access once, and the tap can run unattended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from tap_jira_oauth.auth.callback import Callback
from tap_jira_oauth.auth.dance import Dance
from tap_jira_oauth.auth.private_key import load_private_key
from tap_jira_oauth.credentials import check_store, load_consumer, store_sign_in
from tap_jira_oauth.credentials.sign_in import SignIn
from tap_jira_oauth.errors import AuthenticationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_jira_oauth.auth.dance import AccessToken
    from tap_jira_oauth.settings import Settings

WAIT_SECONDS = 600
"""As long as Jira's request token lives."""


@dataclass(frozen=True)
class Person:
    """The other side of the sign-in: what is said to it, and how it answers.

    `open_page` must not wait for the browser, `read_code` returns a line that was entered, `clock`
    the time with its zone.
    """

    say: Callable[[str], None]
    open_page: Callable[[str], None]
    read_code: Callable[[], str]
    clock: Callable[[], datetime]


@dataclass(frozen=True)
class Outcome:
    """Where the sign-in is stored, and until when it is valid (RFC 3339), None if unknown."""

    place: str
    until: str | None


class Login:
    """One sign-in: everything that could fail is checked before the person is asked."""

    def __init__(self, settings: Settings, person: Person) -> None:
        """Read the key and look at the store; nothing is sent yet.

        Raises:
            ConfigurationError: the key is unusable, or the store takes no sign-in.
        """
        check_store(settings)
        consumer = load_consumer(settings)
        self._settings = settings
        self._consumer_key = consumer.consumer_key
        self._person = person
        key = load_private_key(consumer.private_key, settings.private_key_passphrase)
        self._dance = Dance(settings, self._consumer_key, key, person.clock)

    def by_browser(self, seconds: float) -> Outcome:
        """Open Jira's page in a browser on this machine, and wait for its answer.

        Raises:
            TapError: Jira or the person refused, or nobody answered in time.
        """
        with Callback() as callback:
            request = self._dance.request_token(callback.url)
            page = self._dance.authorize_url(request)
            callback.expect(request.token)
            self._person.say(
                "Jira asks in your browser: log in as the user whose issues to read, and allow the "
                f"access. If no page opens, open it yourself on this machine:\n\n  {page}\n\n"
                "Waiting. Ctrl-C stops; --no-browser is for a browser elsewhere."
            )
            self._person.open_page(page)
            return callback.wait(
                seconds,
                lambda verifier: self._store(self._dance.access_token(request, verifier)),
            )

    def by_code(self) -> Outcome:
        """Print the page's address, and read the code that Jira shows on it.

        Raises:
            TapError: Jira or the person refused, or no code was entered.
        """
        request = self._dance.request_token()
        self._person.say(
            "Open this page in any browser, log in as the user whose issues to read, and allow the "
            f"access:\n\n  {self._dance.authorize_url(request)}\n"
        )
        verifier = self._person.read_code().strip()
        if not verifier:
            raise AuthenticationError("No code was entered; nothing was stored.")
        return self._store(self._dance.access_token(request, verifier))

    def _store(self, token: AccessToken) -> Outcome:
        now = self._person.clock()
        # None where the settings hold the key as text, which is not written to another place.
        file = self._settings.private_key_file
        sign_in = SignIn(
            self._consumer_key,
            str(Path(file).expanduser().absolute()) if file else None,
            token.token,
            token.secret,
            token.session_handle,
            _moment(now, token.expires_in),
            _moment(now, token.session_expires_in),
        )
        return Outcome(store_sign_in(self._settings, sign_in), sign_in.access_token_expires)


def _moment(now: datetime, seconds: int | None) -> str | None:
    if seconds is None:
        return None
    return (now + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
