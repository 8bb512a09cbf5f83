"""`jira-oauth login`: a person allows the access once, and the tap can run unattended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from tap_jira_oauth.auth.callback import Callback
from tap_jira_oauth.auth.consent import Consent
from tap_jira_oauth.auth.dance import Dance
from tap_jira_oauth.auth.private_key import load_private_key
from tap_jira_oauth.credentials import check_store, load_consumer, store_sign_in
from tap_jira_oauth.credentials.sign_in import SignIn
from tap_jira_oauth.credentials.tokens import token_store
from tap_jira_oauth.errors import AuthenticationError, ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_jira_oauth.auth.dance import AccessToken
    from tap_jira_oauth.settings import Settings

WAIT_SECONDS = 600
"""As long as Jira's request token lives."""


@dataclass(frozen=True)
class Person:
    """The other side of the sign-in: what is said to it, and how it answers.

    `open_page` must not wait for the browser, `read_code` asks for what it is given and returns the line that was entered, `clock`
    the time with its zone.
    """

    say: Callable[[str], None]
    open_page: Callable[[str], None]
    read_code: Callable[[str], str]
    clock: Callable[[], datetime]


@dataclass(frozen=True)
class Outcome:
    """Where the sign-in is stored, and until when it is valid (RFC 3339), None if unknown."""

    place: str
    until: str | None


class Login:
    """One sign-in by OAuth 1.0a: everything that could fail is checked before the person is asked."""

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
                lambda given: self._store(
                    self._dance.access_token(request, given["oauth_verifier"])
                ),
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
        verifier = self._person.read_code("Verification code").strip()
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


class ConsentLogin:
    """One sign-in by OAuth 2.0; Jira sends the browser to the `redirect_uri` of the app."""

    def __init__(self, settings: Settings, person: Person) -> None:
        """Look at the settings; nothing is sent yet.

        Raises:
            ConfigurationError: `redirect_uri` is missing.
        """
        if not settings.redirect_uri:
            raise ConfigurationError(
                "OAuth 2.0 needs 'redirect_uri', as it is registered with the application link or "
                "app; http://127.0.0.1:8585/callback lets `jira-oauth login` take the answer."
            )
        self._settings = settings
        self._person = person
        self._address = urlsplit(settings.redirect_uri)
        self._consent = Consent(settings)

    def by_browser(self, seconds: float) -> Outcome:
        """Open Jira's page in a browser on this machine, and wait for its answer.

        Where `redirect_uri` is no port of this machine, its address is asked for instead.

        Raises:
            TapError: Jira or the person refused, or nobody answered in time.
        """
        address = self._address
        if address.scheme != "http" or address.hostname not in _HERE or not address.port:
            return self.by_code()
        with Callback(address.port, address.path) as callback:
            callback.expect_code(self._consent.state)
            page = self._consent.authorize_url()
            self._person.say(
                "Jira asks in your browser: log in as the user whose issues to read, and allow the "
                f"access. If no page opens, open it yourself on this machine:\n\n  {page}\n\n"
                "Waiting. Ctrl-C stops."
            )
            self._person.open_page(page)
            return callback.wait(seconds, self._finish)

    def by_code(self) -> Outcome:
        """Print the page's address, and read the one to which Jira sent the browser.

        Raises:
            TapError: Jira or the person refused, or it is too late: a code of Data Center lives
                ten seconds.
        """
        self._person.say(
            "Open this page in any browser, log in as the user whose issues to read, and allow the "
            f"access:\n\n  {self._consent.authorize_url()}\n\nThe browser is then sent on, maybe to "
            "a page that does not load. Copy its address from the address bar, at once: Data "
            "Center's codes live ten seconds.\n"
        )
        entered = self._person.read_code("Its address").strip()
        return self._finish(dict(parse_qsl(urlsplit(entered).query)))

    def _finish(self, given: dict[str, str]) -> Outcome:
        self._consent.finish(given, token_store(self._settings))
        in_file = self._settings.credentials_store == "file"
        place = self._settings.credentials_file if in_file else self._settings.ssm_secrets_name
        return Outcome(str(place), None)


_HERE = frozenset({"127.0.0.1", "localhost"})


def _moment(now: datetime, seconds: int | None) -> str | None:
    if seconds is None:
        return None
    return (now + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
