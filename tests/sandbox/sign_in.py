"""Who a request comes from: every scheme, in the order in which Jira and the gateway look at them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from sandbox import oauth2_cloud, oauth2_data_center
from sandbox.oauth2_cloud import CLOUD_ID, SiteBearerError
from sandbox.signed import SignedMessage
from sandbox.users import Identity

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment
    from werkzeug import Request

    from sandbox.lifetimes import Lifetimes
    from sandbox.oauth2 import Client
    from sandbox.oauth2_cloud import CloudOAuth2
    from sandbox.oauth2_data_center import DataCenterOAuth2
    from sandbox.provider import Provider
    from sandbox.users import Directory

Flavor = Literal["data_center", "cloud"]

OAUTH2: Final = "/rest/oauth2/latest/"
"""Where Data Center is an OAuth 2.0 provider."""

AUTH_HOST: Final = "/auth.atlassian.com"
API_HOST: Final = "/api.atlassian.com"
"""The sandbox is one server: what Cloud has on these hosts is here below a first path segment of that name."""

_SCOPES: Final[dict[Flavor, dict[str, str]]] = {
    "data_center": oauth2_data_center.SCOPES,
    "cloud": oauth2_cloud.SCOPES,
}
_GATEWAY: Final = f"{API_HOST}/ex/jira/{CLOUD_ID}"
_PASSED: Final = "sandbox.gateway"


@dataclass(frozen=True)
class SignIn:
    """Reads the credentials of a request; refusals are RefusedError.

    Attributes:
        on_cloud: the site is one of Cloud, whose own address takes no bearer token of any kind.
    """

    provider: Provider
    directory: Directory
    data_center: DataCenterOAuth2
    cloud: CloudOAuth2
    on_cloud: bool = False

    def identify(self, request: Request, path: str) -> Identity:
        """The user who asks for `path` (below the context path), or nobody."""
        bearer = bearer_of(request)
        if _PASSED in request.environ:
            name = self.cloud.enter(bearer, path)
            return Identity(self.directory.behind_token(name), "oauth2")
        if bearer and (self.on_cloud or self.cloud.vault.ever_issued(bearer)):
            raise SiteBearerError
        signed = self.provider.authenticate(SignedMessage.of(request))
        if signed is not None:
            return Identity(self.directory.behind_token(signed), "oauth1")
        token = self.data_center.vault.bearer(bearer)
        if token is not None:
            return Identity(self.directory.behind_token(token.user), "oauth2")
        return self.directory.identify(request.authorization)

    def register_client(self, client: Client, flavor: Flavor) -> None:
        """Add an OAuth 2.0 client; ValueError for a scope that its flavor does not have."""
        known = _SCOPES[flavor]
        if not set(client.allowed(known)) <= known.keys():
            raise ValueError(f"the scopes of {flavor} are {', '.join(known)}")
        if not client.redirect_uris:
            raise ValueError("an OAuth 2.0 client needs at least one redirect address")
        self._oauth2(flavor).vault.register(client)

    def grant(
        self, client_id: str, flavor: Flavor, user: str | None = None, scope: str | None = None
    ) -> dict[str, Any]:
        """The token endpoint's answer without the dance; for the default user and the client's scopes unless told.

        LookupError for an unknown client or user.
        """
        provider = self._oauth2(flavor)
        client = provider.vault.client(client_id)
        owner = self.directory.named(user) if user else self.directory.default
        scopes = tuple(scope.split()) if scope else client.allowed(_SCOPES[flavor])
        return provider.grant(client, owner.name, scopes)

    def revoke(self, token: str) -> None:
        """Make a token of any kind useless, as when its user takes access back; LookupError when there is none."""
        if not (self.data_center.revoke(token) or self.cloud.revoke(token)):
            self.provider.revoke(token)

    def live(self, lifetimes: Lifetimes) -> None:
        """Give everything that is issued from now on other lifetimes."""
        self.provider.lifetimes = lifetimes
        self.data_center.lifetimes = lifetimes
        self.cloud.lifetimes = lifetimes

    def _oauth2(self, flavor: Flavor) -> DataCenterOAuth2 | CloudOAuth2:
        return self.cloud if flavor == "cloud" else self.data_center


def through_gateway(environ: WSGIEnvironment, context_path: str) -> WSGIEnvironment:
    """The request as the gateway passes it on to the site; any other request as it is."""
    path = environ["PATH_INFO"]
    below = path.removeprefix(_GATEWAY)
    if below == path or not asks_jira(below):
        return environ
    return {**environ, "PATH_INFO": context_path + below, _PASSED: _GATEWAY}


def base_url(request: Request, context_path: str) -> str:
    """Jira's base URL as this client knows it: the gateway's for what came through it."""
    below: str = request.environ.get(_PASSED, context_path)
    return request.host_url.rstrip("/") + below


def of_another_host(path: str) -> bool:
    """Whether a path stands for a host of Atlassian's that is not the site."""
    return path.startswith((AUTH_HOST + "/", API_HOST + "/"))


def asks_jira(path: str) -> bool:
    """Whether a path below the context path is a REST resource, for which it matters who asks."""
    return path.startswith("/rest/") and not path.startswith(OAUTH2)


def bearer_of(request: Request) -> str:
    """The bearer token of a request; empty when it has none."""
    sent = request.authorization
    return sent.token or "" if sent is not None and sent.type == "bearer" else ""
