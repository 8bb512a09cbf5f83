"""How a request proves who sends it: one file per scheme, each a `requests` AuthBase."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

from requests.auth import HTTPBasicAuth

from tap_jira_oauth.auth.anonymous import Anonymous
from tap_jira_oauth.auth.personal_token import PersonalToken
from tap_jira_oauth.credentials import load_oauth1
from tap_jira_oauth.credentials.tokens import token_store
from tap_jira_oauth.redaction import REDACTION

if TYPE_CHECKING:
    from requests.auth import AuthBase

    from tap_jira_oauth.settings import Settings


def build_auth(settings: Settings) -> AuthBase:
    """Return the scheme that `auth_method` names, ready to sign; nothing is sent.

    Raises:
        ConfigurationError: a credential is missing or malformed.
    """
    if settings.auth_method == "personal_token":
        return PersonalToken(settings.personal_token or "")
    if settings.auth_method == "basic":
        username, password = settings.username or "", settings.password or ""
        REDACTION.learn(b64encode(f"{username}:{password}".encode()).decode())
        return HTTPBasicAuth(username.encode(), password.encode())
    if settings.auth_method == "oauth2":
        return _oauth2(settings)
    if settings.auth_method == "anonymous":
        return Anonymous()
    return _oauth1(settings)


def _oauth2(settings: Settings) -> AuthBase:
    from tap_jira_oauth.auth.oauth2 import RefreshedToken  # noqa: PLC0415 - its libraries slow every start

    return RefreshedToken(settings, token_store(settings))


def _oauth1(settings: Settings) -> AuthBase:
    from tap_jira_oauth.auth.oauth1 import RSASignature  # noqa: PLC0415 - its libraries slow every start
    from tap_jira_oauth.auth.private_key import load_private_key  # noqa: PLC0415 - its libraries slow every start

    credentials = load_oauth1(settings)
    return RSASignature(
        credentials.consumer_key,
        load_private_key(credentials.private_key, settings.private_key_passphrase),
        credentials.access_token,
        credentials.access_token_secret,
    )
