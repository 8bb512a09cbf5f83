"""The consent that OAuth 2.0 begins with: a page where a person allows, and a code for the first tokens.

Data Center: authorization code with PKCE (S256), scope READ. Cloud: 3LO, where the client secret
is demanded and PKCE not looked at. The code lives ten seconds on Data Center and works once.
"""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from oauthlib.oauth2 import WebApplicationClient

from tap_jira_oauth.auth.anonymous import Anonymous
from tap_jira_oauth.auth.oauth2 import FORM, granted_by
from tap_jira_oauth.credentials.tokens import Tokens, digest
from tap_jira_oauth.errors import AuthenticationError
from tap_jira_oauth.transport import Body, Transport

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_jira_oauth.credentials.tokens import TokenStore
    from tap_jira_oauth.settings import Settings

CLOUD_SCOPES = "read:jira-work read:jira-user offline_access"
"""`offline_access` is what makes Cloud give a refresh token."""


class Consent:
    """One consent: first the page, then the code that came back from it."""

    def __init__(self, settings: Settings) -> None:
        """Make up the secrets of this consent; nothing is sent yet."""
        self._settings = settings
        self._client = WebApplicationClient(settings.client_id or "")
        self._verifier = self._client.create_code_verifier(64)
        self.state = secrets.token_urlsafe(24)

    def authorize_url(self) -> str:
        """Return the page on which the person allows the access."""
        asked = {
            "client_id": self._settings.client_id,
            "redirect_uri": self._settings.redirect_uri,
            "response_type": "code",
            "state": self.state,
        }
        if self._settings.on_gateway:
            asked |= {"audience": "api.atlassian.com", "scope": CLOUD_SCOPES, "prompt": "consent"}
        else:
            challenge = self._client.create_code_challenge(self._verifier, "S256")
            asked |= {
                "scope": "READ",
                "code_challenge": challenge,
                "code_challenge_method": "S256",
            }
        return f"{self._settings.authorize_address}?{urlencode(asked)}"

    def finish(
        self,
        back: dict[str, str],
        store: TokenStore,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Take what the page sent back (`code`, `state`, or `error`), and keep the first tokens.

        Raises:
            AuthenticationError: the person denied, or the answer belongs to another sign-in.
        """
        if not secrets.compare_digest(back.get("state", ""), self.state):
            raise AuthenticationError("The answer belongs to another sign-in. Start again.")
        if "code" not in back:
            raise AuthenticationError(
                f"The access was not allowed ({back.get('error', 'no reason given')})."
            )
        settings = self._settings
        form = self._client.prepare_request_body(
            code=back["code"],
            redirect_uri=settings.redirect_uri,
            code_verifier=None if settings.on_gateway else self._verifier,
            client_secret=settings.client_secret,
        )
        url = settings.token_address
        # Sent once only: the code is spent even if the answer gets lost.
        answer = Transport(settings, Anonymous()).send("POST", url, body=Body(form.encode(), FORM))
        granted = granted_by(answer, url)
        if granted.refresh_token is None:
            raise AuthenticationError("Jira gave no refresh token. Allow the app offline access.")
        tokens = Tokens(
            granted.refresh_token,
            granted.access_token,
            clock() + granted.expires_in,
            digest(settings.refresh_token),
        )
        with store.locked():
            store.save(tokens)
