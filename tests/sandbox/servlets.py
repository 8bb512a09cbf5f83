"""The three OAuth servlets: request-token, authorize, access-token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from oauthlib.common import add_params_to_uri
from werkzeug import Response
from werkzeug.utils import redirect

from sandbox import consent
from sandbox.problems import OAuthProblemError
from sandbox.provider import ACCESS_TOKEN_SECONDS, SESSION_SECONDS, Provider
from sandbox.signed import SignedMessage

if TYPE_CHECKING:
    from werkzeug import Request

    from sandbox.users import Directory


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
        """Step 2: GET shows the question, POST takes the answer, as the sandbox's default user."""
        asked = request.values.get("oauth_token", "")
        user = self.directory.default
        try:
            pending = self.provider.pending(asked)
            name = pending.consumer.name
            if request.method != "POST":
                return consent.question(name, user.display_name, asked)
            decided = self.provider.decide(
                asked, user, allow=request.form.get("decision") == "allow"
            )
        except OAuthProblemError:
            return consent.stale()
        if decided.callback not in {None, "oob"}:
            answer = {"oauth_token": asked, "oauth_verifier": decided.verifier or "denied"}
            return redirect(add_params_to_uri(str(decided.callback), answer))
        return consent.code(name, decided.verifier) if decided.verifier else consent.denied(name)

    def access_token(self, request: Request) -> Response:
        """Step 3."""
        token = self.provider.access_token(SignedMessage.of(request))
        return _text(
            oauth_token=token.token,
            oauth_token_secret=token.secret,
            oauth_expires_in=str(ACCESS_TOKEN_SECONDS),
            oauth_session_handle=token.session_handle,
            oauth_authorization_expires_in=str(SESSION_SECONDS),
        )


def _text(**pairs: str) -> Response:
    """Token answers are `text/plain`, in this order: OAuth's encoding is not form encoding."""
    return Response(urlencode(pairs), mimetype="text/plain")
