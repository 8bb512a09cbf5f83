"""The OAuth 1.0a servlets: request-token, authorize, access-token, and the user's page of what he allowed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from oauthlib.common import add_params_to_uri
from werkzeug import Response
from werkzeug.utils import redirect

from sandbox import consent
from sandbox.problems import OAuthProblemError
from sandbox.signed import SignedMessage

if TYPE_CHECKING:
    from werkzeug import Request

    from sandbox.provider import Provider
    from sandbox.users import Directory

READ_AND_WRITE: Final = (
    "read everything in Jira that this user can see",
    "change it on this user's behalf",
)
"""OAuth 1.0a knows no scopes: a token is the user."""


@dataclass(frozen=True)
class Servlets:
    """HTTP around the provider; refusals come out as OAuthProblemError."""

    provider: Provider
    directory: Directory

    def request_token(self, request: Request) -> Response:
        """Step 1."""
        token = self.provider.request_token(SignedMessage.of(request))
        return _text(
            oauth_token=token.token,
            oauth_token_secret=token.secret,
            oauth_callback_confirmed="true",
        )

    def authorize(self, request: Request) -> Response:
        """Step 2: GET shows the question, POST takes the answer, as the chosen user or the sandbox's default one."""
        asked = request.values.get("oauth_token", "")
        try:
            pending = self.provider.pending(asked)
            name = pending.consumer.name
            if request.method != "POST":
                return consent.question(name, READ_AND_WRITE, self.directory, oauth_token=asked)
            user = consent.chosen(request, self.directory)
            decided = self.provider.decide(asked, user, allow=consent.allowed(request))
        except OAuthProblemError:
            return consent.stale()
        if decided.callback not in {None, "oob"}:
            answer = {"oauth_token": asked, "oauth_verifier": decided.verifier or "denied"}
            return redirect(add_params_to_uri(str(decided.callback), answer))
        return consent.code(name, decided.verifier) if decided.verifier else consent.denied(name)

    def access_token(self, request: Request) -> Response:
        """Step 3, or a renewal by session handle."""
        token = self.provider.access_token(SignedMessage.of(request))
        lifetimes = self.provider.lifetimes
        return _text(
            oauth_token=token.token,
            oauth_token_secret=token.secret,
            oauth_expires_in=f"{lifetimes.access_token:.0f}",
            oauth_session_handle=token.session_handle,
            oauth_authorization_expires_in=f"{lifetimes.session:.0f}",
        )

    def access_tokens(self, request: Request) -> Response:
        """What the default user has allowed: GET lists it, POST revokes one of it."""
        user = self.directory.default
        if request.method == "POST":
            given = {token.token for token in self.provider.tokens_of(user.name)}
            if request.form.get("token") in given:
                self.provider.revoke(request.form["token"])
        tokens = [
            (token.consumer.name, token.token) for token in self.provider.tokens_of(user.name)
        ]
        return consent.granted(user.display_name, tokens)


def _text(**pairs: str) -> Response:
    """Token answers are `text/plain`, in this order: OAuth's encoding is not form encoding."""
    return Response(urlencode(pairs), mimetype="text/plain")
