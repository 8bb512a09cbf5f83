"""One OAuth-signed HTTP request: its parameters as oauthlib collects them, its signature as oauthlib judges it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from oauthlib.common import Request as OAuthRequest
from oauthlib.oauth1.rfc5849 import signature

from sandbox.problems import OAuthProblemError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from werkzeug import Request

_FORM: Final = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class SignedMessage:
    """What was signed, and the signature.

    Attributes:
        params: every parameter of header, query and form body, decoded, `realm` left out.
    """

    method: str
    uri: str
    params: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, request: Request) -> SignedMessage:
        """The message in a request, whatever it lacks.

        The URI is the raw one of the request line: decoding and encoding again would not give the same bytes.
        OAuthProblemError when the query is not url-encoded, since then nobody can say what was signed.
        """
        target: str = request.environ["REQUEST_URI"]
        form = request.get_data(as_text=True) if request.mimetype == _FORM else ""
        try:
            params = signature.collect_parameters(
                uri_query=target.partition("?")[2], body=form, exclude_oauth_signature=False
            )
        except ValueError as error:
            raise OAuthProblemError(
                "parameter_rejected", oauth_problem_advice=str(error)
            ) from error
        return cls(
            request.method,
            f"{request.scheme}://{request.host}{target}",
            (*_header(request), *params),
        )

    @property
    def oauth(self) -> dict[str, str]:
        """The protocol parameters by name."""
        return {name: value for name, value in self.params if name.startswith("oauth_")}

    def require(self, *names: str) -> None:
        """Refuse the message unless it has all of these parameters, each once."""
        have = [name for name, _ in self.params]
        absent = [name for name in names if name not in have]
        if absent:
            raise OAuthProblemError("parameter_absent", oauth_parameters_absent="&".join(absent))
        twice = sorted(
            {name for name in have if name.startswith("oauth_") and have.count(name) > 1}
        )
        if twice:
            raise OAuthProblemError("parameter_rejected", oauth_parameters_rejected="&".join(twice))

    def verify(self, key: RSAPublicKey) -> None:
        """Refuse the message unless `key` made its RSA-SHA1 signature; the base string goes into the answer, as in Jira."""
        request: Any = OAuthRequest(self.uri, cast("Any", self.method))
        # oauthlib's endpoints set these two on the request in the same way.
        request.params = [(name, value) for name, value in self.params if name != "oauth_signature"]
        request.signature = self.oauth["oauth_signature"]
        try:
            valid = signature.verify_rsa_sha1(request, cast("Any", key))
        except ValueError:  # not base64
            valid = False
        if not valid:
            base = signature.signature_base_string(
                cast("Any", self.method),
                signature.base_string_uri(self.uri),
                signature.normalize_parameters(request.params),
            )
            raise OAuthProblemError(
                "signature_invalid",
                oauth_signature=self.oauth["oauth_signature"],
                oauth_signature_base_string=base,
                oauth_signature_method="RSA-SHA1",
            )


def _header(request: Request) -> list[tuple[str, str]]:
    """The parameters of an `Authorization: OAuth` header; a malformed one counts as none, as in Jira."""
    header = request.headers.get("Authorization", "")
    if not header.lower().startswith("oauth "):
        return []
    try:
        return signature.collect_parameters(
            headers={"Authorization": header}, exclude_oauth_signature=False
        )
    except ValueError:
        return []
