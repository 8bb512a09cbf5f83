"""HTTP around the two OAuth 2.0 providers: authorize pages, token endpoints, and what only Cloud has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec
from oauthlib.common import add_params_to_uri
from werkzeug import Response
from werkzeug.routing import Rule
from werkzeug.utils import redirect

from sandbox import consent, oauth2_cloud, oauth2_data_center
from sandbox.oauth2 import AuthorizeError, CallbackError, TokenError, Wish
from sandbox.oauth2_cloud import CLOUD_ID, GatewayError
from sandbox.sign_in import API_HOST, AUTH_HOST, OAUTH2, bearer_of

if TYPE_CHECKING:
    from werkzeug import Request

    from sandbox.oauth2_cloud import CloudOAuth2
    from sandbox.oauth2_data_center import DataCenterOAuth2
    from sandbox.users import Directory

Given = Mapping[str, str]

RULES: Final = (
    Rule(f"{OAUTH2}authorize", endpoint="data_center_authorize", methods=["GET", "POST"]),
    Rule(f"{OAUTH2}token", endpoint="data_center_token", methods=["POST"]),
    Rule(f"{AUTH_HOST}/authorize", endpoint="cloud_authorize", methods=["GET", "POST"]),
    Rule(f"{AUTH_HOST}/oauth/token", endpoint="cloud_token", methods=["POST"]),
    Rule(
        f"{API_HOST}/oauth/token/accessible-resources", endpoint="cloud_resources", methods=["GET"]
    ),
    Rule(f"{API_HOST}/<path:unknown>", endpoint="cloud_nowhere"),
    Rule("/_edge/tenant_info", endpoint="tenant_info", methods=["GET"]),
)


@dataclass(frozen=True)
class OAuth2Web:
    """The endpoints, each a method of the request alone."""

    data_center: DataCenterOAuth2
    cloud: CloudOAuth2
    directory: Directory
    context_path: str

    def endpoints(self) -> dict[str, Callable[[Request], Response]]:
        """What answers each of `RULES`."""
        return {
            "data_center_authorize": self.data_center_authorize,
            "data_center_token": self.data_center_token,
            "cloud_authorize": self.cloud_authorize,
            "cloud_token": self.cloud_token,
            "cloud_resources": self.cloud_resources,
            "cloud_nowhere": self.cloud_nowhere,
            "tenant_info": self.tenant_info,
        }

    def data_center_authorize(self, request: Request) -> Response:
        """GET `/rest/oauth2/latest/authorize` shows the question, POST takes the answer."""
        told = oauth2_data_center.SCOPES
        return self._authorize(request, self.data_center.wish, self.data_center.allow, told)

    def data_center_token(self, request: Request) -> Response:
        """POST `/rest/oauth2/latest/token`: parameters as a form or in the query, never as JSON."""
        return _token(self.data_center.token, request.values.to_dict())

    def cloud_authorize(self, request: Request) -> Response:
        """GET `https://auth.atlassian.com/authorize` shows the question, POST takes the answer."""
        told = oauth2_cloud.SCOPES
        return self._authorize(request, self.cloud.wish, self.cloud.allow, told)

    def cloud_token(self, request: Request) -> Response:
        """POST `https://auth.atlassian.com/oauth/token`: parameters as JSON or as a form."""
        sent = request.get_json(silent=True) if request.is_json else request.form.to_dict()
        given = sent if isinstance(sent, dict) else {}
        return _token(self.cloud.token, {name: str(value) for name, value in given.items()})

    def cloud_resources(self, request: Request) -> Response:
        """GET `https://api.atlassian.com/oauth/token/accessible-resources`."""
        site = request.host_url.rstrip("/") + self.context_path
        return _json(self.cloud.resources(bearer_of(request), site))

    def cloud_nowhere(self, _: Request) -> Response:
        """The gateway has no such path, or no site of that cloud id."""
        raise GatewayError(404, "Not Found")

    def tenant_info(self, _: Request) -> Response:
        """GET `/_edge/tenant_info` of a site tells its cloud id to anybody."""
        return _json({"cloudId": CLOUD_ID})

    def _authorize(
        self,
        request: Request,
        read: Callable[[Given], Wish],
        allow: Callable[[Wish, str], str],
        told: Mapping[str, str],
    ) -> Response:
        try:
            wish = read(request.args.to_dict())
        except AuthorizeError as error:
            return consent.impossible(str(error))
        except CallbackError as error:
            answer = {"error": error.error, "error_description": error.description}
            return _called_back(error.wish, answer)
        if request.method != "POST":
            permissions = [told[scope] for scope in wish.scopes]
            return consent.question(wish.client.name, permissions, self.directory)
        if not consent.allowed(request):
            return _called_back(wish, {"error": "access_denied"})
        return _called_back(
            wish, {"code": allow(wish, consent.chosen(request, self.directory).name)}
        )


def _called_back(wish: Wish, answer: dict[str, str]) -> Response:
    state = {} if wish.state is None else {"state": wish.state}
    return redirect(add_params_to_uri(wish.redirect_uri, {**answer, **state}))


def _token(answer: Callable[[Given], dict[str, Any]], given: Given) -> Response:
    """Tokens and refusals alike are never to be kept by anybody between (RFC 6749, section 5.1)."""
    try:
        response = _json(answer(given))
    except TokenError as error:
        response = _json(error.body(), error.status)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Pragma"] = "no-cache"
    return response


def _json(value: object, status: int = 200) -> Response:
    return Response(
        msgspec.json.encode(value), status, content_type="application/json;charset=UTF-8"
    )
