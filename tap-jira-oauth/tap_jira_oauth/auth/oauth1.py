"""OAuth 1.0a with RSA-SHA1, the only signature that Jira's application links take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oauthlib.oauth1 import SIGNATURE_RSA
from requests_oauthlib import OAuth1

from tap_jira_oauth.redaction import quieten

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey


class RSASignature(OAuth1):
    """Signs each request anew, with a fresh nonce and time, with a key that is loaded once.

    The signature covers the address, the query and form-encoded bodies; JSON bodies are not
    signed (net.oauth `HttpRequestMessage`).
    """

    def __init__(  # noqa: PLR0913 - each leg of the dance signs with one parameter more
        self,
        consumer_key: str,
        private_key: RSAPrivateKey,
        token: str | None = None,
        token_secret: str | None = None,
        *,
        callback: str | None = None,
        verifier: str | None = None,
    ) -> None:
        """Prepare the signer; without `token` for the first leg of the dance."""
        # At DEBUG both libraries print signed headers and signature base strings.
        quieten("oauthlib", "requests_oauthlib")
        super().__init__(
            consumer_key,
            resource_owner_key=token,
            resource_owner_secret=token_secret,
            callback_uri=callback,
            signature_method=SIGNATURE_RSA,
            rsa_key=private_key,
            verifier=verifier,
        )
